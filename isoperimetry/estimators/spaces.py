"""How standard normals become what a function looks at: the inputs themselves, features ``A x``, or few coordinates.

Every estimator works with u ~ N(0, I_dim); a space turns u into points, exactly in law. `draw` makes points from a key
and the indices of samples, without u where that is cheaper.
"""

from __future__ import annotations

import dataclasses
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np

from isoperimetry import _noise, special
from isoperimetry._validate import Array

if TYPE_CHECKING:
    from isoperimetry.estimators.reduction import Reduction

FLOAT64 = np.dtype(np.float64)


class Space(Protocol):
    """Where the points of a problem come from."""

    @property
    def sigma(self) -> float:
        """Scale of the noise, in the unit of the inputs."""
        ...

    @property
    def dim(self) -> int:
        """Number of standard normals that make a point."""
        ...

    @property
    def linear(self) -> bool:
        """Whether points are an affine function of u, so that lines remain lines."""
        ...

    def points(self, u: Array) -> Array:
        """Return the points of standard normals, shape (n, dim)."""
        ...

    def direction(self, a: Array) -> Array:
        """Return how a point moves with u + t a, for a linear space: (dim,) or (n, dim) to the shape of points."""
        ...

    def pull_back(self, u: Array, gradient: Array) -> Array:
        """Return gradients with respect to u from those with respect to the points."""
        ...

    def draw(self, key: int, first: int, n: int) -> Array:
        """Return the points of the samples first, ..., first + n - 1."""
        ...


def normals(dim: int, key: int, first: int, n: int) -> Array:
    """Return the standard normals of n samples, shape (n, dim)."""
    return _noise.standard(n, dim, FLOAT64, key, first, None)


@dataclasses.dataclass(frozen=True, eq=False)
class Inputs:
    """The inputs: ``x = center + sigma u``."""

    center: Array
    sigma: float

    @property
    def dim(self) -> int:
        """Number of coordinates."""
        return self.center.size

    @property
    def linear(self) -> bool:
        """True."""
        return True

    def points(self, u: Array) -> Array:
        """Return the inputs."""
        if self.sigma == 1.0 and not self._moved:
            return u
        x = np.multiply(u, self.sigma)
        x += self.center
        return x

    @cached_property
    def _moved(self) -> bool:
        return bool(self.center.any())

    def direction(self, a: Array) -> Array:
        """Return ``sigma a``."""
        return self.sigma * a

    def pull_back(self, u: Array, gradient: Array) -> Array:
        """Return ``sigma gradient``."""
        return self.sigma * gradient

    def draw(self, key: int, first: int, n: int) -> Array:
        """Return inputs, each rounded once."""
        out = np.empty((n, self.dim))
        _noise.fill(out, self.center, np.float64(self.sigma), key, first, None)
        return out


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Features:
    """Features ``A x`` of the inputs, made from as many normals as A has rank, and the length of the rest if wanted."""

    reduction: Reduction
    start: Array  # A center
    sigma: float

    @property
    def dim(self) -> int:
        """The rank of A, and one more for the rest."""
        return self.reduction.rank + (self.dof > 0)

    @property
    def dof(self) -> int:
        """Degrees of freedom of the rest, 0 if it does not matter."""
        return self.reduction.dim - self.reduction.rank if self.reduction.rest else 0

    @property
    def linear(self) -> bool:
        """Whether there are linear features only."""
        return self.dof == 0

    def points(self, u: Array) -> Array:
        """Return the features."""
        rank = self.reduction.rank
        y = np.asarray(self.start + self.sigma * (u[:, :rank] @ self.reduction.factor.T))
        return np.column_stack((y, self.sigma * length(u[:, rank], self.dof))) if self.dof else y

    def direction(self, a: Array) -> Array:
        """Return ``sigma L a``."""
        return np.asarray(self.sigma * (a @ self.reduction.factor.T))

    def pull_back(self, u: Array, gradient: Array) -> Array:
        """Return ``sigma gradient L``."""
        if not self.dof:
            return self.reduction.pull_back(gradient, self.sigma)
        features = self.reduction.pull_back(gradient[:, :-1], self.sigma)
        return np.column_stack((features, self.sigma * gradient[:, -1] * slope(u[:, -1], self.dof)))

    def draw(self, key: int, first: int, n: int) -> Array:
        """Return the features of samples."""
        z = normals(self.reduction.rank, key, first, n)
        if not self.dof:
            return self.points(z)
        y = np.asarray(self.start + self.sigma * (z @ self.reduction.factor.T))
        return np.column_stack((y, self.sigma * draw_lengths(self.dof, key, first, n)))


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Coordinates:
    """The coordinates that a set of ours looks at: ``rank`` projections and, if ``dof`` > 0, the length of the rest."""

    rank: int
    dof: int
    sigma: float

    @property
    def dim(self) -> int:
        """Number of coordinates."""
        return self.rank + (self.dof > 0)

    @property
    def linear(self) -> bool:
        """Whether there are projections only."""
        return self.dof == 0

    def points(self, u: Array) -> Array:
        """Return the coordinates."""
        y = np.asarray(self.sigma * u)
        if self.dof:
            y[:, -1] = self.sigma * length(u[:, -1], self.dof)
        return y

    def direction(self, a: Array) -> Array:
        """Return ``sigma a``."""
        return self.sigma * a

    def pull_back(self, u: Array, gradient: Array) -> Array:
        """Return the gradient with respect to u."""
        result = np.asarray(self.sigma * gradient)
        if self.dof:
            result[:, -1] *= slope(u[:, -1], self.dof)
        return result

    def draw(self, key: int, first: int, n: int) -> Array:
        """Return the coordinates of samples."""
        y = np.empty((n, self.dim))
        y[:, : self.rank] = normals(self.rank, key, first, n)
        if self.dof:
            y[:, -1] = draw_lengths(self.dof, key, first, n)
        y *= self.sigma
        return y


# The length of noise in so many dimensions is a chi variate. As a function of a standard normal it is its quantile
# function; drawn as a sample it has its own generator, which is faster.


def length(z: Array, dof: int) -> Array:
    """Return the quantiles of the chi law at ndtr(z), from the nearer tail."""
    tail = special.log_ndtr(-np.abs(z))
    upper, lower = special.log_chi2_isf(tail, dim=dof), special.log_chi2_ppf(tail, dim=dof)
    return np.asarray(np.exp(0.5 * np.where(z > 0, upper, lower)))


def slope(z: Array, dof: int) -> Array:
    """Return the derivative of `length`."""
    step = 1e-5
    return np.asarray((length(z + step, dof) - length(z - step, dof)) / (2 * step))


def draw_lengths(dof: int, key: int, first: int, n: int) -> Array:
    """Return chi variates by the index of the sample."""
    from isoperimetry.kernels.chi import fill_chi

    out = np.empty(n)
    fill_chi(out, float(dof), np.uint64(key), np.uint64(first))
    return out
