"""Numba's question for a BLAS is put off, not lost."""

from __future__ import annotations

import subprocess
import sys

import numba
import pytest

PRODUCTS = """
import sys
import numpy as np
from isoperimetry import special
assert special.ndtri(0.5) == 0.0
print("scipy.linalg" in sys.modules)
import numba
a = np.arange(4.0)
assert numba.njit(lambda x, y: np.dot(x, y))(a, a) == 14.0
assert list(numba.njit(lambda x, y: np.correlate(x, y))(a, a)) == [14.0]
print("scipy.linalg" in sys.modules)
"""

ASKED = """
import numba, numba.np.linalg
check = numba.np.linalg.ensure_blas
assert numba.njit(lambda x: x)(1.0) == 1.0
import isoperimetry.kernels.logspace
print(numba.np.linalg.ensure_blas is check)
"""

NO_SCIPY = """
import sys
sys.modules["scipy"] = None
import numba.np.linalg
check = numba.np.linalg.ensure_blas
import isoperimetry.kernels.logspace
print(numba.np.linalg.ensure_blas is check)
"""


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")
@pytest.mark.parametrize(("code", "printed"), [(PRODUCTS, ["False", "True"]), (ASKED, ["True"]), (NO_SCIPY, ["True"])])
def test_scipy_is_imported_when_a_product_is_compiled(code: str, printed: list[str]) -> None:
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert (done.stderr, done.stdout.split()) == ("", printed)
