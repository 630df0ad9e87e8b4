"""The two decorators of every kernel: `kernel` and `parallel_kernel`. Every compile option of the library is here.

Why these options: ``error_model="numpy"`` so that a division by zero is an infinity and no exception; ``nogil`` because
no kernel touches a Python object, so that threads of any executor run side by side. No fast math: its full set assumes
that there are neither infinities nor NaN, and cancels the low parts on which the accuracy rests; even its ``contract``
would leave it to the compiler which products are rounded before a sum. Kernels write `fma` where one rounding is meant,
and have the same bits in a scalar, in a vector, in plain Python and on any processor. Compiled code is kept on disk:
see `isoperimetry.kernels._cache`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, Protocol, TypeVar, overload

import numba
import numpy as np

from isoperimetry.kernels import _blas

try:
    from isoperimetry.kernels import _cache
except (ImportError, AttributeError):  # a later Numba, whose cache is made otherwise: compiled in every process
    _cache = None  # type: ignore[assignment]

P = ParamSpec("P")
R = TypeVar("R", covariant=True)

_blas.ask_later()

_OPTIONS: dict[str, Any] = {"error_model": "numpy", "nogil": True}


class Kernel(Protocol[P, R]):
    """A compiled function: call it from Python or from other compiled code; ``py_func`` is the plain Python one."""

    @property
    def py_func(self) -> Callable[P, R]:
        """The function as it was written."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the compiled function."""


def _compile(function: Callable[P, R], *, cached: bool = True, **options: Any) -> Kernel[P, R]:
    # Nobody passes a private kernel on as a value; without the code for that it is compiled a tenth faster.
    private = function.__name__.startswith("_")
    compiled: Any = numba.njit(no_cfunc_wrapper=private, **_OPTIONS, **options)(function)
    if _cache is not None and cached:
        _cache.attach(compiled, function)
    if not hasattr(compiled, "py_func"):  # NUMBA_DISABLE_JIT=1: Numba hands the function back as it is
        compiled = np.errstate(all="ignore")(function)  # NumPy's scalars warn of overflows, compiled code does not
        compiled.py_func = compiled
    result: Kernel[P, R] = compiled
    return result


@overload
def kernel(function: Callable[P, R], /) -> Kernel[P, R]: ...
@overload
def kernel(*, inline: bool = ..., cached: bool = ...) -> Callable[[Callable[P, R]], Kernel[P, R]]: ...
def kernel(function: Any = None, /, *, inline: bool = False, cached: bool = True) -> Any:
    """Compile a scalar function or a loop.

    Parameters
    ----------
    function : callable
        Takes and returns numbers or arrays; see the rules in `isoperimetry.kernels`.
    inline : bool
        Copy the body into every caller before compilation: for the small cores of other kernels, which must not stay
        behind a call if the loop around them is to be vectorised. Only for functions that the library itself calls,
        because inlined code takes the compile options of its caller.
    cached : bool
        Keep the compiled code on disk. Not for a function that takes a user's compiled function as an argument: its
        code holds that of the user, of which the label of the cache knows nothing.

    Returns
    -------
    Kernel
        The compiled function; its attribute ``py_func`` is the plain one.
    """

    def decorate(plain: Any) -> Any:
        return _compile(plain, cached=cached, inline="always" if inline else "never")

    return decorate if function is None else decorate(function)


def parallel_kernel(function: Callable[P, R], /) -> Kernel[P, R]:
    """Compile a loop over ``numba.prange`` that runs on all threads.

    Parameters
    ----------
    function : callable
        Its result must not depend on the order of the iterations: integer counts, or one output element for each.

    Returns
    -------
    Kernel
        The compiled function; its attribute ``py_func`` is the plain one.
    """
    return _compile(function, parallel=True)
