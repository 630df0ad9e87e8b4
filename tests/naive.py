"""Slow and obvious versions of the kernels: straight from the definition, no trick, good to about nine digits."""

from __future__ import annotations

import math
from collections.abc import Callable


def ndtr(x: float) -> float:
    return math.erfc(-x / math.sqrt(2)) / 2


def log_ndtr(x: float) -> float:
    return math.log(ndtr(x))


def bisect(f: Callable[[float], float], target: float, low: float, high: float) -> float:
    """Return x in [low, high] with f(x) = target, for an increasing f."""
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if f(middle) < target else (low, middle)
    return (low + high) / 2


def ndtri(p: float) -> float:
    return bisect(ndtr, p, -38.0, 9.0)


def ndtri_exp(y: float) -> float:
    return bisect(log_ndtr, y, -38.0, 9.0)


def mills_ratio(x: float, n: int = 20000) -> float:
    """Integrate exp(-x t - t**2 / 2) over t >= 0 by Simpson's rule."""
    end = max(0.0, -x) + 12.0
    h = end / n
    values = [math.exp(-x * (i * h) - (i * h) ** 2 / 2) for i in range(n + 1)]
    return (values[0] + 4 * math.fsum(values[1:-1:2]) + 2 * math.fsum(values[2:-1:2]) + values[-1]) * h / 3


def erfcx(x: float) -> float:
    return math.exp(x * x) * math.erfc(x)


def pdf(x: float) -> float:
    return math.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def log_pdf(x: float) -> float:
    return math.log(pdf(x))


def log_profile(mu: float) -> float:
    return log_pdf(ndtri(mu))


def log_profile_exp(log_mu: float) -> float:
    return log_pdf(ndtri_exp(log_mu))


def log1mexp(x: float) -> float:
    return math.log(1 - math.exp(x))


def logaddexp(x: float, y: float) -> float:
    return math.log(math.exp(x) + math.exp(y))


def logsubexp(x: float, y: float) -> float:
    return math.log(math.exp(x) - math.exp(y))


def chi2_sf(x: float, dim: int) -> float:
    """Sum the Poisson probabilities of fewer than dim / 2 events, for an even dim."""
    return math.fsum(math.exp(-x / 2) * (x / 2) ** k / math.factorial(k) for k in range(dim // 2))


def log_chi2_sf(x: float, dim: int) -> float:
    return math.log(chi2_sf(x, dim))


def log_chi2_cdf(x: float, dim: int) -> float:
    return math.log(1 - chi2_sf(x, dim))


def ball_complement(radius: float, dim: int, center_distance: float) -> float:
    """Mix chi-square tails with Poisson weights, for an even dim."""
    m = center_distance**2 / 2
    weights = [math.exp(-m) * m**j / math.factorial(j) for j in range(80)]
    return math.fsum(w * chi2_sf(radius**2, dim + 2 * j) for j, w in enumerate(weights))


def log_ball_complement(radius: float, dim: int, center_distance: float) -> float:
    return math.log(ball_complement(radius, dim, center_distance))


def log_ball_probability(radius: float, dim: int, center_distance: float) -> float:
    return math.log(1 - ball_complement(radius, dim, center_distance))


def betainc(a: int, b: int, x: float) -> float:
    """Sum the binomial probabilities of a or more errors in a + b - 1 draws."""
    n = a + b - 1
    return math.fsum(math.comb(n, k) * x**k * (1 - x) ** (n - k) for k in range(a, n + 1))


def betaln(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def log_betainc(a: int, b: int, x: float) -> float:
    return math.log(betainc(a, b, x))


def log_betaincc(a: int, b: int, x: float) -> float:
    return math.log(betainc(b, a, 1 - x))


def log_betainc_inv(a: int, b: int, log_p: float) -> float:
    return math.log(bisect(lambda x: betainc(a, b, x), math.exp(log_p), 0.0, 1.0))


def log_betaincc_inv(a: int, b: int, log_p: float) -> float:
    return math.log(1 - bisect(lambda y: betainc(b, a, y), math.exp(log_p), 0.0, 1.0))
