"""A band that contains a whole distribution function, whatever it is: Dvoretzky, Kiefer, Wolfowitz and Massart."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isoperimetry import _validate
from isoperimetry._validate import Array
from isoperimetry.intervals.binomial import SIDES
from isoperimetry.intervals.order import as_level, as_sample
from isoperimetry.results import Record, Side


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DistributionBand(Record):
    """A band of distribution functions: ``band(t)`` bounds P[X <= t] for all t at once.

    Attributes
    ----------
    values : array, shape (M,)
        The draws, sorted; not to be written to.
    margin : float
        How far the distribution function may be from the share of the draws.
    confidence : float
        The probability, whatever the distribution is, that the whole function is in the band.
    side : {"two-sided", "lower", "upper"}
        Which of the limits carries the confidence; the other is 0 or 1.
    """

    values: Array
    margin: float
    confidence: float
    side: Side

    def __call__(self, t: ArrayLike, *, before: bool = False) -> tuple[float | Array, float | Array]:
        """Return the limits (low, high) of P[X <= t].

        Parameters
        ----------
        t : float or array, shape S
            Where; NaN gives NaN. At inf both are 1, since infinities are values too.
        before : bool
            Of P[X < t], the value just before a jump at t, which is 0 at -inf.

        Returns
        -------
        low, high : float or array, shape S
            In [0, 1].
        """
        points = _validate.as_float("t", t)
        share = np.searchsorted(self.values, points, side="left" if before else "right") / self.values.size
        low = np.maximum(0.0, share - self.margin) if self.side != "upper" else np.zeros(points.shape)
        high = np.minimum(1.0, share + self.margin) if self.side != "lower" else np.ones(points.shape)
        sure = points == (-math.inf if before else math.inf)
        low, high = (np.where(sure, 0.0 if before else 1.0, x) for x in (low, high))
        low, high = (np.where(np.isnan(points), math.nan, x) for x in (low, high))
        return _validate.like_input(low), _validate.like_input(high)

    def quantile(self, q: float = 0.5) -> tuple[float, float]:
        """Return the limits (low, high) of the q-quantile, which hold for all q at once.

        For one q chosen before the draws, `quantile_lower_bound` and `quantile_upper_bound` are sharper.

        Parameters
        ----------
        q : float
            Level of the quantile, in (0, 1).

        Returns
        -------
        low, high : float
            -inf and inf where the draws are too few, and on the side that is not bounded.
        """
        level, size = as_level(q), self.values.size
        shares = np.arange(1, size + 1) / size
        # What is below the q-quantile xi has P[X <= t] < q, and P[X <= xi] >= q.
        low = int(np.searchsorted(shares, level - self.margin, side="left"))  # first share >= q - margin
        high = int(np.searchsorted(shares, level + self.margin, side="left"))  # first share >= q + margin
        reaches_low = self.side != "lower" and level > self.margin
        return (
            float(self.values[low]) if reaches_low else -math.inf,
            float(self.values[high]) if self.side != "upper" and high < size else math.inf,
        )

    def __str__(self) -> str:
        return f"{self.values.size} draws +- {self.margin:.4g} ({self.side}, {self.confidence:g}, DKW-Massart)"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, DistributionBand):
            return NotImplemented
        same = (self.margin, self.confidence, self.side) == (other.margin, other.confidence, other.side)
        return same and np.array_equal(self.values, other.values)

    __hash__ = None  # type: ignore[assignment]
    __repr__ = __str__


def dkw_band(values: ArrayLike, *, confidence: float = 0.95, side: Side = "two-sided") -> DistributionBand:
    r"""Band of the distribution function of independent draws, at all points at once.

    .. math:: P\left[\sup_t (F_M(t) - F(t)) > \varepsilon\right] \le e^{-2 M \varepsilon^2}
        \quad\text{if the right side is at most } \tfrac12

    and twice that for the absolute value, whatever F is: jumps and mass at infinity are allowed.

    Parameters
    ----------
    values : array, shape (M,)
        The draws, in any order and unit; infinities count, NaN is refused.
    confidence : float
        Probability that the whole function is in the band, in (0, 1); from 1/2 on for one side.
    side : {"two-sided", "lower", "upper"}
        The limit of F that carries the confidence. A lower limit of F is an upper one of distances, and vice versa.

    Returns
    -------
    DistributionBand
        Call it with t; ``quantile(q)`` turns it around.

    Raises
    ------
    TypeError
        If ``values`` holds no real numbers.
    ValueError
        If ``values`` is empty, not one-dimensional or holds NaN, ``confidence`` is outside (0, 1), or below 1/2 for one
        side.

    Notes
    -----
    Sources: Dvoretzky, Kiefer, Wolfowitz (1956), Asymptotic minimax character of the sample distribution function, Ann.
    Math. Statist. 27; Massart (1990), The tight constant in the Dvoretzky-Kiefer-Wolfowitz inequality, Ann. Probab. 18.

    Examples
    --------
    >>> band = dkw_band([0.5, 1.0, 2.0, float("inf")] * 50, side="upper")
    >>> low, high = band([1.0, 5.0])
    >>> high.round(4).tolist()
    [0.5865, 0.8365]
    >>> band.quantile(0.5)
    (1.0, inf)
    """
    array = as_sample("values", values, "pass the sample whose distribution is wanted.")
    _validate.refuse("values", array, np.isnan(array), "a number or an infinity", "leave out what was not measured.")
    confidence = _validate.as_confidence(confidence)
    _validate.as_choice("side", side, SIDES)
    if side != "two-sided" and confidence < 0.5:
        raise ValueError(
            f"confidence={confidence!r} must be >= 0.5 for one side: Massart's inequality is proved from there on."
        )
    parts = 2 if side == "two-sided" else 1
    ordered: NDArray[np.float64] = np.sort(array)
    ordered.flags.writeable = False
    margin = math.sqrt((math.log(parts) - math.log1p(-confidence)) / (2 * ordered.size))
    return DistributionBand(values=ordered, margin=margin, confidence=confidence, side=side)
