"""The largest radius about an input that the bounds can certify."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from isoperimetry_bridges.torch.certify.ball import Ball, Method
from isoperimetry_bridges.torch.certify.layers import Network

_FINE = 1.01  # the search ends when no more than this factor is to be gained by the look of it,
_WIDE = 1.1  # nor more than this one for certain
_BALLS = 12
_FARTHEST = 1e6  # for networks that do not depend on their input as far as one can see
_DOWN = 1.0 - 2.0**-48  # covers the rounding of a quotient
_SHORT = 0.998  # a ball is chosen a little smaller than the best, since reach falls much faster than balls grow
_GROWTH = 2.5  # with which power of the radius the reach usually falls; later two balls tell


def largest_radius(
    network: Network, center: Tensor, rows: Tensor, *, method: Method = "linear", rounded: bool = False
) -> tuple[float, int]:
    """Return a radius within which all of ``rows`` are certainly positive, and how many balls were looked at.

    Bounds for a ball hold in all smaller ones, where they are ``values - r * norms``. So each ball certifies its own
    radius or that at which its bounds reach zero, whichever is less. The second falls as the ball grows, and the best
    ball is where the two meet.

    Parameters
    ----------
    network : Network
    center : Tensor, shape of one input, float64
    rows : Tensor, shape (rows, outputs), float64
        Linear functions of the outputs.
    method : {"linear", "interval"}
    rounded : bool
        Whether they must be positive in the classifier's own arithmetic too.

    Returns
    -------
    radius, n_balls
        Radius 0 if nothing could be certified; the rows may be 0 on the sphere itself, but not inside it.
    """
    limit = _reach(network, center, rows, 0.0, "linear", rounded)
    if limit <= 0:
        return 0.0, 1
    best, high, n_balls = 0.0, min(limit, _FARTHEST), 1
    radius = high / 6 if network.kinks else high
    seen: list[tuple[float, float]] = []
    while n_balls < _BALLS and radius > best:
        reach = _reach(network, center, rows, radius, method, rounded)
        n_balls += 1
        best, high = max(best, min(radius, reach)), min(high, max(radius, reach))
        seen.append((radius, limit - reach))
        radius = _next(limit, seen, best, high)
    return best, n_balls


def _reach(network: Network, center: Tensor, rows: Tensor, radius: float, method: Method, rounded: bool) -> float:
    """Return at which radius the bounds for a ball reach zero; beyond ``radius`` that certifies nothing more.

    Infinite where intervals certify the ball, and nothing is known about a larger one.
    """
    ball = Ball(network, center, radius, method=method)
    bounds, allowance = ball.margins(rows), ball.allowance(rows, rounded=rounded)
    spare = bounds.values - allowance
    reach = torch.where(spare > 0, spare / bounds.norms * _DOWN, spare / bounds.norms.clamp(min=1e-300))
    certain = bounds.others > allowance
    return float(torch.where(certain & (reach < radius), math.inf, reach).amin())


def _next(limit: float, seen: list[tuple[float, float]], best: float, high: float) -> float:
    """Return where the reach, falling from ``limit`` like a power of the radius, should meet the radius.

    ``seen`` are radii and how much the reach had fallen there. Where that says nothing, the middle is taken. ``best``
    comes back if there is nothing to gain.
    """
    (radius, fallen), power = seen[-1], _GROWTH
    if high <= _FINE * best:
        return best
    if not 0 < fallen < math.inf or not best < high < math.inf:
        return math.sqrt(best * high) if best > 0 else high / 8
    if len(seen) > 1 and 0 < seen[-2][1] < math.inf and seen[-2][0] != radius:
        slope = math.log(fallen / seen[-2][1]) / math.log(radius / seen[-2][0])
        power = min(max(slope, 1.0), 8.0)
    low, top = 0.0, limit
    for _ in range(60):
        middle = (low + top) / 2
        low, top = (middle, top) if limit - fallen * (middle / radius) ** power > middle else (low, middle)
    if low > _FINE * best:
        return min(_SHORT * low, high)
    return math.sqrt(best * high) if high > _WIDE * best else best
