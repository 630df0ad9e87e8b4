"""The distribution of the distance of a noisy sample to an error set, from the exact measures of its enlargements."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from isoperimetry import _validate
from isoperimetry._validate import Array

if TYPE_CHECKING:
    from isoperimetry.sets.base import ErrorSet


def log_within(
    error_set: Any, eps: Array, center: ArrayLike | None, sigma: ArrayLike, *, of_complement: bool = False
) -> tuple[Array, Array]:
    """Return the logs of the shares of the samples within ``eps`` of a set, or of its complement, and beyond."""
    answer = getattr(error_set, "_log_within", None)
    if answer is not None:
        inside, outside = answer(eps, center, sigma, of_complement=of_complement)
        return np.asarray(inside), np.asarray(outside)
    # A set of the user's, which answers in plain numbers.
    enlarged = error_set.complement_enlarged_volume if of_complement else error_set.enlarged_volume
    share = np.asarray(enlarged(eps, center, sigma))
    with np.errstate(divide="ignore"):
        return np.log(share), np.log1p(-share)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DistanceLaw:
    """The distribution of the l2 distance of ``X ~ N(center, sigma**2 I)`` to a set; 0 for the samples inside.

    It knows no theorem: it asks the set for the measures of its enlargements.

    Parameters
    ----------
    error_set : ErrorSet
        A set with exact "enlarged_volume" among its capabilities.
    center : array, shape (dim,), optional
        Center of the noise; None: the origin.
    sigma : float
        Scale of the noise, > 0 and finite, in the unit of the inputs.

    Raises
    ------
    ValueError
        If ``sigma`` is not one number, finite and > 0.

    Examples
    --------
    >>> from isoperimetry.sets import HalfSpace
    >>> law = HalfSpace([1.0, 0.0], offset=2.0).distance_law(sigma=1.0)
    >>> round(law.quantile(0.5), 6), round(law.cdf(0.0), 6)
    (2.0, 0.02275)
    """

    error_set: ErrorSet
    center: ArrayLike | None = None
    sigma: float = 1.0

    def __post_init__(self) -> None:
        scale = _validate.as_positive("sigma", self.sigma, "the scale of the noise")
        if scale.ndim or not math.isfinite(scale):
            raise ValueError(f"sigma={self.sigma!r} must be one finite number > 0: distances are measured in its unit.")
        object.__setattr__(self, "sigma", float(scale))
        if self.center is not None:
            center = _validate.as_float("center", self.center).copy()
            center.flags.writeable = False
            object.__setattr__(self, "center", center)

    def __repr__(self) -> str:
        return f"DistanceLaw({self.error_set!r}, sigma={self.sigma!r})"

    def cdf(self, distance: ArrayLike) -> float | Array:
        """Return the share of the samples within ``distance`` >= 0, float or array of any shape."""
        return self.error_set.enlarged_volume(distance, self.center, self.sigma)

    def quantile(self, q: ArrayLike, *, conditional: bool = False) -> float | Array:
        """Return the least distance with a share ``q`` of the samples within it.

        Parameters
        ----------
        q : float or array, shape S
            Levels, in (0, 1).
        conditional : bool
            True: of the samples outside the set only.

        Returns
        -------
        float or array, shape S
            Distance in the unit of ``sigma``; inf if the set is empty. NaN if ``q`` or the center is.
        """
        levels = _validate.as_level("q", q)
        found = [self._quantile(level, conditional) for level in levels.ravel().tolist()]
        return _validate.like_input(np.array(found).reshape(levels.shape))

    def _quantile(self, q: float, conditional: bool) -> float:
        inside, outside = self._log_shares(0.0)
        if math.isnan(inside) or math.isnan(q):
            return math.nan
        log_rest = math.log1p(-q) + (outside if conditional else 0.0)  # of the share beyond the quantile
        log_level = math.log(q) if not conditional else math.log1p(-math.exp(log_rest)) if log_rest < 0 else -math.inf
        lower = log_level < log_rest  # the smaller one of the two shares has the digits

        def excess(distance: float) -> float:
            within, beyond = self._log_shares(distance)
            return max(-1e6, min(within - log_level if lower else log_rest - beyond, 1e6))

        if outside == -math.inf or excess(0.0) >= 0:
            return 0.0
        if excess(math.inf) < 0:
            return math.inf
        from scipy.optimize import brentq  # here, as importing it takes longer than most calls

        low, high = 0.0, self.sigma
        while excess(high) < 0:
            low, high = high, 2 * high
        return float(brentq(excess, low, high, xtol=1e-300, rtol=1e-15, maxiter=1000))

    def moment(self, power: int = 1) -> float:
        """Return the mean of ``distance**power``, an integral of the share beyond.

        Parameters
        ----------
        power : int
            1 for the mean, 2 for the mean square.

        Returns
        -------
        float
            In the unit of ``sigma**power``, to about 1e-11 of it; inf if the set is empty.
        """
        k = _validate.as_count("power", power, low=1)
        outside = self._log_shares(0.0)[1]
        if not self._log_shares(math.inf)[1] == -math.inf:
            return math.nan if math.isnan(outside) else math.inf
        if outside == -math.inf:
            return 0.0

        def beyond(t: ArrayLike) -> Array:
            """Return the share of the samples outside that are farther than ``t``."""
            return np.exp(np.asarray(self._log_arrays(np.asarray(t) * self.sigma)[1]) - outside)

        median = self._quantile(0.5, True) / self.sigma
        # Distances have the tails of a normal around their median, or shorter ones: half of the samples are on each
        # side, and a set of half the measure grows as fast as a half-space at least.
        end = median + 12.0 + math.sqrt(k)
        edges = list(np.linspace(max(0.0, median - 12.0), end, 9))
        if edges[0] > 0:
            edges.insert(0, 0.0)
        first = edges[1]
        while first > 1e-12 and beyond(first / 64) < 0.5:  # all distances may be small
            first /= 4
            edges.insert(1, first)
        tolerance = max(1e-13 * max(median, 1e-300) ** k, 1e-300)
        share = _integral(lambda t: k * t ** (k - 1) * beyond(t), np.array(edges), tolerance)
        return self.sigma**k * share * math.exp(outside)

    def _log_shares(self, distance: float) -> tuple[float, float]:
        inside, outside = self._log_arrays(np.asarray(distance))
        return float(inside), float(outside)

    def _log_arrays(self, distance: Array) -> tuple[Array, Array]:
        """Return the logs of the shares of the samples within distances and beyond them."""
        inside, outside = log_within(self.error_set, distance, self.center, self.sigma)
        with np.errstate(divide="ignore", invalid="ignore"):  # of a side that is not exact, the digits that are left
            return (
                np.where(np.isnan(inside), np.log1p(-np.exp(outside)), inside),
                np.where(np.isnan(outside), np.log1p(-np.exp(inside)), outside),
            )


def _integral(function: Callable[[Array], Any], edges: Array, tolerance: float) -> float:
    """Integrate over all panels between ``edges``, halving those where two rules disagree: survival may have a kink."""
    nodes, weights = np.polynomial.legendre.leggauss(10)

    def rule(left: Array, right: Array) -> Array:
        half = 0.5 * (right - left)
        points = (left + half)[:, None] + half[:, None] * nodes
        return np.asarray(half * (function(points) @ weights))

    left, right, total = edges[:-1], edges[1:], 0.0
    coarse = rule(left, right)
    while left.size:
        middle = 0.5 * (left + right)
        fine_left, fine_right = rule(left, middle), rule(middle, right)
        done = (np.abs(fine_left + fine_right - coarse) < tolerance) | (right - left < 1e-13 * edges[-1])
        done |= left.size > 2048  # what is left is rounding
        total += float(np.sum((fine_left + fine_right)[done]))
        left, middle, right = left[~done], middle[~done], right[~done]
        coarse = np.concatenate([fine_left[~done], fine_right[~done]])
        left, right = np.concatenate([left, middle]), np.concatenate([middle, right])
    return total
