"""The machine code of the hot loops: vectors of fused multiply-adds, and no call to the C library.

LLVM falls back to scalar code in silence (a call in a loop is enough), and the loop is then several times slower.
"""

from __future__ import annotations

import platform
import re
from typing import Any

import numba
import numpy as np
import pytest
from llvmlite import binding as llvm

from isoperimetry.kernels import _jit, _loops, philox

pytestmark = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")

X86 = platform.machine().lower() in ("x86_64", "amd64")
FLOATS, SINGLES = np.zeros(_loops.GROUP), np.zeros(4 * _loops.GROUP, np.float32)
STAGES, COUNTERS = np.zeros(_loops.N_STAGES), np.zeros(2 * philox._GROUP, np.uint64)
WORDS = np.zeros(4 * philox._GROUP, np.uint32)
PIECE = (0, FLOATS, 9, FLOATS, STAGES)

# function, arguments, type of its fused multiply-adds, how many of its loops have them
LOOPS: list[tuple[Any, tuple[Any, ...], str, int]] = [
    (_loops._ndtr, PIECE, "d", 5),
    (_loops._log_ndtr, PIECE, "d", 9),
    (_loops._mills_ratio, PIECE, "d", 4),
    (_loops._ndtri, PIECE, "d", 3),
    (_loops._ndtri_exp, PIECE, "d", 7),
    (_loops._log_profile, PIECE, "d", 3),
    (_loops._log_profile_exp, PIECE, "d", 7),
    (philox._make_normals32, (SINGLES, WORDS, 9), "s", 1),
    (philox._make_normals64, (FLOATS, COUNTERS, 9), "d", 1),
]
C_LIBRARY = re.compile(r"\b(?:log|exp|sin|cos|tan|pow|fma|fmod|erf|sqrt|cbrt|hypot)\w{0,4}\b")


def has_vectors() -> bool:
    if X86:
        features = llvm.get_host_cpu_features()
        return bool(features.get("avx2") and features.get("fma"))
    return platform.machine().lower() in ("arm64", "aarch64")


def assembly(function: Any, arguments: tuple[Any, ...]) -> str:
    """Compile anew: code that was read from a cache cannot be looked at."""
    compiled = numba.njit(**_jit._OPTIONS)(function.py_func)  # noqa: TID251
    compiled.compile(tuple(map(numba.typeof, arguments)))
    return "\n".join(compiled.inspect_asm().values())


def count_fma(text: str, kind: str) -> tuple[int, int]:
    """Return how many fused multiply-adds of the type are on vectors and on scalars."""
    if X86:
        found = re.findall(rf"\tvfn?m(?:add|sub)\d+([ps]){kind}\s", text)
        return found.count("p"), found.count("s")
    register = {"d": "d", "s": "s"}[kind]
    vectors = re.findall(rf"\tfml[as](?:\.\d{register}|\s+v\d+\.\d{register})", text)
    return len(vectors), len(re.findall(rf"\tfn?m(?:add|sub)\s+{register}\d", text))


def count_vector_loops(text: str, kind: str) -> int:
    """Return how many blocks that jump back to their own start hold fused multiply-adds on vectors."""
    blocks = re.findall(r"^(\.LBB\d+_\d+):(.*?)(?=^\.LBB|\Z)", text, re.MULTILINE | re.DOTALL)
    loops = [body for label, body in blocks if re.search(rf"\t[jb][\w.]+\s+{re.escape(label)}\b", body)]
    return sum(count_fma(body, kind)[0] > 0 for body in loops)


def called(text: str) -> set[str]:
    """Return the names that the code calls or loads the addresses of."""
    lines = re.findall(r"^\t(?:callq?|bl|jmp|movabsq?)\s+\$?(\w+)", text, re.MULTILINE)
    return {name for name in lines if C_LIBRARY.fullmatch(name)}


@pytest.mark.skipif(not has_vectors(), reason="the processor has neither AVX2 with FMA nor NEON")
@pytest.mark.parametrize(
    ("function", "arguments", "kind", "expected"), LOOPS, ids=[loop[0].py_func.__name__ for loop in LOOPS]
)
def test_hot_loops_are_vectors(function: Any, arguments: tuple[Any, ...], kind: str, expected: int) -> None:
    text = assembly(function, arguments)
    assert count_vector_loops(text, kind) >= expected
    assert called(text) == set()


def test_the_check_can_fail() -> None:
    import math

    def in_steps(x: Any, y: Any) -> None:
        for i in range(1, x.size):
            y[i] = philox.fma(y[i - 1], x[i], math.log(x[i]))

    compiled = numba.njit(**_jit._OPTIONS)(in_steps)  # noqa: TID251
    compiled.compile((numba.float64[::1], numba.float64[::1]))
    text = "\n".join(compiled.inspect_asm().values())
    assert "log" in called(text)
    assert count_vector_loops(text, "d") == 0
    assert count_fma(text, "d")[1] > 0 or not has_vectors()
