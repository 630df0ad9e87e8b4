"""Error sets whose measure is known beforehand: what the estimators of volumes, ours and others', are measured on.

All are posed in standard noise, u ~ N(0, I): the errors are ``{u: function(u) <= 0}``. Seven are of kinds on which
methods are known to fail: many faces, no preferred direction, curved far more than a tangent plane says, kinks, a
region that the margin does not show. Three more have exact measures by `isoperimetry.sets`.

A problem's random numbers come from PCG64 by spawn keys below `ENTROPY`; samplers never use these. That is not a
formality: a sampler with the seed that built a problem replays its hidden direction as its first draw, and then line
sampling, for one, finds it at once or is off by factors of 1000. P6 alone is *defined* by numpy's ``default_rng(6)``.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import optimize, stats

from benchmarks.slices import ball_measure, ball_square, paraboloid_measure
from isoperimetry import sets, special

Array = np.ndarray

ENTROPY = 0x150_9E12
FAR_BALL_DISTANCE = 200.0
MLP_SIGMA, MLP_LOG_MEASURE, MLP_ERROR = 0.08102, math.log(9.8969e-7), 1.8e-3
CERTAIN = 1e-9


@dataclasses.dataclass(frozen=True, kw_only=True)
class Problem:
    """An error set in standard noise, with its measure.

    Attributes
    ----------
    name, title : str
        For the command line, and in words.
    dim : int
        Number of coordinates.
    function, gradient : callable
        The margin on (n, dim), <= 0 on errors, and its gradient.
    log_truth, truth_error : float
        Log of the measure, and how uncertain the measure is, relatively.
    certainty : str
        Where the truth is from.
    nearest : float
        Distance of the nearest error from the center.
    design : array, shape (m, dim), or None
        Points of the boundary that are nearest in their neighbourhood, where they are known.
    error_set : set of `isoperimetry.sets` or None
        The same errors as a set of ours.
    features : tuple or None
        (A, margin of A u, its gradient with respect to A u): for problems that look only at ``A u``.
    """

    name: str
    title: str
    dim: int
    function: Callable[[Array], Array]
    gradient: Callable[[Array], Array]
    log_truth: float
    certainty: str
    nearest: float
    truth_error: float = CERTAIN
    design: Array | None = None
    error_set: Any = None
    features: tuple[Array, Callable[[Array], Array], Callable[[Array], Array]] | None = None

    @property
    def truth(self) -> float:
        """The measure."""
        return math.exp(self.log_truth)

    @property
    def forms(self) -> tuple[str, ...]:
        """In which forms the problem can be posed."""
        given = (("set", self.error_set), ("features", self.features))
        return ("margin", *(form for form, what in given if what is not None))

    def posed(self, form: str) -> Any:
        """Return what `volume` takes: a black box with its gradient, a set of ours, or a black box behind features."""
        from isoperimetry.estimators import Margin, reduce

        if form == "margin":
            return Margin(self.function, dim=self.dim, gradient=self.gradient)
        if form == "set" and self.error_set is not None:
            return self.error_set
        if form == "features" and self.features is not None:
            weights, function, gradient = self.features
            return Margin(function, gradient=gradient, reduction=reduce(weights))
        raise ValueError(f"form={form!r} must be one of {self.forms}: {self.name} has no other.")


def generator(*key: int) -> np.random.Generator:
    """Return the random numbers that a problem is built from."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(ENTROPY, spawn_key=key)))


def _unit(dim: int, *key: int) -> Array:
    vector = generator(*key).standard_normal(dim)
    return vector / np.linalg.norm(vector)


def half_space(name: str, dim: int, log_mu: float) -> Problem:
    """P1: exact for every method that finds one direction."""
    unit = _unit(dim, 1, dim)
    offset = -float(special.ndtri_exp(log_mu))
    return Problem(
        name=name, title=f"half-space, n={dim:,}", dim=dim, function=lambda u: offset - u @ unit,
        gradient=lambda u: np.tile(-unit, (len(u), 1)), log_truth=log_mu, certainty="exact", nearest=offset,
        design=offset * unit[None], error_set=sets.HalfSpace(unit, offset),
    )  # fmt: skip


