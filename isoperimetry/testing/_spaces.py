"""The bounds in other spaces in mpmath; `reference` hands them on.

Caps come from power series with positive terms, their angles from Newton's method, means from the integral of the share
of points that are farther away, and Hamming balls from whole numbers. ``chord=True`` stands for ``metric="chord"``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
from mpmath import inf, mp

from isoperimetry.testing._incomplete import log_complement
from isoperimetry.testing._precision import Number, at_precision


def _logs(mu: Any = None, log_mu: Any = None, accuracy: Any = None, log_accuracy: Any = None) -> tuple[Any, Any]:
    """Return (log mu, log(1 - mu)) from the form in which the error rate was given."""
    if sum(form is not None for form in (mu, log_mu, accuracy, log_accuracy)) != 1:
        raise TypeError("Give exactly one of mu, log_mu, accuracy and log_accuracy.")
    if mu is not None:
        return mp.log(mu) if mu else -inf, mp.log1p(-mu) if mu < 1 else -inf
    if log_mu is not None:
        return log_mu, log_complement(log_mu) if log_mu else -inf
    return _logs(mu=accuracy, log_mu=log_accuracy)[::-1]


def _newton(step: Callable[[Any], Any], x: Any) -> Any:
    """Return the limit of ``x - step(x)``, which is approached from one side."""
    for _ in range(10000):
        change = step(x)
        x -= change
        if abs(change) <= abs(x) * mp.mpf(2) ** (-0.6 * mp.prec):  # the next step is below the precision
            return x - step(x)
    raise ArithmeticError("Newton's method did not settle.")


def _sum(ratio: Callable[[int], Any]) -> Any:
    """Return 1 + ratio(0) + ratio(0) ratio(1) + ..., for ratios that end up below 1."""
    term = total = mp.mpf(1)
    k = 0
    while True:
        factor = ratio(k)
        term *= factor
        total += term
        k += 1
        if factor < 1 and term < (1 - factor) * total * mp.eps:
            return total


def _log_beta(m: Any) -> Any:
    """Return log B(1/2, m)."""
    with mp.extradps(15):
        return mp.log(mp.pi) / 2 + mp.loggamma(m) - mp.loggamma(m + mp.mpf(1) / 2)


def _log_cap(theta: Any, dim: Any) -> Any:
    """Return the log of the measure of a cap of angle at most pi / 2."""
    if theta <= 0:
        return -inf
    m, c, s = (dim - 1) / 2, mp.cos(theta), mp.sin(theta)
    log_front = 2 * m * mp.log(s) - _log_beta(m)
    if c * c < mp.mpf(1) / 2 and dim * c * c < 5000:
        with mp.extradps(max(0, int(-0.4343 * (2 * m * mp.log(s)))) + 10):  # lost by the difference
            c, s = mp.cos(theta), mp.sin(theta)
            front = c * mp.exp(2 * m * mp.log(s) - _log_beta(m))
            series = _sum(lambda k: (dim / 2 + k) / (mp.mpf(3) / 2 + k) * c * c)
            return mp.log(mp.mpf(1) / 2 - front * series)
    series = _sum(lambda k: (m + mp.mpf(1) / 2 + k) / (m + 1 + k) * s * s)
    return log_front + mp.log(c * series / (2 * m))


def _cap_logs(theta: Any, dim: Any) -> tuple[Any, Any]:
    """Return the logs of the measures inside and outside of a cap."""
    if theta > mp.pi / 2:
        return _cap_logs(mp.pi - theta, dim)[::-1] if theta < mp.pi else (mp.mpf(0), -inf)
    inside = _log_cap(theta, dim)
    return inside, log_complement(inside) if inside > -inf else mp.mpf(0)


def _angle(log_mu: Any, log_rest: Any, dim: Any) -> Any:
    """Return the angle of the cap, by Newton's method in log(theta), in which the log of the measure is concave."""
    if log_mu > log_rest:
        return mp.pi - _angle(log_rest, log_mu, dim)
    if log_mu == -inf:
        return mp.mpf(0)
    log_density = -_log_beta((dim - 1) / 2)

    def step(u: Any) -> Any:
        theta = mp.exp(u)
        value = _cap_logs(theta, dim)[0]
        return (value - log_mu) / mp.exp(u + (dim - 2) * mp.log(mp.sin(theta)) + log_density - value)

    start = (mp.log(dim - 1) + log_mu - log_density) / (dim - 1)
    with mp.workdps(20):  # most of the way with few digits
        start = _newton(step, start)
    return mp.exp(_newton(step, start))


