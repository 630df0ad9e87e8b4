"""Probability of a quadrant under the bivariate normal distribution, in mpmath: in polar coordinates about its corner.

The correlated pair is a linear image of an independent one, and the quadrant that of a wedge. At angle theta from the
corner, at distance R from the origin, the integral along the ray is ``exp(-R**2 / 2) (1 - b M(b)) / (2 pi)``, where b
is the first coordinate of the corner along the ray and M the Mills ratio. Every term is positive.
"""

from __future__ import annotations

from typing import Any

import mpmath
from mpmath import inf, mp

from isoperimetry.testing._precision import Number, at_precision


def _ray(b: Any) -> Any:
    """Return 1 - b M(b), which cancels like 1 / b**2."""
    with mp.extradps(2 * max(0, int(mpmath.mag(max(b, 1)) * 0.31)) + 5):
        return 1 - b * mp.exp(b * b / 2) * mp.sqrt(mp.pi / 2) * mp.erfc(b / mp.sqrt(2))


def _interval(low: Any, high: Any) -> Any:
    """Return P[low <= G <= high]."""
    if low > 0:
        low, high = -high, -low
    if not low < high:
        return mp.mpf(0)
    with mp.extradps(max(0, -int(mpmath.mag(high - low) * 0.31)) + 5):
        return (mp.erfc(-high / mp.sqrt(2)) - mp.erfc(-low / mp.sqrt(2))) / 2


def binormal_sf(h: Any, k: Any, rho: Any, root: Any) -> Any:
    """Return P[G1 >= h, G2 >= k] at the precision of the caller."""
    if inf in (h, k):
        return mp.mpf(0)
    if -inf in (h, k):
        return mp.erfc(max(h, k) / mp.sqrt(2)) / 2
    if root == 0:
        return mp.erfc(max(h, k) / mp.sqrt(2)) / 2 if rho > 0 else _interval(h, -k)
    x = (k - rho * h) / root
    radius = mp.sqrt(h * h + x * x)
    first, last = mp.atan2(-rho, root), mp.pi / 2
    nearest = mp.atan2(-x, -h)  # the ray to the origin
    points = {first, last, nearest - mp.pi / 2, nearest + mp.pi / 2}
    # The integrand falls from its largest values on the scale 1 / R at least; panels grow from there.
    for place in (first, last, nearest):
        step = 2 / (1 + radius)
        points.add(place)
        while first <= place <= last and step < 4:
            points |= {place - step, place + step}
            step *= 5
    panels = sorted(point for point in points if first <= point <= last)
    damped = mp.exp(-radius * radius / 2) / (2 * mp.pi)
    return damped * mp.quad(lambda angle: _ray(h * mp.cos(angle) + x * mp.sin(angle)), panels)


@at_precision
def log_binormal_sf(h: Number, k: Number, rho: Number, root: Number = None) -> Any:
    """Return log P[G1 >= h, G2 >= k] for standard normals of correlation rho; root = sqrt(1 - rho**2) if not given."""
    if root is None:
        root = mp.sqrt((1 - rho) * (1 + rho))
    else:  # the last digits are those of root
        rho = mp.sign(rho) * mp.sqrt((1 - root) * (1 + root)) if abs(rho) > mp.mpf("0.9") else rho
    if h < 0 and k < 0:
        outside = mp.erfc(-h / mp.sqrt(2)) / 2 + binormal_sf(h, -k, -rho, root)
        if outside < 0.75:
            return mp.log1p(-outside)
    p = binormal_sf(h, k, rho, root)
    return mp.log(p) if p > 0 else -inf
