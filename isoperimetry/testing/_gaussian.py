"""Gaussian bounds beyond those of one half-space, in mpmath; `reference` hands them on.

Routes differ from those of the library: roots of tails for quantiles, Plackett's integral for pairs of correlated
normals, gamma functions, eigenvalues.
"""

from __future__ import annotations

from typing import Any

from mpmath import inf, mp

from isoperimetry.testing import _incomplete
from isoperimetry.testing._binormal import binormal_sf
from isoperimetry.testing._precision import Number, at_precision


def _tail(x: Any) -> Any:
    """Return P[G > x]."""
    return mp.erfc(x / mp.sqrt(2)) / 2


def _pdf(x: Any) -> Any:
    return mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)


def _upper_quantile(p: Any) -> Any:
    """Return x with P[G > x] = p, by Newton's method in the log of the tail, which is concave."""
    if p == 0 or p == 1:
        return inf if p == 0 else -inf
    if p > mp.mpf(1) / 2:
        return -_upper_quantile(1 - p)
    x = mp.sqrt(-2 * mp.log(p))
    for _ in range(500):
        step = mp.log(_tail(x) / p) * _tail(x) / _pdf(x)
        x += step
        if abs(step) < mp.mpf(2) ** (-0.6 * mp.prec):
            return x + mp.log(_tail(x) / p) * _tail(x) / _pdf(x)
    raise ArithmeticError("Newton's method did not settle.")


def _radius_in_sigma(mu: Any = None, log_mu: Any = None, accuracy: Any = None, log_accuracy: Any = None) -> Any:
    """Return a = -Phi^-1(mu) from the form in which the error rate was given."""
    given = [(form, value) for form, value in (("mu", mu), ("log_mu", log_mu), ("accuracy", accuracy),
                                               ("log_accuracy", log_accuracy)) if value is not None]  # fmt: skip
    if len(given) != 1:
        raise TypeError("Give exactly one of mu, log_mu, accuracy and log_accuracy.")
    form, value = given[0]
    if form == "mu":
        return _upper_quantile(value)
    if form == "accuracy":
        return -_upper_quantile(value)
    sign = 1 if form == "log_mu" else -1
    return sign * (_upper_quantile(mp.exp(value)) if value < -1 else -_upper_quantile(-mp.expm1(value)))


@at_precision
def bobkov_gap(values: Any, gradient_norms: Any, *, sigma: Number = 1, weights: Any = None) -> Any:
    """Return E sqrt(I(f)**2 + sigma**2 |grad f|**2) - I(E f) over the nodes of a rule; lists of numbers."""
    w = [mp.mpf(1)] * len(values) if weights is None else weights
    total = mp.fsum(w)

    def profile(p: Any) -> Any:
        x = _upper_quantile(p)
        return _pdf(x) if abs(x) < inf else mp.mpf(0)

    slopes = (
        mp.hypot(profile(f), sigma * slope) * weight for f, slope, weight in zip(values, gradient_norms, w, strict=True)
    )
    return mp.fsum(slopes) / total - profile(mp.fdot(values, w) / total)


def _log_lipschitz(t: Any, lipschitz: Any, sigma: Any, around: str) -> Any:
    r = t / (lipschitz * sigma)
    if around == "mean":
        return -r * r / 2
    return (
        mp.log(mp.quad(lambda u: mp.exp(-u * u / 2 - r * u), [0, 1 / (1 + r), 8 / (1 + r), inf]))
        - r * r / 2
        - (mp.log(2 * mp.pi) / 2)
    )


def lipschitz_tail(t: Number, lipschitz: Number, sigma: Number = 1, *, around: str = "median", digits: int = 60) -> Any:
    """Return the largest probability that a Lipschitz function exceeds its median or mean by t, by quadrature."""
    return at_precision(lambda t, lipschitz, sigma: mp.exp(_log_lipschitz(t, lipschitz, sigma, around)))(
        t, lipschitz, sigma, digits=digits
    )