@at_precision
def sphere_log_cap_measure(theta: Number, dim: Number) -> Any:
    """Return the log of the measure of a cap."""
    return _cap_logs(theta, dim)[0]


@at_precision
def sphere_cap_measure(theta: Number, dim: Number) -> Any:
    """Return the measure of a cap."""
    return mp.exp(_cap_logs(theta, dim)[0])


@at_precision
def sphere_cap_angle(mu: Number = None, *, dim: Number, **form: Number) -> Any:
    """Return the angular radius of the cap of measure mu."""
    return _angle(*_logs(mu, **form), dim)


def _grown(logs: tuple[Any, Any], eps: Any, dim: Any, radius: Any, chord: bool) -> tuple[Any, Any]:
    step = 2 * mp.asin(min(eps / (2 * radius), mp.mpf(1))) if chord else eps / radius
    return _cap_logs(_angle(*logs, dim) + step, dim)


@at_precision
def sphere_enlargement(
    mu: Number = None, eps: Number = None, *, dim: Number, radius: Number = 1, chord: bool = False, **form: Number
) -> Any:
    """Return the measure of the cap of measure mu after it has grown by eps."""
    return mp.exp(_grown(_logs(mu, **form), eps, dim, mp.mpf(radius), chord)[0])


@at_precision
def sphere_log_enlargement(
    mu: Number = None, eps: Number = None, *, dim: Number, radius: Number = 1, chord: bool = False, **form: Number
) -> Any:
    """Return the log of `sphere_enlargement`."""
    return _grown(_logs(mu, **form), eps, dim, mp.mpf(radius), chord)[0]


@at_precision
def sphere_log_enlargement_complement(
    mu: Number = None, eps: Number = None, *, dim: Number, radius: Number = 1, chord: bool = False, **form: Number
) -> Any:
    """Return log(1 - sphere_enlargement)."""
    return _grown(_logs(mu, **form), eps, dim, mp.mpf(radius), chord)[1]


@at_precision
def sphere_quantile_distance_bound(
    mu: Number = None, *, dim: Number, radius: Number = 1, q: Number = 0.5, chord: bool = False, **form: Number
) -> Any:
    """Return the q-quantile of the distance to the cap of measure mu."""
    step = max(_angle(*_logs(q), dim) - _angle(*_logs(mu, **form), dim), mp.mpf(0))
    return radius * (2 * mp.sin(step / 2) if chord else step)


@at_precision
def sphere_mean_distance_bound(
    mu: Number = None, *, dim: Number, radius: Number = 1, chord: bool = False, **form: Number
) -> Any:
    """Return the mean distance to the cap of measure mu; with twenty digits at least."""
    start = _angle(*_logs(mu, **form), dim)
    width = 1 / mp.sqrt(dim)
    marks = [mp.pi / 2 + k * width for k in (-8, -4, -2, 0, 2, 4, 8, 12)]
    with mp.workdps(30):
        ends = [start, *(mark for mark in marks if start < mark < mp.pi)]
        # Far beyond the equator, as seen in units of the width, nothing is left; a rim there has its own scale.
        last = mp.pi if dim < 200 else min(mp.pi, max(marks[-1], start + 12 * width))

        def farther(s: Any) -> Any:
            return mp.exp(_cap_logs(s, dim)[1]) * (mp.cos((s - start) / 2) if chord else 1)

        return radius * mp.quad(farther, [*ends, last])


@at_precision
def ball_enlargement(mu: Number = None, eps: Number = None, *, dim: Number, radius: Number = 1, **form: Number) -> Any:
    """Return the measure that a set of measure mu in a ball has at least after it has grown by eps."""
    return mp.exp(_grown(_logs(mu, **form), eps, dim + 2, mp.mpf(radius), True)[0])


