"""The same draws on every device, to a few units of the last place of a normal.

The engine for CUDA is run where there is a device, and otherwise in triton's interpreter, in a process of its own.
"""

from __future__ import annotations

import importlib.util
import math
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from isoperimetry.special import philox_normals
from isoperimetry.streams import Stream, add_noise, as_stream
from isoperimetry_bridges.torch import noise, philox
from isoperimetry_bridges.torch.noise import NoiseSource, Run, noise_stream

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
HAS_TRITON = importlib.util.find_spec("triton") is not None
CUDA = torch.cuda.is_available()

WHERE = [("torch", "cpu"), *[("triton", "cpu")] * INTERPRETED, *[("torch", "cuda"), ("triton", "cuda")] * CUDA]
"""Engine and device of each run of the tests."""

ULPS = {torch.float32: 8, torch.float64: 8}
"""The kernel is within 4.6 (float64: 2.9) of the exact normal, torch within 4.3 where it was looked at."""

Add = Callable[[Tensor, Tensor, Tensor, tuple[float, float] | None], None]


@pytest.fixture(params=WHERE, ids="-".join)
def where(request: pytest.FixtureRequest) -> tuple[str, str]:
    engine, device = request.param
    return engine, device


def ulps(found: NDArray[Any], true: NDArray[Any]) -> float:
    return float((np.abs(found.astype(np.float64) - true) / np.spacing(np.abs(true))).max())


def as_signed(numbers: Any) -> Tensor:
    return torch.from_numpy(np.asarray(numbers, np.uint64).view(np.int64))