def faces(name: str, title: str, normals: Array, offsets: Array, log_truth: float, certainty: str) -> Problem:
    """Return a union of half-spaces: the margin is that of the nearest face."""
    columns = np.ascontiguousarray(normals.T)

    def of_features(h: Array) -> Array:
        return (offsets - h).min(axis=1)

    feet = offsets[:, None] * normals
    apart = of_features(feet @ columns) > -1e-9  # a foot inside another half-space is no design point
    return Problem(
        name=name, title=title, dim=normals.shape[1], function=lambda u: of_features(u @ columns),
        gradient=lambda u: -normals[np.argmin(offsets - u @ columns, axis=1)], log_truth=log_truth,
        certainty=certainty, nearest=float(offsets.min()), design=feet[apart],
        error_set=sets.UnionOfHalfSpaces(normals, offsets),
        features=(normals, of_features, lambda h: -np.eye(len(offsets))[np.argmin(offsets - h, axis=1)]),
    )  # fmt: skip


def log_pairs(normals: Array, offsets: Array) -> float:
    """Return the log measure of a union of half-spaces from single ones and pairs; triples are left out."""
    first, second = np.triu_indices(len(offsets), 1)
    products = np.einsum("ij,ij->i", normals[first], normals[second])
    overlap = np.exp(special.log_binormal_sf(offsets[first], offsets[second], products))
    return math.log(math.fsum(special.ndtr(-offsets)) - math.fsum(overlap))


def many_faces(name: str) -> Problem:
    """P2: sixteen faces, of which one design point is a quarter of the measure; triples are 1e-9 of it."""
    normals, offsets = generator(2).standard_normal((16, 784)), np.linspace(4.0, 5.0, 16)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    log_truth = log_pairs(normals, offsets)
    return faces(name, "union of 16 half-spaces, n=784", normals, offsets, log_truth, "inclusion-exclusion, 1e-8")


def paired_faces(name: str) -> Problem:
    """P8: forty faces in pairs, the pairs correlated from -0.5 to 0.95 and orthogonal to each other."""
    axes = np.linalg.qr(generator(8).standard_normal((784, 40)))[0].T
    correlation = np.linspace(-0.5, 0.95, 20)[:, None]
    second = correlation * axes[:20] + np.sqrt(1 - correlation**2) * axes[20:]
    normals, offsets = np.concatenate([axes[:20], second]), np.linspace(4.5, 6.0, 40)
    log_truth = float(sets.UnionOfHalfSpaces(normals, offsets).log_volume())
    return faces(name, "40 half-spaces in correlated pairs, n=784", normals, offsets, log_truth, "exact to 1e-9")


def outside_ball(name: str) -> Problem:
    """P3: every direction is a design point, and the gradient vanishes at the center."""
    dim, mu = 784, 1e-6
    square = float(stats.chi2.isf(mu, dim))
    return Problem(
        name=name, title="outside a ball, n=784", dim=dim, function=lambda u: square - np.einsum("ij,ij->i", u, u),
        gradient=lambda u: -2.0 * u, log_truth=float(stats.chi2.logsf(square, dim)), certainty="chi-square tail",
        nearest=math.sqrt(square), error_set=sets.Complement(sets.Ball(np.zeros(dim), math.sqrt(square))),
    )  # fmt: skip


