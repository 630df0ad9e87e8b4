"""Parallel lines in pairs that offset each other: a long way from the axis and a short one, perhaps on opposite sides.

In high dimension most of the scatter between lines is that of their distance r from the axis, by which a curved
boundary recedes. The second line of a pair has the distance r' with ``P[R > r'] = P[R <= r]``: each line has its exact
law, and what is monotone in r nearly cancels in the mean of both.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from isoperimetry import special
from isoperimetry._validate import Array
from isoperimetry.estimators.crossings.lines import dots
from isoperimetry.estimators.problem import Problem


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """Makes base points longer along some directions; `log_weights` makes up for it.

    Attributes
    ----------
    axes : array, shape (r, dim)
        Orthonormal, and normal to the lines.
    scales : array, shape (r,)
        At least 1, so that weights are at most their product.
    """

    axes: Array
    scales: Array

    def __call__(self, base: Array) -> Array:
        """Return stretched base points."""
        return np.asarray(base + ((base @ self.axes.T) * (self.scales - 1.0)) @ self.axes)

    def log_weights(self, base: Array) -> Array:
        """Return the logarithm of how much likelier points are, after the stretch, among plain ones."""
        squares = np.square(base @ self.axes.T)
        return np.asarray(np.log(self.scales).sum() - 0.5 * squares @ (1.0 - self.scales**-2))


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Bundle:
    """Lines along a direction.

    Attributes
    ----------
    problem : Problem
        Where they are.
    key : int
        Of their noise.
    direction : array, shape (dim,)
        Of length 1.
    mirrored : bool
        Whether the second line of a pair is on the opposite side of the axis; else on a side of its own.
    stretch : Stretch or None
        Of the base points.
    """

    problem: Problem
    key: int
    direction: Array
    mirrored: bool
    stretch: Stretch | None = None

    def base(self, first: int, n: int) -> Array:
        """Return where the lines of the pairs first, ..., first + n - 1 cross the plane through the origin.

        Shape (2 n, dim): a standard normal each, without its part along the direction, and stretched.
        """
        if self.mirrored:
            one = self._across(first, n)
            other = -one
        else:
            both = self._across(2 * first, 2 * n)
            one, other = both[0::2], both[1::2]
        dof = self.problem.dim - 1
        if dof > 0:
            squares = dots(one, one)
            below, above = special.log_chi2_cdf(squares, dim=dof), special.log_chi2_sf(squares, dim=dof)
            # The tail with the smaller probability is the accurate one.
            far, near = special.log_chi2_isf(below, dim=dof), special.log_chi2_ppf(above, dim=dof)
            wanted = np.exp(0.5 * np.where(below < above, far, near))
            other = other * (wanted / np.sqrt(dots(other, other)))[:, None]
        result = np.empty((2 * n, self.problem.dim))
        result[0::2], result[1::2] = one, other
        return result if self.stretch is None else self.stretch(result)

    def weighed(self, base: Array, log_x: Array) -> Array:
        """Return the logarithms of the values of lines from those of their measures."""
        return log_x if self.stretch is None else log_x + self.stretch.log_weights(base)

    def _across(self, first: int, n: int) -> Array:
        z = self.problem.normals(self.key, first, n)
        for _ in range(2):  # once more for what is left of rows that are nearly along the direction
            z -= dots(z, self.direction)[:, None] * self.direction
        return z


def pair_means(log_x: Array) -> Array:
    """Return the logarithms of the means of pairs of neighbours, from those of the values."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.logaddexp(log_x[0::2], log_x[1::2]) - np.log(2.0))


@dataclasses.dataclass(frozen=True, slots=True)
class Trend:
    """A quantity of lines as a straight line in the square of their distance from the axis: at its mean, and slope."""

    middle: float
    slope: float
    dof: int

    def __call__(self, base: Array) -> Array:
        """Return what is expected of lines."""
        return self.middle + self.slope * (dots(base, base) - self.dof)

    @classmethod
    def fit(cls, base: Array, y: Array, dof: int) -> Trend:
        """Return the least-squares line through finite y, shape (m,), flatter where it is uncertain."""
        x = dots(base, base) - dof
        if len(y) < 4 or np.ptp(x) <= 1e-9 * max(dof, 1):
            return cls(float(np.median(y)), 0.0, dof)
        away, rest = x - x.mean(), y - y.mean()
        slope = float(away @ rest / (away @ away))
        left = rest - slope * away
        noise = float(left @ left) / (len(y) - 2)
        slope *= max(
            0.0, 1.0 - noise / max(slope * slope * float(away @ away), 1e-300)
        )  # shrunk by what it may be by chance
        return cls(float(y.mean() - slope * x.mean()), slope, dof)


def opposites_differ(base: Array, y: Array, dof: int) -> bool:
    """Return whether what the distance does not explain of y has opposite signs on the lines of mirrored pairs."""
    pairs = np.isfinite(y).reshape(-1, 2).all(axis=1)
    kept = np.repeat(pairs, 2)
    if pairs.sum() < 4:
        return False
    rest = (y[kept] - Trend.fit(base[kept], y[kept], dof)(base[kept])).reshape(-1, 2)
    return bool((rest[:, 0] * rest[:, 1]).sum() < 0)