# --- words and normals in plain torch -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [  # the published vectors of Random123 for Philox4x32 with 10 rounds
        ((0,) * 4, (0,) * 2, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_words_are_the_published_ones(counter: Any, key: Any, words: Any) -> None:
    maker = philox.Philox(1, torch.float32, torch.device("cpu"))
    first, second, third, fourth = (torch.tensor([[word]]) for word in counter)
    found = maker.words((first, second, third, fourth), (torch.tensor([[key[0]]]), torch.tensor([[key[1]]])), 1)
    assert tuple(int(word) for word in found) == words


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("first", [0, 2**32 - 1, 2**40 + 5])
def test_normals_of_any_block_of_coordinates(dtype: torch.dtype, first: int) -> None:
    per_block = 4 if dtype == torch.float32 else 2
    keys, draws = [0, 7, 2**32 - 1, 2**63 + 5, 2**64 - 1], [0, 2**64 - 1, 2**32 - 1, 2**32, 2**63]
    z = philox.Philox(5 * 3, dtype, torch.device("cpu")).normals(as_signed(keys), as_signed(draws), first, 3)
    for i, (key, draw) in enumerate(zip(keys, draws, strict=True)):
        kind = z.numpy().dtype
        assert (
            ulps(z[i].numpy(), philox_normals(key, draw, 3 * per_block, kind, start=per_block * first)) <= ULPS[dtype]
        )


def test_normals_of_extreme_words() -> None:
    # Words at the ends of each range, of a zero word among them, against the exact transform in float64.
    edges = [0, 1, 2**29 - 1, 2**29, 2**30 - 1, 2**30, 3 * 2**29, 2**31 - 1, 2**31, 2**31 + 1, 0xB504F333, 0xB504F334]
    edges += [2**32 - 129, 2**32 - 128, 2**32 - 2, 2**32 - 1]
    a, b = (words.ravel() for words in np.meshgrid(np.array(edges, np.int64), np.array(edges, np.int64)))
    maker, z = philox.Philox(a.size, torch.float32, torch.device("cpu")), torch.empty(a.size, 2)
    maker._write_32(z, torch.from_numpy(a), torch.from_numpy(b), torch.empty(a.size, dtype=torch.int64))
    log_u = [math.log((k + 0.5) / 2**32) if k < 2**31 else math.log1p((k + 0.5 - 2**32) / 2**32) for k in a.tolist()]
    offset = (((b & (2**30 - 1)) ^ 2**29) - 2**29 + 0.5) / 2**30
    radius, angle = np.sqrt(-2 * np.array(log_u)), np.pi / 2 * offset
    x, y = radius * np.cos(angle) * np.where(b >> 30 & 1, -1, 1), radius * np.sin(angle)
    true = np.stack([np.where(b >> 31, y, x), np.where(b >> 31, x, y)], -1)
    assert (np.abs(z.numpy() - true) / np.spacing(np.abs(true).astype(np.float32))).max() <= 5
    assert float(z.abs().max()) == pytest.approx(math.sqrt(66 * math.log(2)), rel=1e-6)
    assert float(z.abs().min()) > 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_chunks_do_not_change_a_bit(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    images = torch.rand(3, 37, dtype=dtype, generator=torch.Generator().manual_seed(1))
    stream = as_stream(3)
    runs = [Run(i % 3, 0.1 * i, stream.split(i), 2**33 * i, 2 + i) for i in range(5)]
    source = NoiseSource(images, engine="torch")
    whole = source.fill(runs, torch.empty(20, 37, dtype=dtype)).clone()
    for chunk in 1, 7, 19, 50:  # parts of a row, a row, several rows
        monkeypatch.setitem(philox._CHUNK, "cpu", chunk)
        assert torch.equal(source.fill(runs, torch.full_like(whole, math.nan)), whole)


# --- every engine ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(1,), (6,), (3, 4, 4), (2, 517)])
def test_the_same_draws(where: tuple[str, str], dtype: torch.dtype, shape: tuple[int, ...], seed: int) -> None:
    engine, device = where
    root, dim = as_stream(seed), math.prod(shape)
    # Around zero and of scale 1, so that what comes back is the normals.
    source = NoiseSource(torch.zeros(2, *shape, dtype=dtype), device=device, engine=engine)  # type: ignore[arg-type]
    assert (source.engine, source.device.type) == where
    places = [(0, 0, 3), (1, 2**32 - 2, 4), (1, 2**64 - 5, 5), (0, 2**63 - 1, 2), (0, 41, 0), (1, 41, 1)]
    runs = [Run(image, 1.0, noise_stream(root, "count", image), first, count) for image, first, count in places]
    out = torch.full((20, *shape), math.nan, dtype=dtype, device=device)
    rows = source.fill(runs, out)
    assert rows.shape == (15, *shape)
    assert rows.data_ptr() == out.data_ptr()
    assert out[15:].isnan().all()
    kind = np.float32 if dtype == torch.float32 else np.float64
    true = np.concatenate([philox_normals(run.stream.key, run.first, (run.count, dim), kind) for run in runs])
    assert ulps(rows.reshape(15, dim).cpu().numpy(), true) <= ULPS[dtype]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("bounds", [None, (0.0, 1.0), (0.1, 0.9)])
def test_images_and_scales_of_their_own(
    where: tuple[str, str], dtype: torch.dtype, bounds: tuple[float, float] | None, seed: int
) -> None:
    engine, device = where
    images = torch.rand(4, 5, 7, dtype=dtype, generator=torch.Generator().manual_seed(seed))
    root = as_stream(seed)
    runs = [Run(i % 4, [0.0, 1e-4, 0.2, 30.0][i % 3], root.split(i), 10 * i, 1 + i) for i in range(6)]
    kernel = NoiseSource(images, bounds=bounds)
    assert kernel.engine == "compiled"
    true = kernel.fill(runs, torch.empty(21, 5, 7, dtype=dtype))
    source = NoiseSource(images, device=device, bounds=bounds, engine=engine)  # type: ignore[arg-type]
    found = source.fill(runs, torch.empty(30, 5, 7, dtype=dtype, device=device)).cpu()
    sigmas = torch.tensor([run.sigma for run in runs for _ in range(run.count)], dtype=dtype)
    # A normal is below 7 (float64: 9) and good to 8 units; sum and product are rounded once or twice.
    slack = torch.finfo(dtype).eps * (8 * 9 * sigmas + 1)
    assert ((found - true).abs().flatten(1) <= slack[:, None]).all()
    none = sigmas == 0
    clean = torch.cat([images[run.image].expand(run.count, 5, 7) for run in runs])
    assert torch.equal(found[none], clean[none] if bounds is None else clean[none].clamp(*bounds))
    if bounds is not None:
        low, high = (torch.tensor(bound, dtype=dtype) for bound in bounds)
        assert (found.min(), found.max()) == (low, high)


def test_no_runs_and_no_coordinates(where: tuple[str, str]) -> None:
    engine, device = where
    source = NoiseSource(torch.zeros(2, 3, 0), device=device, engine=engine)  # type: ignore[arg-type]
    stream = as_stream(1)
    assert source.fill([], torch.empty(5, 3, 0, device=device)).shape == (0, 3, 0)
    assert source.fill([Run(0, 0.1, stream, 0, 2)], torch.empty(5, 3, 0, device=device)).shape == (2, 3, 0)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"image": 2}, r"must have an image in \[0, 2\)"),
        ({"image": -1}, r"must have an image in \[0, 2\)"),
        ({"sigma": -0.1}, "sigma"),
        ({"sigma": math.nan}, "sigma"),
        ({"sigma": math.inf}, "sigma"),
        ({"sigma": 1e-60}, "within the range of"),
        ({"sigma": 1e60}, "within the range of"),
        ({"first": -1}, "first"),
        ({"first": 2**64 - 2}, r"2\*\*64"),
    ],
)
def test_runs_that_name_nothing(where: tuple[str, str], change: dict[str, Any], text: str) -> None:
    run: dict[str, Any] = {"image": 0, "sigma": 0.1, "stream": as_stream(1), "first": 0, "count": 3, **change}
    for engine, device in (where, ("compiled", "cpu")):
        source = NoiseSource(torch.zeros(2, 4), device=device, engine=engine)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match=text):
            source.fill([Run(**run)], torch.empty(3, 4, device=device))