def log_lipschitz_tail(
    t: Number, lipschitz: Number, sigma: Number = 1, *, around: str = "median", digits: int = 60
) -> Any:
    """Return the logarithm of `lipschitz_tail`."""
    return at_precision(lambda t, lipschitz, sigma: _log_lipschitz(t, lipschitz, sigma, around))(
        t, lipschitz, sigma, digits=digits
    )


@at_precision
def noise_norm(dim: Number, sigma: Number = 1) -> Any:
    """Return sigma E |G| in R^dim."""
    return sigma * mp.sqrt(2) * mp.gammaprod([(dim + 1) / 2], [dim / 2])


def _other(p_a: Any, error_rate: Any, log_error_rate: Any) -> Any:
    """Return 1 - p_a."""
    if p_a is not None:
        return 1 - p_a
    return error_rate if error_rate is not None else mp.exp(log_error_rate)


def _half_gap(quantile: Any, other: Any, p_b: Any) -> Any:
    if p_b is None:
        return max(mp.mpf(0), quantile(other))
    return max(mp.mpf(0), (quantile(other) - quantile(1 - p_b)) / 2)


@at_precision
def certified_radius(
    p_a: Number = None, p_b: Number = None, *, sigma: Number = 1, error_rate: Number = None,
    log_error_rate: Number = None,
) -> Any:  # fmt: skip
    """Return the l2 radius of Gaussian smoothing."""
    return sigma * _half_gap(_upper_quantile, _other(p_a, error_rate, log_error_rate), p_b)


@at_precision
def certified_radius_laplace(
    p_a: Number = None, p_b: Number = None, *, scale: Number, error_rate: Number = None,
    log_error_rate: Number = None,
) -> Any:  # fmt: skip
    """Return the l1 radius of Laplace smoothing."""

    def quantile(p: Any) -> Any:
        if p in (0, 1):
            return inf if p == 0 else -inf
        return -mp.log(2 * p) if p < mp.mpf(1) / 2 else mp.log(2 * (1 - p))

    return scale * _half_gap(quantile, _other(p_a, error_rate, log_error_rate), p_b)


@at_precision
def certified_radius_uniform(
    p_a: Number = None, p_b: Number = None, *, half_width: Number, error_rate: Number = None,
    log_error_rate: Number = None,
) -> Any:  # fmt: skip
    """Return the l1 radius of uniform smoothing."""
    return half_width * _half_gap(lambda p: 1 - 2 * p, _other(p_a, error_rate, log_error_rate), p_b)


def _plackett(a: Any, rho: Any) -> Any:
    """Return P[G1 >= a, G2 >= a]: the derivative in the correlation is the density at the corner."""
    if rho < 0:  # there the integral cancels
        return binormal_sf(a, a, rho, mp.sqrt((1 - rho) * (1 + rho)))
    end = mp.asin(rho)
    top = a * a / (1 + rho)

    def density(angle: Any) -> Any:
        return mp.exp(top - a * a / (1 + mp.sin(angle)))  # of order 1, as the rule has an absolute error

    # it falls from the end, on the scale 1 / a**2
    points = sorted({mp.mpf(0), end, *(end - end * mp.mpf(2) ** -k for k in range(1, int(4 + 3 * mp.log(2 + abs(a)))))})
    integral = mp.quad(density, points) if rho else 0
    return _tail(a) ** 2 + mp.exp(-top) * integral / (2 * mp.pi)


@at_precision
def noise_stability(mu: Number = None, rho: Number = None, **form: Number) -> Any:
    """Return the probability that two points of correlation rho are both in a half-space of measure mu."""
    return _plackett(_radius_in_sigma(mu, **form), rho)


@at_precision
def log_noise_stability(mu: Number = None, rho: Number = None, **form: Number) -> Any:
    """Return the logarithm of `noise_stability`."""
    return mp.log(_plackett(_radius_in_sigma(mu, **form), rho))


