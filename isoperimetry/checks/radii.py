"""Tests at radii instead of quantiles: at some that were fixed in advance, or at all of them at once."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from isoperimetry import bounds
from isoperimetry._validate import Array
from isoperimetry.checks._signtest import MOST_FRACTION, SignTest, least_level
from isoperimetry.checks.verdict import AuditPoint


def fraction_within(rate: float, radii: Array, scale: float, *, conditional: bool) -> Array:
    """Return the least fraction of the (correct) noisy points with an error within each radius.

    Parameters
    ----------
    rate : float
        Error rate, in [0, 1].
    radii : array, shape (m,)
        In [0, inf].
    scale : float
        The sigma of the theorem.
    conditional : bool
        Among the correct points: 1 - P[d > t] / (1 - mu), formed from logarithms.

    Returns
    -------
    array, shape (m,)
        Each below 1, so that a rounded curve claims nothing.
    """
    if not conditional:
        within = np.asarray(bounds.enlargement(rate, radii, scale))
    elif rate < 1:
        log_beyond = np.asarray(bounds.log_enlargement_complement(rate, radii, scale))
        within = -np.expm1(np.minimum(log_beyond - math.log1p(-rate), 0.0))
    else:
        within = np.ones_like(radii)
    result: Array = np.minimum(within, MOST_FRACTION)
    return result


class RadiusTest(SignTest):
    """The sign test at radii that were fixed before looking, which share the level of the test; see `SignTest`.

    Parameters
    ----------
    distances, errors, trials, **options
        As for `SignTest`.
    radii : tuple of float
        In the unit of the distances, > 0.
    """

    def __init__(self, distances: Array, errors: int, trials: int, *, radii: tuple[float, ...], **options: Any) -> None:
        super().__init__(distances, errors, trials, **options)
        self.radii = radii

    @property
    def n_pairs(self) -> int:
        """How many radii share the level."""
        return len(self.radii)

    def pairs(self, rate: float, *, conditional: bool) -> list[tuple[float, float]]:
        """Return (q, t): from a fraction q of the starts the nearest error lies within t."""
        within = fraction_within(rate, np.array(self.radii), self.scale, conditional=conditional)
        return list(zip(within.tolist(), self.radii, strict=True))


class AllRadiiTest(SignTest):
    r"""The test at all radii at once, by the inequality of Dvoretzky, Kiefer and Wolfowitz with Massart's constant.

    With :math:`b = \sqrt{\log(1 / \alpha_2) / (2 M)}` the fraction of distances within t is, at all t at once, below
    the share of those found by more than b with probability at most :math:`\alpha_2 \le 1/2`. So it rejects if, just
    before a jump of the empirical distribution, this lies by more than b below the curve of the theorem. It never says
    that an attack is consistent: far out, the curve leaves less than b of the starts.
    """

    def __init__(self, distances: Array, errors: int, trials: int, **options: Any) -> None:
        super().__init__(distances, errors, trials, **options)
        # Below a distance of 0 there is no radius: only the jumps beyond 0 are tested.
        first = self.count_within(0.0)
        self._before = np.nextafter(distances[first:], 0.0)
        self._found = np.arange(first, self.size) / self.size
        width = max(1, math.isqrt(self._before.size))
        self._firsts = np.arange(0, self._before.size, width)
        self._widths = np.diff(self._firsts, append=self._before.size)
        self._largest: dict[float, float] = {}

    @property
    def n_pairs(self) -> int:
        """All radii share one test."""
        return 1

    def pairs(self, rate: float, *, conditional: bool) -> list[tuple[float, float]]:
        """Return (q, t) where the curve exceeds the empirical distribution most."""
        return [self._worst(rate, conditional, 0.0)]

    def points(self, level: float, *, testable: bool) -> tuple[AuditPoint, ...]:
        """Return the outcome where the curve exceeds the empirical distribution most."""
        rate, band = self.lower(self.errors, self.trials, level / 2), self._band(level, self.size)
        q, radius = self._worst(rate, self.conditional, band)
        within = self.count_within(radius)
        p_value = least_level(self.rejects, level) if testable else 1.0
        missed = max(0.0, q - within / self.size - band) if p_value <= level else 0.0
        return (AuditPoint(q=q, radius=radius, n_within=within, p_value=p_value, missed_fraction=missed),)

    def least_starts(self, level: float) -> int:
        """Return the number of starts with which the band is narrower than 1."""
        return math.floor(math.log(2 / level) / 2) + 1

    def quantile_limits(self, q: float, level: float) -> tuple[float, float]:
        """Return the limits of the q-quantile from the band, each at ``level``, at all q at once."""
        band = self._band(2 * level, self.size)
        low, high = math.ceil((q - band) * self.size), math.ceil((q + band) * self.size)
        return (
            float(self.distances[low - 1]) if low > 0 else 0.0,
            float(self.distances[high - 1]) if high <= self.size else math.inf,
        )

    def _rejects(self, level: float, index: int) -> bool:
        return self._convicts(self.trials, self.size, level)

    def _convicts(self, trials: float, starts: float, level: float) -> bool:
        errors = self.errors * (trials / self.trials) if self.trials else 0.0
        return self._excess(self.lower(errors, trials, level / 2)) > self._band(level, starts)

    def _consistent(self, trials: float, starts: float, level: float) -> bool:
        return False

    @staticmethod
    def _band(level: float, starts: float) -> float:
        return math.sqrt(math.log(2 / level) / (2 * starts))

    def _excess(self, rate: float) -> float:
        # Plans ask for the same rate with other numbers of starts.
        if rate not in self._largest:
            self._largest[rate] = self._largest_gap(rate) if self._before.size else -1.0
        return self._largest[rate]

    def _largest_gap(self, rate: float) -> float:
        # Curve and empirical distribution increase, so that a block of jumps has no gap above the curve at its last one
        # less the distribution at its first: most blocks need no look.
        at_firsts = self._curve(self._before[self._firsts], rate, self.conditional)
        at_lasts = self._curve(self._before[self._firsts + self._widths - 1], rate, self.conditional)
        found = self._found[self._firsts]
        best = float((at_firsts - found).max())
        looked_at = np.repeat(at_lasts - found > best, self._widths)
        gaps = self._curve(self._before[looked_at], rate, self.conditional) - self._found[looked_at]
        return float(gaps.max(initial=best))

    def _curve(self, radii: Array, rate: float, conditional: bool) -> Array:
        return fraction_within(rate, radii, self.scale, conditional=conditional)

    def _worst(self, rate: float, conditional: bool, band: float) -> tuple[float, float]:
        if not self._before.size:  # nothing is beyond any radius
            return 0.5, self.radius(rate, 0.5, conditional=conditional)
        gaps = self._curve(self._before, rate, conditional) - self._found
        worst = int(np.argmax(gaps))
        radius = float(self._before[worst])
        if np.isinf(self.distances[self.size - self._before.size + worst]) and rate > 0:
            # Where the attack found nothing, any radius will do: one that leaves out no more than a start's share of
            # the points, nor more than half of what convicts.
            surplus = (gaps[worst] - band) / 2
            spared = min(1 / self.size, surplus) if surplus > 0 else 1 / self.size
            radius = min(radius, self.radius(rate, max(1.0 - spared, 2.0**-53), conditional=conditional))
        return float(self._curve(np.array([radius]), rate, conditional)[0]), radius
