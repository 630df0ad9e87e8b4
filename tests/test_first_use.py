"""The first use: cheap within a generous factor, and `warmup` leaves nothing to compile.

`benchmarks.test_import_time` measures against the goals themselves. The factor is for busy machines: what these tests
find are imports and compilations that should not be there, which cost many times the goal.
"""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest

import isoperimetry as iso
from benchmarks.test_import_time import CALLS, GOALS, measure_import, run
from isoperimetry import bounds, special
from isoperimetry.kernels import beta, distances, enlargements, gamma, moments, normal, philox

FACTOR = 4


def test_import() -> None:
    assert min(measure_import(3)["import beyond numpy"]) <= FACTOR * GOALS["import beyond numpy"]


def test_first_calls(tmp_path: Path) -> None:
    cold = run(CALLS, tmp_path)
    both = cold["first array call, beyond numpy"] + cold["second kernel"]
    assert both <= FACTOR * GOALS["both kernels, cold"]
    warm = [run(CALLS, tmp_path) for _ in range(3)]
    in_all = min(found["first array call, in all"] for found in warm)
    assert in_all <= FACTOR * GOALS["first array call, warm, in all"]
    # Without a cache this would be a second.
    assert min(found["second kernel"] for found in warm) <= FACTOR * GOALS["second kernel, warm"]


def compiled() -> dict[str, list[Any]]:
    """Return the signatures that each kernel is compiled for."""
    return {
        f"{module.__name__}.{name}": list(kernel.signatures)
        for module in (beta, distances, enlargements, gamma, moments, normal, philox)
        for name, kernel in vars(module).items()
        if hasattr(kernel, "signatures")
    }


def call_everything() -> None:
    numbers = np.linspace(0.1, 0.9, 5)
    for name in set(special.__all__) - {"philox_normals"}:
        function = getattr(special, name)
        arguments = [key for key in inspect.signature(function).parameters if key != "out"]
        function(**dict.fromkeys(arguments, 0.25))
        function(**dict.fromkeys(arguments, numbers), out=np.empty(5))
    for dtype in (np.float32, np.float64):
        special.philox_normals(1, 2, (3, 5), dtype, start=1)
        iso.add_noise([0.5], 2, stream=iso.Stream(seed=1), out=np.empty((4, 1), dtype))
    for rates in (0.25, numbers, np.linspace(-9, -1, 5)):
        form = {"mu" if np.min(rates) > 0 else "log_mu": rates}
        for bound in (bounds.halfspace_distance, bounds.gaussian_profile, bounds.log_gaussian_profile):
            bound(**form)
        for bound in (bounds.median_distance_bound, bounds.mean_distance_bound, bounds.log_mean_distance_bound):
            bound(**form, conditional=True)
        bounds.second_moment_distance_bound(**form)
        bounds.enlargement(**form, eps=0.5)
        bounds.log_error_rate_at_sigma(**form, sigma=1.0, sigma_new=numbers)
        bounds.required_sigma(0.5, **form)
        bounds.required_error_rate(numbers, robust_fraction=0.5)


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")
def test_warmup_leaves_nothing_to_compile() -> None:
    iso.warmup()
    before = compiled()
    assert all(before[f"isoperimetry.kernels.normal.{part}ndtri"] for part in ("", "fill_"))
    call_everything()
    assert compiled() == before


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")
def test_the_layout_of_arguments_needs_no_other_kernel() -> None:
    iso.warmup()
    before = compiled()
    numbers = np.linspace(0.1, 0.9, 6)
    special.ndtr(numbers[::2])
    special.ndtr(np.asfortranarray(numbers.reshape(2, 3)))
    special.ndtr(np.broadcast_to(0.5, 3))
    special.log_chi2_cdf(numbers, dim=3)
    special.log_chi2_cdf(0.5, dim=numbers[::-1])
    special.log_chi2_cdf(numbers.reshape(2, 3), dim=numbers[:3].astype(np.float32))
    assert compiled() == before


def test_warmup_again_is_quick_and_shows_progress_if_asked(capfd: pytest.CaptureFixture[str]) -> None:
    iso.warmup()
    seen: list[tuple[int, int | None, str]] = []
    seconds = iso.warmup(progress=lambda *state: seen.append(state))
    assert list(seconds)[: len(special.__all__)] == special.__all__
    assert {"halfspace_distance", "enlargement", "mean_distance_bound"} < seconds.keys()
    assert sum(seconds.values()) < 0.5
    n = len(seconds)
    assert [done for done, _, _ in seen] == list(range(n + 1))
    assert {(total, text) for _, total, text in seen} == {(n, "compiling kernels")}
    assert capfd.readouterr() == ("", "")


def test_warmup_where_nothing_is_compiled() -> None:
    code = "import isoperimetry as iso; iso.warmup()"
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "NUMBA_DISABLE_JIT": "1"}, check=True, timeout=60)