def balls(name: str, title: str, centers: Array, squares: Array, log_truth: float, certainty: str) -> Problem:
    """Return a union of balls far from the center; the margins are scaled to distances and free of cancellation."""
    distances = np.linalg.norm(centers, axis=1)
    columns, constants = np.ascontiguousarray(centers.T), distances**2 - squares

    def margins(u: Array) -> Array:
        return (np.einsum("ij,ij->i", u, u)[:, None] - 2 * (u @ columns) + constants) / (2 * distances)

    def gradient(u: Array) -> Array:
        nearest = np.argmin(margins(u), axis=1)
        return (u - centers[nearest]) / distances[nearest, None]

    gaps = distances - np.sqrt(squares)
    parts = [sets.Ball(center, math.sqrt(square)) for center, square in zip(centers, squares, strict=True)]
    return Problem(
        name=name, title=title, dim=centers.shape[1], function=lambda u: margins(u).min(axis=1), gradient=gradient,
        log_truth=log_truth, certainty=certainty, nearest=float(gaps.min()),
        design=gaps[:, None] * centers / distances[:, None],
        error_set=parts[0] if len(parts) == 1 else sets.Union(*parts),
    )  # fmt: skip


def far_ball(name: str) -> Problem:
    """P4: the nearest point is 2.78 away, but the ball curves away: a tangent plane has 2700 times its measure."""
    dim, mu, distance = 784, 1e-6, FAR_BALL_DISTANCE
    square = ball_square(distance, dim, mu)
    log_truth = math.log(ball_measure(square, distance, dim))
    center = distance * _unit(dim, 4)
    return balls(name, "ball, n=784", center[None], np.array([square]), log_truth, "integral of chi-square laws, 1e-10")


def opposite_balls(name: str) -> Problem:
    """P9: two balls on opposite sides of the center, of unlike sizes; not convex, and two modes."""
    dim, distances = 784, np.array([200.0, 120.0])
    rates = [7e-7, 3e-7]
    squares = np.array([ball_square(float(d), dim, mu) for d, mu in zip(distances, rates, strict=True)])
    centers = np.outer(distances * [1.0, -1.0], _unit(dim, 9))
    log_truth = math.log(sum(ball_measure(s, d, dim) for s, d in zip(squares, distances, strict=True)))
    return balls(name, "two balls on opposite sides, n=784", centers, squares, log_truth, "integrals, 1e-10")


def paraboloid(name: str, dim: int, curvature: float, vertex: float = 4.0) -> Problem:
    """P5: a tangent plane has 36 times the measure, and so curved a set is beyond an expansion to second order."""
    unit = _unit(dim, 5, dim)

    def function(u: Array) -> Array:
        along = u @ unit
        return vertex - along + 0.5 * curvature * (np.einsum("ij,ij->i", u, u) - along * along)

    def gradient(u: Array) -> Array:
        return curvature * u - np.outer(1.0 + curvature * (u @ unit), unit)

    straight = sets.Paraboloid(vertex, curvature, dim)
    return Problem(
        name=name, title=f"paraboloid, n={dim}", dim=dim, function=function, gradient=gradient,
        log_truth=math.log(paraboloid_measure(vertex, curvature, dim)), nearest=vertex,
        certainty="integral of chi-square laws, 1e-10", design=vertex * unit[None],
        error_set=sets.rotate(straight, start=np.eye(1, dim)[0], end=unit),
    )  # fmt: skip


def network(name: str) -> Problem:
    """P6: a ReLU network 784-64-10 with fixed weights, wrong about an input in noise of a scale fixed beforehand.

    Its measure is known from 2e6 draws by a shifted law (0.18 %), and from 60,000 lines, which agree to 0.02 %.
    """
    rng = np.random.default_rng(6)
    first = rng.standard_normal((64, 784)) * math.sqrt(2 / 784)
    shift = rng.standard_normal(64) * 0.1
    second = rng.standard_normal((10, 64)) * math.sqrt(2 / 64)
    bias = rng.standard_normal(10) * 0.1
    center = rng.random(784)
    weights, start = MLP_SIGMA * first, first @ center + shift
    scores = second @ np.maximum(start, 0) + bias
    label = int(np.argmax(scores))
    others = np.delete(np.arange(10), label)
    lead, base = np.ascontiguousarray((second[label] - second[others]).T), bias[label] - bias[others]
    columns = np.ascontiguousarray(weights.T)

    def of_features(h: Array) -> Array:
        return (np.maximum(h + start, 0) @ lead + base).min(axis=1)

    def gradient_of_features(h: Array) -> Array:
        nearest = np.argmin(np.maximum(h + start, 0) @ lead + base, axis=1)
        return lead.T[nearest] * (h + start > 0)

    return Problem(
        name=name, title="ReLU network 784-64-10", dim=784, function=lambda u: of_features(u @ columns),
        gradient=lambda u: gradient_of_features(u @ columns) @ weights, log_truth=MLP_LOG_MEASURE,
        truth_error=MLP_ERROR, certainty="2e6 draws by a shifted law, 0.18 %", nearest=4.672,
        features=(weights, of_features, gradient_of_features),
    )  # fmt: skip


