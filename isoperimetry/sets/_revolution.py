"""The measure of convex bodies of revolution about the first axis, one integral along it, in logs.

In units of the noise let u be the position along the axis from the center of the noise, ``tip`` that of the body's end
and R(h) the radius of its section at height h above the tip, nondecreasing. The distance from the axis of a sample in
m + 1 dimensions has the noncentral chi law with m degrees of freedom, so that

    P = int_tip^inf phi(u) P[chi_m(D) <= R(u - tip)] du,    1 - P = Phi(tip) + int_tip^inf phi(u) P[chi_m(D) > R] du.

With u = tip + v**2 a rounded tip, where R is like the root of h, is as smooth in v as all the rest. The second factor
is monotone, which bounds the integral over any panel of v from its ends alone, and inside a convex body the integrand
is log-concave: panels are halved until each is negligible or has an integrand that varies by exp(12) at most. Then 20
nodes on each are compared with 20 on each half, and panels halved until the two agree. As R is concave, whatever is
narrow is next to the tip.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isoperimetry import special
from isoperimetry._validate import Array

Index = NDArray[np.intp]

LOG_2 = math.log(2.0)
HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)
FIRST = 16  # panels to begin with
NODES = 20  # in a panel
SPREAD = 12.0  # the most by which the log of the integrand changes in a panel, before the nodes are used
NEGLIGIBLE = 40.0  # a panel is left out if its integral is this much below that of another one, in logs
TAIL = 80.0  # and so is what is this much below a value of the integrand beyond which only the normal density is left
TOLERANCE, NOISE = 1e-11, 2e-14  # of the comparison: relative, and times the size of what the logs are rounded from
RISE = 0.35  # of the log of a power of v, at least the first, from the middle of a panel to its end: half of log(2)
ROUNDS = 80  # of halving


class Bodies(NamedTuple):
    """Bodies in units of the noise, one an entry: shape (n,)."""

    tip: Array  # position of the tip along the axis, from the center of the noise
    distance: Array  # of the center of the noise from the axis
    m: int  # coordinates across the axis
    radius: Callable[[Index, Array], Array]  # of the sections of the bodies with some indices, at some heights
    joint: Array  # height of a kink of the surface, 0 if there is none

    def take(self, index: Index) -> Bodies:
        """Return some of the bodies."""
        return Bodies(
            self.tip[index],
            self.distance[index],
            self.m,
            lambda owner, height: self.radius(index[owner], height),
            self.joint[index],
        )

    def log_factor(self, owner: Index, v: Array, inside: bool) -> Array:
        """Return the log of the share of a section, or of the rest of its plane, at the height v**2."""
        tail = special.log_ball_probability if inside else special.log_ball_complement
        radius = self.radius(owner, v * v)
        return np.asarray(tail(radius, dim=float(self.m), center_distance=self.distance[owner]))

    def log_before(self, inside: bool) -> Array:
        """Return the log of what lies before the tips: nothing of the bodies, everything of the rest."""
        return np.full(self.tip.shape, -math.inf) if inside else np.array(special.log_ndtr(self.tip))

    def noise(self, log_measure: Array) -> Array:
        """Return how much rounding leaves undecided in the logs of integrals of about that size."""
        size = np.maximum(-log_measure, 0.0)
        with np.errstate(over="ignore", invalid="ignore"):
            shift = 0.02 * (np.abs(self.tip) + self.distance) * (1 + np.sqrt(2 * size))
            return np.where(np.isfinite(size), NOISE * (size + shift), 0.0)


def log_measures(bodies: Bodies) -> tuple[Array, Array]:
    """Return the logs of the measures of the bodies and of their complements, the smaller one integrated."""
    inside = _log_integral(bodies, True)
    large = np.flatnonzero(inside > -LOG_2)
    with np.errstate(divide="ignore", under="ignore"):
        outside = np.log1p(-np.exp(np.minimum(inside, 0.0)))
        if large.size:
            part = bodies.take(large)
            outside[large] = np.logaddexp(part.log_before(False), _log_integral(part, False))
            inside[large] = np.log1p(-np.exp(np.minimum(outside[large], 0.0)))
    return inside + 0.0, outside + 0.0


class Panels(NamedTuple):
    """Panels of v with the log factors at their ends: shape (k,) each."""

    owner: Index
    left: Array
    right: Array
    at_left: Array
    at_right: Array

    def take(self, which: NDArray[np.bool_]) -> Panels:
        """Return some of the panels."""
        return Panels(self.owner[which], self.left[which], self.right[which], self.at_left[which], self.at_right[which])


def _log_integral(bodies: Bodies, inside: bool) -> Array:
    """Return the logs of the integrals from the tips on."""
    owner, left, right, peak = _divide(bodies, inside, _first_panels(bodies, inside))
    lost = bodies.noise(peak) > 1  # of a log of -1e14 no digit after the point is left: the peak says all
    rest = ~lost[owner]
    return np.where(lost, peak, _integrate(bodies, inside, owner[rest], left[rest], right[rest]))


def _first_panels(bodies: Bodies, inside: bool) -> Panels:
    """Return equal panels of v that hold all but a negligible part of the integral, cut at the kinks."""
    tip = bodies.tip
    n = tip.size
    # Values of the integrand at heights of every size; both factors are at most 1, so that what lies further from the
    # center than any of them allows does not count.
    low, high = np.minimum(tip, 0.0), np.maximum(tip, 0.0)
    heights = np.concatenate(
        [np.exp2(np.broadcast_to(np.arange(-20.0, 41.0), (n, 61))), np.linspace(low, high + 2, 34, axis=1)[:, 1:]],
        axis=1,
    )
    heights[:, 61:] -= tip[:, None]
    heights = np.maximum(heights, 0.0)
    owner = np.repeat(np.arange(n), heights.shape[1])
    factor = bodies.log_factor(owner, np.sqrt(heights.ravel()), inside).reshape(heights.shape)
    best = np.maximum((factor - 0.5 * (tip[:, None] + heights) ** 2).max(axis=1), bodies.log_before(inside))
    reach = np.sqrt(2 * (TAIL - np.maximum(best, -1e300)))
    start = np.sqrt(np.maximum(-reach - tip, 0.0))
    end = np.maximum(np.sqrt(np.maximum(reach - tip, 0.0)), start)
    edges = np.linspace(start, end, FIRST + 1, axis=1)
    kink = np.clip(np.sqrt(bodies.joint), start, end)
    edges = np.sort(np.concatenate([edges, kink[:, None]], axis=1), axis=1)
    owner = np.repeat(np.arange(n), edges.shape[1])
    factor = bodies.log_factor(owner, edges.ravel(), inside).reshape(edges.shape)
    parts = (edges[:, :-1], edges[:, 1:], factor[:, :-1], factor[:, 1:])
    panels = Panels(np.repeat(np.arange(n), FIRST + 1), *(part.ravel() for part in parts))
    return panels.take(panels.right > panels.left)


def _divide(bodies: Bodies, inside: bool, panels: Panels) -> tuple[Index, Array, Array, Array]:
    """Return the panels that count, halved until the integrand hardly varies over each, and its largest logs."""
    peak = np.full(bodies.tip.size, -math.inf)
    least = bodies.log_before(inside)  # a lower bound of each measure
    ready: list[tuple[Index, Array, Array]] = []
    for _ in range(ROUNDS):
        owner, left, right, at_left, at_right = panels
        if not owner.size:
            break
        tip = bodies.tip[owner]
        middle = 0.5 * (left + right)
        at_middle = bodies.log_factor(owner, middle, inside)
        u, w = tip + left * left, tip + right * right
        far, near = 0.5 * np.maximum(u * u, w * w), 0.5 * np.where(u * w <= 0, 0.0, np.minimum(u * u, w * w))
        values = np.stack(
            [at_left - 0.5 * u * u, at_middle - 0.5 * (tip + middle * middle) ** 2, at_right - 0.5 * w * w]
        )
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            width = np.log((right - left) * (right + left))
            share = (middle + left) / (2 * (right + left))  # of the panel, in u, that is left of the middle
            bend = np.abs(at_left + share * (at_right - at_left) - at_middle)
            # At the tip the log is -inf, a panel from there on never flat: its other half tells. If not even a power of
            # v is seen there, the rise to 1 is hidden in the panel.
            at_tip = at_left == -math.inf
            values[0] = np.where(at_tip, values[1], values[0])
            rise = at_right - at_middle
            bend = np.where(at_tip, np.where(rise > RISE, rise, math.inf), bend)
            top, bottom = values.max(axis=0), values.min(axis=0)
            spread = top - bottom
            # The ends bound each factor for certain. If the log of the integrand is concave, so do chords, where large
            # changes of the factors cancel: the right half of a panel is at most 3 times as wide in u as the left one.
            # (Outside it need not be concave, where the factor bends.)
            doubt = 4 * bend * (not inside)
            upper = width + np.fmin(np.maximum(at_left, at_right) - near, top + 3 * spread + doubt)
            lower = width - LOG_2 + np.fmax(np.minimum(at_left, at_right) - far, bottom - spread - doubt)
        np.maximum.at(peak, owner, np.fmax(top, -math.inf))
        np.maximum.at(least, owner, np.where(np.isnan(lower), -math.inf, lower))
        counts = ~(upper <= least[owner] - NEGLIGIBLE)
        rounded = SPREAD + bodies.noise(least)[owner]
        flat = (spread < rounded) & (bend < rounded) | ~((middle > left) & (middle < right))
        keep, split = counts & flat, counts & ~flat
        ready.append((owner[keep], left[keep], right[keep]))
        halves = (
            (owner, owner), (left, middle), (middle, right), (at_left, at_middle), (at_middle, at_right),
        )  # fmt: skip
        panels = Panels(*(np.concatenate([a[split], b[split]]) for a, b in halves))
    ready.append((panels.owner, panels.left, panels.right))
    owner, left, right = (np.concatenate([part[i] for part in ready]) for i in range(3))
    return np.asarray(owner, dtype=np.intp), left, right, peak


@functools.cache
def _lobatto() -> tuple[Array, Array]:
    """Return nodes and weights on [0, 1], the ends included: what a panel hides at an end shows in them."""
    last = np.polynomial.legendre.Legendre.basis(NODES - 1)
    nodes = np.concatenate([[-1.0], np.sort(np.real(last.deriv().roots())), [1.0]])
    return np.asarray(0.5 * (1 + nodes)), np.asarray(1 / (NODES * (NODES - 1) * last(nodes) ** 2))


def _log_panels(bodies: Bodies, inside: bool, owner: Index, left: Array, right: Array) -> Array:
    """Return the logs of the integrals over panels by the rule of Gauss and Lobatto."""
    nodes, weights = _lobatto()
    width = right - left
    v = left[:, None] + width[:, None] * nodes
    who = np.repeat(owner, nodes.size)
    factor = bodies.log_factor(who, v.ravel(), inside).reshape(v.shape)
    values = factor - 0.5 * (bodies.tip[owner][:, None] + v * v) ** 2
    top = np.maximum(values.max(axis=1, initial=-math.inf), -1e300)
    with np.errstate(under="ignore", divide="ignore"):
        mean = (np.exp(values - top[:, None]) * v) @ weights
        return np.asarray(top + np.log(2 * width * mean) - HALF_LOG_2PI)


def _integrate(bodies: Bodies, inside: bool, owner: Index, left: Array, right: Array) -> Array:
    """Return the logs of sums of integrals over panels, halved until the rule agrees with itself."""
    n = bodies.tip.size
    coarse = _log_panels(bodies, inside, owner, left, right)
    reference = np.full(n, -math.inf)
    np.maximum.at(reference, owner, coarse)
    done = np.zeros(n)  # in units of exp(reference)
    known = np.isfinite(reference)
    reference[~known] = 0.0
    tolerance = TOLERANCE + bodies.noise(reference)

    def scaled(owner: Index, values: Array) -> Array:
        with np.errstate(under="ignore", over="ignore"):
            return np.asarray(np.exp(np.minimum(values - reference[owner], 700.0)))

    for _ in range(ROUNDS):
        middle = 0.5 * (left + right)
        first = _log_panels(bodies, inside, owner, left, middle)
        second = _log_panels(bodies, inside, owner, middle, right)
        fine = scaled(owner, first) + scaled(owner, second)
        total = done + np.bincount(owner, fine, minlength=n)
        agree = np.abs(fine - scaled(owner, coarse)) <= (tolerance * total)[owner]
        done += np.bincount(owner[agree], fine[agree], minlength=n)
        again = ~agree
        if not again.any():
            break
        owner = np.concatenate([owner[again], owner[again]])
        left, right = (
            np.concatenate([left[again], middle[again]]),
            np.concatenate([middle[again], right[again]]),
        )
        coarse = np.concatenate([first[again], second[again]])
    else:
        done += np.bincount(owner, scaled(owner, coarse), minlength=n)
    with np.errstate(divide="ignore"):
        return np.asarray(np.where(known, reference, 0.0) + np.log(done))
