"""Second routes to what the exact sets compute: simulation, another integral, and what must hold for every set."""

from __future__ import annotations

import itertools
import math

import mpmath
import numpy as np
from scipy import integrate, optimize, special, stats

from isoperimetry.bounds import enlargement
from isoperimetry.sets import Complement

MP = mpmath.mp


def assert_simulation_agrees(error_set, center, sigma, eps, rng, n=100_000):
    """The shares of samples in the set, and near it and its complement, agree; each fails once in a million."""
    x = center + sigma * rng.standard_normal((n, error_set.dim))
    inside, distance = error_set.contains(x), error_set.signed_distance(x)
    assert np.array_equal(inside, distance <= 0)
    for count, p in (
        (inside.sum(), error_set.volume(center, sigma)),
        ((distance <= eps).sum(), error_set.enlarged_volume(eps, center, sigma)),
        ((-distance <= eps).sum(), error_set.complement_enlarged_volume(eps, center, sigma)),
    ):
        assert abs(count - n * p) < 4.9 * math.sqrt(n * p * (1 - p)) + 1e-9


def assert_laws(error_set, center, sigma, eps):
    """Set and complement add up, logs agree with numbers, growth is monotone, and no bound is beaten."""
    other, inf = Complement(error_set), math.inf
    mu, rest = error_set.volume(center, sigma), other.volume(center, sigma)
    assert math.isclose(mu + rest, 1, abs_tol=1e-14)
    for of, value, beyond in ((error_set, mu, rest), (other, rest, mu)):
        log = of.log_volume(center, sigma)
        assert log <= 0 and math.isclose(math.exp(log), value, rel_tol=1e-11, abs_tol=1e-300)
        grown = of.enlarged_volume([0.0, eps / 2, eps, 2 * eps, inf], center, sigma)
        # Sums of many at once may be rounded otherwise than one alone.
        assert math.isclose(grown[0], value, rel_tol=1e-13) and np.all(np.diff(grown) >= -1e-13) and grown[-1] in (0, 1)
        assert np.all(grown >= enlargement(min(value, 1.0), [0.0, eps / 2, eps, 2 * eps, inf], sigma) - 1e-12)
        # However the set lies, no center is further from it than from the complement of a ball of its measure.
        if 0 < value < 1:
            worst = sigma * math.sqrt(stats.chi2.isf(value, of.dim) if value < 0.5 else stats.chi2.ppf(beyond, of.dim))
            assert of.signed_distance(center) <= worst * (1 + 1e-10) + 1e-12
    broadcast = error_set.enlarged_volume(np.array([[0.0], [eps]]), center, np.array([sigma, 2 * sigma, 0.0]))
    assert broadcast.shape == (2, 3) and math.isclose(broadcast[0, 0], mu, rel_tol=1e-13)
    assert math.isclose(broadcast[1, 1], error_set.enlarged_volume(eps, center, 2 * sigma), rel_tol=1e-13)


def assert_nan_passes(error_set):
    """NaN in, NaN out, and empty arrays stay empty."""
    nan, center = math.nan, np.zeros(error_set.dim)
    bad = np.array([*center[1:], nan])
    for value in (
        error_set.volume(sigma=nan), error_set.log_volume(bad), error_set.complement_log_volume(bad),
        error_set.enlarged_volume(nan), error_set.complement_enlarged_volume(1.0, bad, 2.0),
        error_set.signed_distance(np.full(error_set.dim, nan)),
    ):  # fmt: skip
        assert math.isnan(value)
    assert not error_set.contains(np.full(error_set.dim, nan))
    assert error_set.volume(sigma=[]).shape == error_set.enlarged_volume([], center, [1.0]).shape == (0,)
    assert error_set.contains(np.empty((0, error_set.dim))).shape == (0,)
    assert error_set.signed_distance(np.empty((3, 0, error_set.dim))).shape == (3, 0)


def distance_to_curve(curve, along, across, end):
    """Return the least distance of a point from curve(t), 0 <= t <= end, by dense sampling and a local search."""

    def square(t):
        a, b = curve(t)
        return (a - along) ** 2 + (b - across) ** 2

    t = np.linspace(0, end, 2001)
    best = t[np.argmin(square(t))]
    low, high = max(best - t[1], 0.0), best + t[1]
    found = optimize.minimize_scalar(square, bounds=(low, high), method="bounded", options={"xatol": 1e-12})
    return math.sqrt(min(found.fun, square(low), square(0.0)))


def volume_by_rings(position, m, along, across, points=()):
    """Return P[X_1 >= position(R)] for R the distance from the axis: an integral across the axis, with SciPy.

    The center of the noise, of scale 1, is at ``along`` on the axis and ``across`` from it, in m + 1 dimensions.
    """

    def integrand(r):
        density = 2 * r * stats.ncx2.pdf(r * r, m, across**2) if across else 2 * r * stats.chi2.pdf(r * r, m)
        return density * special.ndtr(along - position(r))

    middle = math.sqrt(m - 1 + across**2)
    edges = sorted({0.0, *points, max(middle - 3, 0.01), middle + 3, middle + 40})
    return sum(
        integrate.quad(integrand, a, b, epsabs=0, epsrel=1e-12, limit=400)[0] for a, b in itertools.pairwise(edges)
    )


def log_volume_by_rings(position, m, along, across, kink=0.0):
    """The same in mpmath and as a logarithm, for tails beyond the smallest float and any m."""
    with mpmath.workdps(40):
        along, across = MP.mpf(along), MP.mpf(across)

        def log_tail(z):  # of the normal distribution, by its continued fraction far out
            if z < 30:
                return MP.log(MP.erfc(z / MP.sqrt(2)) / 2)
            fraction = z
            for k in range(150, 0, -1):
                fraction = z + k / fraction
            return -z * z / 2 - MP.log(2 * MP.pi) / 2 - MP.log(fraction)

        def log_density(r):
            if across == 0:
                return (m - 1) * MP.log(r) - r * r / 2 - (MP.mpf(m) / 2 - 1) * MP.log(2) - MP.loggamma(MP.mpf(m) / 2)
            order, z = MP.mpf(m) / 2 - 1, r * across
            bessel = (
                MP.log(MP.hyp0f1(order + 1, z * z / 4, maxterms=10**6)) + order * MP.log(z / 2) - MP.loggamma(order + 1)
            )
            return MP.mpf(m) / 2 * MP.log(r) - order * MP.log(across) - (r * r + across * across) / 2 + bessel

        def log_integrand(r):
            return log_density(r) + log_tail(position(r) - along)

        def integrand(r):
            return MP.exp(log_integrand(r) - top)

        def value(t):
            return -float(log_integrand(MP.exp(t)))

        start = min(np.linspace(-7, 8, 61), key=value)
        found = optimize.minimize_scalar(value, bounds=(start - 0.3, start + 0.3), method="bounded")
        peak = MP.exp(found.x)
        top = log_integrand(peak)
        step = peak / 1000
        bend = (log_integrand(peak + step) + log_integrand(peak - step) - 2 * top) / step**2
        width = 1 / MP.sqrt(-bend)
        edges = [max(peak + k * width, peak / 10**6) for k in range(-16, 17, 4)]
        if edges[0] < kink < edges[-1]:
            edges.append(MP.mpf(kink))
        edges = sorted({*edges})
        return top + MP.log(MP.quad(integrand, edges, method="gauss-legendre", maxdegree=4))
