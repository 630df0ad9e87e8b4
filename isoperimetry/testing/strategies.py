"""Hypothesis strategies for numbers and sets in the range where the library promises its accuracy."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import strategies as st

from isoperimetry.sets import Complement, ErrorSet, HalfSpace, Slab

_DIMS = (1, 2, 3, 10, 784, 150528)


def dims(*, max_dim: int = 150528) -> st.SearchStrategy[int]:
    """Return dimensions from a line to an ImageNet image.

    Parameters
    ----------
    max_dim : int
        The largest one wanted, >= 1.

    Returns
    -------
    strategy of int

    Examples
    --------
    >>> from hypothesis import find
    >>> find(dims(max_dim=784), lambda dim: dim > 10)
    784
    """
    return st.sampled_from([dim for dim in _DIMS if dim <= max_dim])


def error_rates(*, low: float = 1e-300, high: float = 1 - 1e-12) -> st.SearchStrategy[float]:
    """Return error rates, as often far down the lower tail as in the middle.

    Parameters
    ----------
    low, high : float
        The limits, 0 < low < high < 1.

    Returns
    -------
    strategy of float
        Rates in [low, high].
    """
    exponents = st.floats(math.log(low), math.log(high))
    tail = exponents.map(lambda log_mu: min(max(math.exp(log_mu), low), high))
    return st.floats(low, high) | tail


def log_error_rates(*, low: float = -1e6, high: float = -1e-6) -> st.SearchStrategy[float]:
    """Return natural logarithms of error rates, most of which underflow as plain numbers.

    Parameters
    ----------
    low, high : float
        The limits, low < high < 0.

    Returns
    -------
    strategy of float
        Logarithms in [low, high].
    """
    sizes = st.floats(math.log(-high), math.log(-low))
    return st.floats(low, high) | sizes.map(lambda size: min(max(-math.exp(size), low), high))


def sigmas(*, low: float = 1e-6, high: float = 1e6) -> st.SearchStrategy[float]:
    """Return noise scales, evenly on a log scale.

    Parameters
    ----------
    low, high : float
        The limits, 0 < low < high, in the unit of the inputs.

    Returns
    -------
    strategy of float
        Scales in [low, high]; 1 is the simplest.
    """
    decades = st.floats(math.log10(low), math.log10(high))
    return decades.map(lambda decade: min(max(10.0**decade, low), high))


@st.composite
def _normals(draw: st.DrawFn, dim: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Draw a direction along an axis or, from a seed as long vectors shrink badly, any direction."""
    if draw(st.booleans()):
        return np.random.default_rng(draw(st.integers(0, 2**32 - 1))).standard_normal(dim)
    normal = np.zeros(dim)
    normal[draw(st.integers(0, dim - 1))] = draw(st.sampled_from((1.0, -1.0, 3.0)))
    return normal


@st.composite
def error_sets(draw: st.DrawFn, *, dim: int | None = None, scale: float = 1.0, half_spaces: bool = True) -> ErrorSet:
    """Return error sets whose volumes and enlargements are exact: half-spaces, slabs and complements of slabs.

    Parameters
    ----------
    dim : int, optional
        Their dimension; None: any of `dims` up to 784.
    scale : float
        Unit of their lengths, > 0: the boundaries lie within 8 of it from the origin. Pass the ``sigma`` of the test.
    half_spaces : bool
        False: only sets that do not attain the Gaussian bounds.

    Returns
    -------
    strategy of ErrorSet

    Examples
    --------
    >>> from hypothesis import find
    >>> find(error_sets(dim=2), lambda error_set: error_set.volume() > 0.9).dim
    2
    """
    normal = draw(_normals(draw(dims(max_dim=784)) if dim is None else dim))
    offset = scale * draw(st.floats(-8, 8))
    kind = draw(st.sampled_from(("half-space", "slab", "complement") if half_spaces else ("slab", "complement")))
    if kind == "half-space":
        return HalfSpace(normal, offset)
    slab = Slab(normal, offset, scale * draw(st.floats(1e-3, 8)))
    return slab if kind == "slab" else Complement(slab)