def test_the_engine_is_told_and_can_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    assert noise._best_engine(torch.device("mps")) == "torch"
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert noise._best_engine(torch.device("cuda", 1)) == "torch"
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    assert noise._best_engine(torch.device("cuda", 1)) == "triton"
    assert noise._best_engine(torch.device("cpu")) == "compiled"
    with pytest.raises(ValueError, match="engine='cuda' must be"):
        NoiseSource(torch.zeros(1, 2), engine="cuda")  # type: ignore[arg-type]


# --- the kernel for CUDA --------------------------------------------------------------------------------------------


@pytest.mark.skipif(not HAS_TRITON, reason="the package triton is not installed")
@pytest.mark.skipif(CUDA or INTERPRETED, reason="the tests above run the kernel themselves")
def test_the_kernel_in_the_interpreter() -> None:
    # Triton decides when it is imported, so that this needs a process of its own.
    command = [sys.executable, "-m", "pytest", "-q", "-k", "triton-", "-p", "no:cacheprovider", __file__]
    child = subprocess.run(command, env={**os.environ, "TRITON_INTERPRET": "1"}, capture_output=True, text=True)
    assert child.returncode == 0, child.stdout[-4000:] + child.stderr[-2000:]
    assert " passed" in child.stdout


@pytest.mark.skipif(not HAS_TRITON, reason="the package triton is not installed")
@pytest.mark.skipif(INTERPRETED, reason="interpreted kernels are not compiled")
@pytest.mark.parametrize("arch", [80, 90])
@pytest.mark.parametrize(("single", "bounds"), [(True, (None, None)), (True, (0.1, 0.9)), (False, (0.1, 0.9))])
def test_the_kernel_compiles_for_nvidia(arch: int, single: bool, bounds: Any) -> None:
    # No device is needed for it. That it writes 16 bytes at once, without exchange between threads, is its speed.
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    from isoperimetry_bridges.torch import philox_triton

    if tuple(int(part) for part in triton.__version__.split(".")[:2]) < (3, 3):
        pytest.skip("older versions of triton compile without a device by other names")
    number = "*fp32" if single else "*fp64"
    constants = {"SINGLE": single, "LOW": bounds[0], "HIGH": bounds[1], "ROWS": 1, "BLOCKS": 256, "PTX": True}
    signature = {"out": number, "centers": number, "table": "*i64", "n": "i32", "dim": "i32", "tiles": "i32"}
    signature |= dict.fromkeys(constants, "constexpr")
    divisible = {(place,): [["tt.divisibility", 16]] for place in (0, 1, 2, 4)}
    source = ASTSource(philox_triton._add_noise, signature, constants, divisible)
    options = {"num_warps": philox_triton.WARPS, "enable_fp_fusion": True}
    ptx = triton.compile(source, target=GPUTarget("cuda", arch, 32), options=options).asm["ptx"]
    assert ptx.count("st.global.v4.b32" if single else "st.global.v2.b64") == ptx.count("st.global")
    assert ptx.count("st.global") == 4
    assert "shared" not in ptx
    # 4 counters a thread: two pairs of 12 fused multiply-adds and 4 at the end (float64: one of 21, and 2).
    fused = ptx.count("fma.rn.f32") if single else ptx.count("fma.rn.f64")
    assert fused == (4 * (2 * 12 + 4) if single else 4 * (21 + 2))


def test_add_noise_is_the_truth_of_these_tests() -> None:
    # `philox_normals` by key, and `add_noise` by stream, which the engine on the CPU calls: one noise.
    stream = Stream(seed=3).split("count", 1)
    out = add_noise(np.zeros(7), 1.0, stream=stream, first=5, out=np.empty((2, 7)))
    assert (out == philox_normals(stream.key, 5, (2, 7))).all()