def deceptive(name: str) -> Problem:
    """P7: the margin leads to a face at 5, while the face at 4, of 110 times its measure, shows itself from 3.5 on."""
    axes = np.linalg.qr(generator(7).standard_normal((784, 2)))[0]

    def pair(u: Array) -> Array:
        seen, hidden = (u @ axes).T
        return np.array([5.0 - seen, np.minimum(12.0 * (4.0 - hidden), 6.0)])

    def gradient(u: Array) -> Array:
        margins = pair(u)
        slope = np.where(margins[1] < 6.0, -12.0, 0.0)
        first = margins[0] <= margins[1]
        return np.where(first[:, None], -axes[:, 0], slope[:, None] * axes[:, 1])

    union = sets.UnionOfHalfSpaces(axes.T, [5.0, 4.0])
    return Problem(
        name=name, title="a face hidden behind a cliff, n=784", dim=784, function=lambda u: pair(u).min(axis=0),
        gradient=gradient, log_truth=float(union.log_volume()), certainty="exact", nearest=4.0,
        design=(axes * [5.0, 4.0]).T, error_set=union,
    )  # fmt: skip


def mixed_quadric(name: str) -> Problem:
    """P10: a quadric of mixed signs and unlike curvatures with measure 1e-9, on both sides of the center."""
    rng = generator(10)
    curvature = np.concatenate([[1.0, 0.8], -rng.uniform(0.002, 0.006, 782)])
    slope = np.concatenate([[0.3, 0.0], 0.01 * rng.standard_normal(782)])
    constant = float(
        optimize.brentq(
            lambda c: sets.Quadric(curvature, slope, c).log_volume() - math.log(1e-9), -60.0, -10.0, xtol=1e-12
        )
    )
    quadric = sets.Quadric(curvature, slope, constant)
    return Problem(
        name=name, title="quadric of mixed signs, n=784", dim=784,
        function=lambda u: -((u * u) @ curvature + u @ slope + constant),
        gradient=lambda u: -(2 * u * curvature + slope), log_truth=float(quadric.log_volume()),
        certainty="exact to 1e-9", nearest=float(quadric.signed_distance(np.zeros(784))), error_set=quadric,
    )  # fmt: skip


_MAKERS: dict[str, Callable[[str], Problem]] = {
    "P1": lambda name: half_space(name, 784, math.log(1e-6)),
    "P1_n2": lambda name: half_space(name, 2, math.log(1e-6)),
    "P1_n2_common": lambda name: half_space(name, 2, math.log(1e-2)),
    "P1_n784_1e-15": lambda name: half_space(name, 784, math.log(1e-15)),
    "P1_large": lambda name: half_space(name, 150_528, math.log(1e-12)),
    "P2": many_faces,
    "P3": outside_ball,
    "P4": far_ball,
    "P5": lambda name: paraboloid(name, 784, 0.002),
    "P5_n100": lambda name: paraboloid(name, 100, 0.02),
    "P6": network,
    "P7": deceptive,
    "P8": paired_faces,
    "P9": opposite_balls,
    "P10": mixed_quadric,
}

NAMES = tuple(_MAKERS)


@functools.lru_cache(maxsize=32)
def get(name: str) -> Problem:
    """Return a problem by its name in `NAMES`."""
    if name not in _MAKERS:
        raise ValueError(f"name={name!r} must be one of {', '.join(NAMES)}.")
    return _MAKERS[name](name)
