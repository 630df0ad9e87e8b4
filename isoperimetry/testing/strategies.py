"""Hypothesis strategies for numbers and sets in the range where the library promises its accuracy."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from isoperimetry import _validate
from isoperimetry._validate import Array
from isoperimetry.bounds import half_space_of_measure
from isoperimetry.checks import Measurement
from isoperimetry.sets import (
    Ball,
    Box,
    Complement,
    Cone,
    Cylinder,
    ErrorSet,
    HalfSpace,
    Paraboloid,
    Shell,
    Slab,
    UnionOfHalfSpaces,
    Wedge,
    rotate,
    translate,
)
from isoperimetry.sets import scale as scale_set
from isoperimetry.sets.base import ComplementedSet

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
    if not 0 < low < high < 1:
        raise ValueError(f"low={low!r} and high={high!r} must be rates with 0 < low < high < 1.")
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
    if not -math.inf < low < high < 0:
        raise ValueError(f"low={low!r} and high={high!r} must be logarithms with -inf < low < high < 0.")
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
    if not 0 < low < high < math.inf:
        raise ValueError(f"low={low!r} and high={high!r} must be scales with 0 < low < high < inf.")
    decades = st.floats(math.log10(low), math.log10(high))
    return decades.map(lambda decade: min(max(10.0**decade, low), high))


@st.composite
def _normals(draw: st.DrawFn, dim: int) -> Array:
    """Draw a direction along an axis or, from a seed as long vectors shrink badly, any direction."""
    length = draw(st.sampled_from((1.0, -1.0, 3.0, 0.0)))
    if length == 0:
        return np.random.default_rng(draw(st.integers(0, 2**32 - 1))).standard_normal(dim)
    return np.asarray(length * np.eye(1, dim, draw(st.integers(0, dim - 1)))[0])


_FAST = ("half-space", "slab", "ball", "cylinder", "shell", "half-spaces", "complement of a box", "moved")
_SLOW = ("cone", "wedge", "paraboloid")


def error_sets(
    *,
    dim: int | None = None,
    scale: float = 1.0,
    half_spaces: bool = True,
    kinds: Sequence[str] = _FAST,
) -> st.SearchStrategy[ErrorSet]:
    """Return error sets whose volumes, and those of whose l2 enlargements, are exact: the truth is known.

    Simple ones come first, so that a failure shrinks to a small dimension, simple numbers, and a half-space if one of
    them fails too.

    Parameters
    ----------
    dim : int, optional
        Their dimension; None: any of `dims` up to 784.
    scale : float
        Unit of their lengths, > 0: the boundaries lie within about 10 of it from the origin, or from where typical
        noise is. Pass the ``sigma`` of the test.
    half_spaces : bool
        False: only sets that do not attain the Gaussian bounds.
    kinds : sequence of str
        Any of "half-space", "slab", "ball", "cylinder", "shell", "half-spaces" (unions), "complement of a box" and
        "moved" (translated, rotated and scaled), which are the default, and "cone", "wedge" (of two dimensions) and
        "paraboloid", whose enlargements take milliseconds. About half of the sets are complements.

    Returns
    -------
    strategy of ErrorSet

    Examples
    --------
    >>> from hypothesis import find
    >>> find(error_sets(dim=2), lambda error_set: error_set.volume() > 0.9).dim
    2
    """
    if isinstance(kinds, str):
        raise TypeError(f"kinds={kinds!r} must be a sequence of names: write ({kinds!r},).")
    unknown = [kind for kind in kinds if kind not in (*_FAST, *_SLOW)]
    allowed = [kind for kind in kinds if half_spaces or kind != "half-space"]
    if unknown or not allowed:
        raise ValueError(
            f"kinds={tuple(kinds)!r} must name some of {', '.join((*_FAST, *_SLOW))}, and not half-spaces alone where "
            "half_spaces=False."
        )
    if dim is not None:
        n = _validate.as_count("dim", dim, low=1)
        flat = [kind for kind in allowed if (kind == "wedge" and n != 2) or (kind in _SLOW and n < 2)]
        if flat:
            raise ValueError(f"kinds={tuple(kinds)!r} has no {flat[0]} with dim={n}: leave it out, or change dim.")
    length = _validate.as_positive("scale", scale, "the unit of the lengths")
    if length.ndim or not np.isfinite(length):
        raise ValueError(f"scale={scale!r} must be one finite number > 0: it is the unit of the lengths.")
    return _error_sets(allowed, dim, float(length))


@st.composite
def _error_sets(draw: st.DrawFn, allowed: Sequence[str], dim: int | None, scale: float) -> ErrorSet:
    kind = draw(st.sampled_from(allowed))
    n = draw(dims(max_dim=784)) if dim is None else dim
    if kind == "half-space":
        return HalfSpace(draw(_normals(n)), scale * draw(st.floats(-8, 8)))
    error_set = _draw_set(draw, kind, n, scale)
    turned = "enlarged_volume" in error_set.complement_capabilities and draw(st.booleans())
    return Complement(error_set) if turned else error_set


def _draw_set(draw: st.DrawFn, kind: str, n: int, scale: float) -> ComplementedSet:
    lengths = st.floats(1e-3, 8)
    match kind:
        case "slab":
            return Slab(draw(_normals(n)), scale * draw(st.floats(-8, 8)), scale * draw(lengths))
        case "ball":
            return Ball(scale * draw(_points(n)), scale * draw(_radii(n)))
        case "cylinder":
            k = draw(st.integers(1, min(n, 10)))
            return Cylinder(scale * draw(_points(k)), scale * draw(_radii(k)), n)
        case "shell":
            inner = draw(_radii(n))
            return Shell(scale * draw(_points(n)), scale * inner, scale * (inner + draw(lengths)))
        case "half-spaces":
            return _draw_half_spaces(draw, n, scale)
        case "complement of a box":
            middle, width = draw(_points(n)), math.sqrt(2 * math.log(n + 1))  # so that it may hold most of the noise
            low, high = (width + draw(st.floats(-1, 4)) for _ in range(2))
            return Complement(Box(scale * (middle - low), scale * (middle + high)))
        case "moved":
            base = _draw_set(draw, draw(st.sampled_from(("slab", "ball", "shell"))), n, 1.0)
            turned = rotate(base, start=np.eye(1, n)[0], end=np.abs(draw(_normals(n))))
            return translate(scale_set(turned, scale), scale * draw(_points(n)))
        case "cone":
            return Cone(draw(st.floats(0.05, math.pi - 0.05)), max(n, 2))
        case "wedge":
            return Wedge(draw(st.floats(0.05, 2 * math.pi - 0.05)))
        case _:
            return Paraboloid(scale * draw(st.floats(-4, 4)), draw(st.floats(-2, 2)) / scale, max(n, 2))


def _draw_half_spaces(draw: st.DrawFn, n: int, scale: float) -> UnionOfHalfSpaces:
    """Draw two half-spaces of any correlation, or up to five with orthogonal normals."""
    if draw(st.booleans()) or n == 1:
        normals = np.array([draw(_normals(n)), draw(_normals(n))])
    else:
        normals = np.eye(draw(st.integers(2, min(n, 5))), n)
    return UnionOfHalfSpaces(normals, np.array([scale * draw(st.floats(-2, 8)) for _ in normals]))


@st.composite
def _points(draw: st.DrawFn, dim: int) -> Array:
    """Draw a point within 4 of the origin: the origin itself first."""
    return draw(st.floats(0, 4)) * _unit(draw(_normals(dim)))


def _unit(vector: Array) -> Array:
    return np.asarray(vector / np.linalg.norm(vector))


def _radii(dim: int) -> st.SearchStrategy[float]:
    """Return radii of balls whose boundary typical noise meets, or nearly."""
    middle = math.sqrt(dim)
    return st.floats(max(middle - 6, 0.05), middle + 6)


@st.composite
def measurements(draw: st.DrawFn, *, factor: float = 1.0, max_trials: int = 2000, max_starts: int = 60) -> Measurement:
    """Return measurements around a half-space, for which the theorem is an equality: the hardest case of any test.

    Errors are counted among draws of the noise, and the distances of other draws are measured and multiplied by
    ``factor``.

    Parameters
    ----------
    factor : float
        1: an attack that finds nearest errors, which a test may convict with the probability of its error level only;
        above 1: one whose distances are so many times too long. Finite and > 0.
    max_trials, max_starts : int
        Largest numbers of draws and of starts, >= 1.

    Returns
    -------
    strategy of Measurement
        Their ``provenance`` holds the true error rate as "mu".

    Examples
    --------
    >>> from hypothesis import find
    >>> measurement = find(measurements(), lambda measurement: measurement.errors > 0)
    >>> measurement.origin, measurement.kind
    ('noisy', 'found')
    """
    sigma = draw(st.sampled_from((1.0, 0.1, 25.0)))
    mu = draw(error_rates(low=1e-3, high=0.5))
    trials, starts = draw(st.integers(1, max_trials)), draw(st.integers(1, max_starts))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    half_space = half_space_of_measure(mu, sigma)
    errors = int(np.count_nonzero(half_space.contains(sigma * rng.standard_normal((trials, 1)))))
    gaps = np.asarray(half_space.signed_distance(sigma * rng.standard_normal((starts, 1))))
    return Measurement(
        errors=errors, trials=trials, sigma=sigma, distances=tuple(factor * np.maximum(gaps, 0.0)), conditional=False,
        provenance={"mu": mu},
    )  # fmt: skip
