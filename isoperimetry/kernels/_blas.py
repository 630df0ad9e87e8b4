"""Keep the first call of a kernel from importing `scipy.linalg`, a third of its time.

When Numba compiles or loads its first function it imports `numba.np.arraymath`, which asks at once whether there is a
BLAS, by importing `scipy.linalg`. No kernel needs one. So that one question is answered with yes, scipy being a
dependency of the library, and nothing is imported. Who compiles a product of matrices gets Numba's own check as before,
which imports scipy then; `tests/kernels/test_blas.py` sees to that.
"""

from __future__ import annotations

import functools
import importlib.util
import sys

import numba


def ask_later() -> None:
    """Answer the question at Numba's start; do nothing if it was asked, or if this Numba does not ask it this way."""
    if numba.config.DISABLE_JIT or "numba.np.arraymath" in sys.modules:
        return
    try:
        if importlib.util.find_spec("scipy") is None:
            return
        from numba.np import linalg

        check = linalg.ensure_blas
    except (ImportError, AttributeError, ValueError):
        return

    @functools.wraps(check)
    def ensure_blas() -> None:
        if sys._getframe(1).f_code.co_name != "_check_blas":  # the one caller at Numba's start
            check()

    linalg.ensure_blas = ensure_blas
