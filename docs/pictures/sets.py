"""The error sets that the Gaussian bounds are compared with, in noise of scale 1 about the origin, by their measure."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from isoperimetry.bounds import THEOREMS
from isoperimetry.sets import Ball, Complement, Slab, UnionOfHalfSpaces
from isoperimetry.special import ndtri
from pictures.style import of_measure


def slab(mu: float) -> Any:
    """Return a layer about the origin."""
    return Slab([1.0], 0.0, -ndtri((1 - mu) / 2))


def two_sides(mu: float) -> Any:
    """Return two parallel half-spaces on both sides of the origin."""
    return Complement(Slab([1.0], 0.0, -ndtri(mu / 2)))


def ball(mu: float, dim: int = 10) -> Any:
    """Return a ball about the origin."""
    return of_measure(lambda radius: Ball(np.zeros(dim), radius), mu, 1e-9, 10 + math.sqrt(dim))


def outside(mu: float, dim: int = 784) -> Any:
    """Return all that is outside a ball about the origin."""
    return THEOREMS["CENTER_WORST_CASE"].extremal(mu, dim=dim)


def crossed(mu: float, count: int = 9) -> Any:
    """Return a union of half-spaces at right angles, equally far from the origin."""
    return UnionOfHalfSpaces(np.eye(count), np.full(count, -ndtri(-math.expm1(math.log1p(-mu) / count))))