@at_precision
def worst_case_distance(mu: Number = None, sigma: Number = 1, *, dim: Number, **form: Number) -> Any:
    """Return sigma R with P[|G| >= R] = mu in R^dim, a root of the incomplete gamma function."""
    a = _radius_in_sigma(mu, **form)
    if abs(a) == inf:
        return inf if a > 0 else mp.mpf(0)
    side = 1 if a > 0 else 0
    target = mp.log(_tail(abs(a)))  # of the smaller side

    def gap(log_x: Any) -> Any:
        return _incomplete.log_gamma_tails(dim / 2, mp.exp(log_x) / 2)[side] - target

    step = (1 if a > 0 else -1) / mp.sqrt(dim)
    near = far = mp.log(dim)
    with mp.workdps(20):
        while gap(far) > 0:
            near, far, step = far, far + step, 2 * step
        if gap(near) < 0:  # the median of the squared norm is a little below its mean
            near -= 2 / dim * (1 if a > 0 else -1)
        rough = mp.findroot(gap, (near, far), solver="anderson", tol=1e-30, maxsteps=200)
    log_x = mp.findroot(gap, (rough, rough + mp.mpf(10) ** -15), tol=mp.mpf(10) ** (-2 * mp.dps + 20), maxsteps=100)
    return sigma * mp.exp(log_x / 2)


@at_precision
def convex_distance_bound(mu: Number = None, sigma: Number = 1, *, parts: Number = 1, **form: Number) -> Any:
    """Return the largest distance of the center from a union of convex sets of measure mu."""
    return sigma * max(mp.mpf(0), _upper_quantile(_tail(_radius_in_sigma(mu, **form)) / parts))


@at_precision
def affine_classifier_distance(mu: Number = None, sigma: Number = 1, *, classes: Number, **form: Number) -> Any:
    """Return the lower and the upper limit of the distance of a correct center from the errors of K classes."""
    a = _radius_in_sigma(mu, **form)
    high = _upper_quantile(_tail(a) / (classes - 1))
    return mp.matrix([sigma * max(mp.mpf(0), a), sigma * max(mp.mpf(0), high)])


def _dual_norm(w: Any, p: Any) -> Any:
    if p == 1:
        return max(abs(x) for x in w)
    return _lp(w, mp.mpf(1) if p == inf else p / (p - 1))


def _lp(w: Any, q: Any) -> Any:
    return mp.fsum(abs(x) ** q for x in w) ** (1 / q)


@at_precision
def halfspace_distance_norm(
    mu: Number = None, normal: Any = None, *, p: Number = 2, sigma: Number = 1, cov: Any = None, **form: Number
) -> Any:
    """Return the signed l_p distance to a half-space with that normal; lists of numbers."""
    w = mp.matrix(normal)
    spread = mp.eye(len(w)) if cov is None else mp.matrix(cov) if isinstance(cov[0], list) else mp.diag(cov)
    variance = (w.T * spread * w)[0]
    return sigma * _radius_in_sigma(mu, **form) * mp.sqrt(variance) / _dual_norm(w, p)


@at_precision
def median_distance_bound_norm(
    mu: Number = None, *, dim: Number = None, p: Number = 2, sigma: Number = 1, cov: Any = None, **form: Number
) -> Any:
    """Return the largest median l_p distance; a dense covariance for p = 2 and inf alone."""
    a = max(mp.mpf(0), _radius_in_sigma(mu, **form))
    if cov is None:
        stretch = mp.mpf(1) if p >= 2 else dim ** (1 / p - mp.mpf(1) / 2)
    elif isinstance(cov[0], list):
        dense = mp.matrix(cov)
        largest = max(mp.eigsy(dense, eigvals_only=True)) if p == 2 else max(dense[i, i] for i in range(dense.rows))
        stretch = mp.sqrt(largest)
    else:
        deviations = [mp.sqrt(variance) for variance in cov]
        stretch = max(deviations) if p >= 2 else _lp(deviations, 2 * p / (2 - p))
    return sigma * stretch * a