def _balls(dim: int) -> Any:
    """Yield the numbers of words in the Hamming balls of radius 0, 1, ..., dim."""
    words = total = 1
    for k in range(dim):
        yield total
        words = words * (dim - k) // (k + 1)
        total += words
    yield total


@at_precision
def hamming_log_ball_measure(radius: Number, dim: Number) -> Any:
    """Return the log of the measure of a Hamming ball."""
    total, words = next(size for k, size in enumerate(_balls(int(dim))) if k == min(radius, dim)), 2 ** int(dim)
    if 2 * total > words:
        return mp.log1p(-mp.mpf(words - total) / words)
    return mp.log(mp.mpf(total)) - dim * mp.log(2)


@at_precision
def hamming_enlargement(mu: Number, steps: Number, *, dim: Number) -> Any:
    """Return the measure of the largest ball of measure mu or less, after it has grown by ``steps``."""
    sizes = list(_balls(int(dim)))
    within = [k for k, size in enumerate(sizes) if size <= mu * 2 ** int(dim)]
    return mp.mpf(sizes[int(min(dim, max(within, default=0) + steps))]) / 2 ** int(dim)


@at_precision
def hamming_quantile_distance_bound(mu: Number, *, dim: Number, q: Number = 0.5) -> Any:
    """Return the q-quantile of the Hamming distance to that ball."""
    sizes, words = list(_balls(int(dim))), 2 ** int(dim)
    within = [k for k, size in enumerate(sizes) if size <= mu * words]
    goal = next(k for k, size in enumerate(sizes) if size >= mp.mpf(q) * words)
    return mp.mpf(max(0, goal - max(within, default=0)))


def _laplace(logs: tuple[Any, Any], eps: Any, scale: Any) -> tuple[Any, Any]:
    log_mu, log_rest = logs
    x = log_mu + mp.log(2) if log_mu < log_rest else -log_rest - mp.log(2)
    x += eps / (2 * mp.sqrt(6) * scale)
    tail = -abs(x) - mp.log(2)
    return (tail, log_complement(tail)) if x < 0 else (log_complement(tail), tail)


@at_precision
def laplace_enlargement(mu: Number = None, eps: Number = None, *, scale: Number = 1, **form: Number) -> Any:
    """Return the measure that a set of measure mu has at least after it has grown by eps, for Laplace noise."""
    return mp.exp(_laplace(_logs(mu, **form), eps, scale)[0])


@at_precision
def laplace_log_enlargement(mu: Number = None, eps: Number = None, *, scale: Number = 1, **form: Number) -> Any:
    """Return the log of `laplace_enlargement`."""
    return _laplace(_logs(mu, **form), eps, scale)[0]


@at_precision
def laplace_log_enlargement_complement(
    mu: Number = None, eps: Number = None, *, scale: Number = 1, **form: Number
) -> Any:
    """Return log(1 - laplace_enlargement)."""
    return _laplace(_logs(mu, **form), eps, scale)[1]


def _cdf(x: Any) -> Any:
    return mp.erfc(-x / mp.sqrt(2)) / 2


def _probit(mu: Any) -> Any:
    if mu > mp.mpf(1) / 2:
        return -_probit(1 - mu)
    return mpmath.findroot(lambda z: mp.log(_cdf(z)) - mp.log(mu), -mp.sqrt(-2 * mp.log(mu) + 0.01))


@at_precision
def cube_enlargement(mu: Number, eps: Number, *, side: Number = 1) -> Any:
    """Return the measure that a set of measure mu in a cube has at least after it has grown by eps, in l2."""
    return _cdf(_probit(mu) + mp.sqrt(2 * mp.pi) * eps / side)


@at_precision
def cube_mean_distance_bound(mu: Number, *, side: Number = 1) -> Any:
    """Return the largest mean distance to a set of measure mu in a cube, in l2: the integral of what is farther."""
    z, scale = _probit(mu), side / mp.sqrt(2 * mp.pi)
    return scale * mp.quad(_cdf, [-inf, min(-z, mp.mpf(0)), -z])


@at_precision
def generator_multiclass(*probabilities: Number, eps: Number, lipschitz: Number = 1) -> Any:
    """Return the least share of samples within eps of another class, with the probabilities one by one."""
    return 1 - mp.fsum(_cdf(_probit(p) - eps / lipschitz) for p in probabilities)
