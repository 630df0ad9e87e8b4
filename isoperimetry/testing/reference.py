"""The functions of the library in mpmath, at any precision, written for clarity: the truth that tests compare with.

Names and arguments are those of the public functions, for one number at a time. Every function also takes ``digits=60``
and returns an ``mpmath.mpf`` rounded to that many decimal digits. Numbers are read exactly: a float is the binary
fraction that it is, a string a decimal one (``"0.01"`` is one hundredth, ``0.01`` is not). A function of an error rate
takes exactly one of ``mu`` (which may be positional), ``log_mu=``, ``accuracy=`` and ``log_accuracy=``. Nothing else is
checked; ``sigma`` and ``eps`` must be positive and finite. Below exp(-1e30) use the functions that return logarithms.

Examples
--------
>>> import mpmath
>>> from isoperimetry.testing import reference
>>> mpmath.nstr(reference.ndtri("0.01", digits=28), 28)
'-2.326347874040841100885606163'
>>> mpmath.nstr(reference.median_distance_bound(log_mu=-1000000, digits=20), 20)
'1414.207782991017327'
"""

from __future__ import annotations

from typing import Any

import mpmath
from mpmath import inf, mp

from isoperimetry.testing._binormal import log_binormal_sf
from isoperimetry.testing._counts import clopper_pearson_lower, clopper_pearson_upper
from isoperimetry.testing._counts import newton as _newton
from isoperimetry.testing._families import (
    betaln,
    log_ball_complement,
    log_ball_probability,
    log_betainc,
    log_betainc_inv,
    log_betaincc,
    log_betaincc_inv,
    log_chi2_cdf,
    log_chi2_sf,
)
from isoperimetry.testing._gaussian import (
    affine_classifier_distance,
    bobkov_gap,
    certified_radius,
    certified_radius_laplace,
    certified_radius_uniform,
    halfspace_distance_norm,
    lipschitz_tail,
    log_lipschitz_tail,
    log_noise_stability,
    median_distance_bound_norm,
    noise_norm,
    noise_stability,
    worst_case_distance,
)
from isoperimetry.testing._precision import GUARD as _GUARD
from isoperimetry.testing._precision import Number
from isoperimetry.testing._precision import at_precision as _at_precision
from isoperimetry.testing._spaces import (
    ball_enlargement,
    cube_enlargement,
    cube_mean_distance_bound,
    generator_multiclass,
    hamming_enlargement,
    hamming_log_ball_measure,
    hamming_quantile_distance_bound,
    laplace_enlargement,
    laplace_log_enlargement,
    laplace_log_enlargement_complement,
    sphere_cap_angle,
    sphere_cap_measure,
    sphere_enlargement,
    sphere_log_cap_measure,
    sphere_log_enlargement,
    sphere_log_enlargement_complement,
    sphere_mean_distance_bound,
    sphere_quantile_distance_bound,
)

__all__ = [
    "affine_classifier_distance",
    "ball_enlargement",
    "betaln",
    "bobkov_gap",
    "certified_radius",
    "certified_radius_laplace",
    "certified_radius_uniform",
    "clopper_pearson_lower",
    "clopper_pearson_upper",
    "cube_enlargement",
    "cube_mean_distance_bound",
    "enlargement",
    "error_rate_at_sigma",
    "gaussian_profile",
    "generator_multiclass",
    "halfspace_distance",
    "halfspace_distance_norm",
    "hamming_enlargement",
    "hamming_log_ball_measure",
    "hamming_quantile_distance_bound",
    "laplace_enlargement",
    "laplace_log_enlargement",
    "laplace_log_enlargement_complement",
    "lipschitz_tail",
    "log_ball_complement",
    "log_ball_probability",
    "log_betainc",
    "log_betainc_inv",
    "log_betaincc",
    "log_betaincc_inv",
    "log_binormal_sf",
    "log_chi2_cdf",
    "log_chi2_sf",
    "log_enlargement",
    "log_enlargement_complement",
    "log_error_rate_at_sigma",
    "log_gaussian_profile",
    "log_lipschitz_tail",
    "log_mean_distance_bound",
    "log_ndtr",
    "log_noise_stability",
    "log_required_error_rate",
    "mean_distance_bound",
    "median_distance_bound",
    "median_distance_bound_norm",
    "mills_ratio",
    "ndtr",
    "ndtri",
    "ndtri_exp",
    "noise_norm",
    "noise_stability",
    "quantile_distance_bound",
    "required_error_rate",
    "required_sigma",
    "second_moment_distance_bound",
    "sphere_cap_angle",
    "sphere_cap_measure",
    "sphere_enlargement",
    "sphere_log_cap_measure",
    "sphere_log_enlargement",
    "sphere_log_enlargement_complement",
    "sphere_mean_distance_bound",
    "sphere_quantile_distance_bound",
    "worst_case_distance",
]


def _extra_digits(z: Any, power: int) -> Any:
    """Return a context that adds the digits lost by a difference which is ``z**-power`` times its terms."""
    return mp.extradps(max(0, int(power * 0.302 * mpmath.mag(z))) if mpmath.isfinite(z) and z else 0)


def _pdf(x: Any) -> Any:
    with _extra_digits(x, 2):  # for the integer part of the exponent
        return mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)


def _mills(x: Any) -> Any:
    if x * x < 4 * mp.prec:
        return mp.erfc(x / mp.sqrt(2)) / 2 / _pdf(x)
    term = total = 1 / x  # the asymptotic series, whose least term is about exp(-x**2 / 2)
    k = 1
    while abs(term) > total * mp.eps:
        term *= -k / (x * x)
        total += term
        k += 2
    return total


def _cdf(x: Any) -> Any:
    return 1 - _cdf(-x) if x > 0 else _mills(-x) * _pdf(x)


def _log_cdf(x: Any) -> Any:
    if x >= 0:
        return mp.log1p(-_cdf(-x))
    return mp.log(_mills(-x)) - x * x / 2 - mp.log(2 * mp.pi) / 2 if x > -inf else x


def _quantile_of_log(y: Any) -> Any:
    """Return z with log Phi(z) = y."""
    if y == -inf or y == 0:
        return inf if y == 0 else -inf
    q = mp.expm1(y + mp.log(2)) / 2  # the probability less 1/2
    if abs(q) <= mp.mpf(1) / 4:
        return _newton(lambda z: (mp.erf(z / mp.sqrt(2)) / 2 - q) / _pdf(z), q * mp.sqrt(2 * mp.pi))
    if q > 0:
        return -_quantile_of_log(mp.log(-mp.expm1(y)))
    # log Phi is increasing and concave, so that Newton's method stays left of the root, where it starts.
    return _newton(lambda z: (_log_cdf(z) - y) * _mills(-z), -mp.sqrt(-2 * y))


def _quantile(p: Any) -> Any:
    return _quantile_of_log(mp.log(p)) if p else -inf


def _probit(mu: Any = None, log_mu: Any = None, accuracy: Any = None, log_accuracy: Any = None) -> Any:
    """Return Phi^-1(mu) from the form in which the error rate was given."""
    if sum(form is not None for form in (mu, log_mu, accuracy, log_accuracy)) != 1:
        raise TypeError("Give exactly one of mu, log_mu, accuracy and log_accuracy.")
    if mu is not None:
        return _quantile(mu)
    if log_mu is not None:
        return _quantile_of_log(log_mu)
    return -_quantile(accuracy) if accuracy is not None else -_quantile_of_log(log_accuracy)


@_at_precision
def ndtr(x: Number) -> Any:
    """Return Phi(x)."""
    return _cdf(x)


@_at_precision
def log_ndtr(x: Number) -> Any:
    """Return log(Phi(x))."""
    return _log_cdf(x)


@_at_precision
def ndtri(p: Number) -> Any:
    """Return Phi^-1(p)."""
    return _quantile(p)


@_at_precision
def ndtri_exp(y: Number) -> Any:
    """Return Phi^-1(exp(y))."""
    return _quantile_of_log(y)


@_at_precision
def mills_ratio(x: Number) -> Any:
    """Return Phi(-x) / phi(x)."""
    return _mills(x) if x > 0 else _cdf(-x) / _pdf(x)


@_at_precision
def gaussian_profile(mu: Number = None, sigma: Number = 1, **form: Number) -> Any:
    """Return the least boundary measure phi(Phi^-1(mu)) / sigma."""
    return _pdf(_probit(mu, **form)) / sigma


@_at_precision
def log_gaussian_profile(mu: Number = None, sigma: Number = 1, **form: Number) -> Any:
    """Return the logarithm of `gaussian_profile`."""
    z = _probit(mu, **form)
    return -z * z / 2 - mp.log(2 * mp.pi) / 2 - mp.log(sigma)


@_at_precision
def halfspace_distance(mu: Number = None, sigma: Number = 1, **form: Number) -> Any:
    """Return the signed distance from the center to a half-space of measure mu."""
    return -sigma * _probit(mu, **form)


@_at_precision
def enlargement(mu: Number = None, eps: Number = None, sigma: Number = 1, **form: Number) -> Any:
    """Return the least measure of the set of points within ``eps`` of a set of measure mu."""
    return _cdf(_probit(mu, **form) + eps / sigma)


@_at_precision
def log_enlargement(mu: Number = None, eps: Number = None, sigma: Number = 1, **form: Number) -> Any:
    """Return the logarithm of `enlargement`."""
    return _log_cdf(_probit(mu, **form) + eps / sigma)


@_at_precision
def log_enlargement_complement(mu: Number = None, eps: Number = None, sigma: Number = 1, **form: Number) -> Any:
    """Return log(1 - enlargement)."""
    return _log_cdf(-(_probit(mu, **form) + eps / sigma))


@_at_precision
def quantile_distance_bound(
    mu: Number = None, sigma: Number = 1, *, q: Number = 0.5, conditional: bool = False, **form: Number
) -> Any:
    """Return the largest q-quantile of the distance of a noisy sample, or of one outside the set, to a set."""
    z = _probit(mu, **form)
    if not conditional:
        return sigma * max(mp.mpf(0), _quantile(mp.mpf(q)) - z)
    if abs(z) == inf:
        return inf if z < 0 else mp.mpf(0)
    with _extra_digits(z, 2):
        z = _probit(mu, **form)
        return sigma * (-z - _quantile_of_log(mp.log1p(-mp.mpf(q)) + _log_cdf(-z)))


@_at_precision
def median_distance_bound(mu: Number = None, sigma: Number = 1, *, conditional: bool = False, **form: Number) -> Any:
    """Return `quantile_distance_bound` for q = 1/2."""
    with mp.extradps(_GUARD):
        return quantile_distance_bound(mu, sigma, q=0.5, conditional=conditional, digits=mp.dps, **form)


def _mean(z: Any) -> Any:
    """Return E max(0, G - z), G standard normal."""
    return _pdf(z) - z * _cdf(-z) if mpmath.isfinite(z) else max(mp.mpf(0), -z)


@_at_precision
def mean_distance_bound(mu: Number = None, sigma: Number = 1, *, conditional: bool = False, **form: Number) -> Any:
    """Return the largest mean of the distance of a noisy sample, or of one outside the set, to a set."""
    z = _probit(mu, **form)
    if conditional and z == inf:
        return mp.mpf(0)
    with _extra_digits(z, 2):
        z = _probit(mu, **form)
        return sigma * _mean(z) / (_cdf(-z) if conditional else 1)


@_at_precision
def log_mean_distance_bound(mu: Number = None, sigma: Number = 1, **form: Number) -> Any:
    """Return the logarithm of `mean_distance_bound`."""
    z = _probit(mu, **form)
    with _extra_digits(z, 2):
        mean = _mean(_probit(mu, **form))
        return mp.log(sigma) + (mp.log(mean) if mean else -inf)


@_at_precision
def second_moment_distance_bound(mu: Number = None, sigma: Number = 1, **form: Number) -> Any:
    """Return the largest mean of the squared distance of a noisy sample to a set."""
    z = _probit(mu, **form)
    if abs(z) == inf:
        return inf if z < 0 else mp.mpf(0)
    with _extra_digits(z, 4):
        z = _probit(mu, **form)
        return sigma**2 * ((1 + z * z) * _cdf(-z) - z * _pdf(z))


@_at_precision
def required_error_rate(eps: Number, sigma: Number = 1, *, robust_fraction: Number = 0.5) -> Any:
    """Return the largest error rate at which ``robust_fraction`` of the samples can be beyond ``eps``."""
    return _cdf(-_quantile(mp.mpf(robust_fraction)) - eps / sigma)


@_at_precision
def log_required_error_rate(eps: Number, sigma: Number = 1, *, robust_fraction: Number = 0.5) -> Any:
    """Return the logarithm of `required_error_rate`."""
    return _log_cdf(-_quantile(mp.mpf(robust_fraction)) - eps / sigma)


@_at_precision
def required_sigma(eps: Number, mu: Number = None, *, robust_fraction: Number = 0.5, **form: Number) -> Any:
    """Return the least sigma at which error rate mu allows the robust fraction at ``eps``; inf if none does."""
    gap = -_probit(mu, **form) - _quantile(mp.mpf(robust_fraction))
    return eps / gap if gap > 0 else inf


@_at_precision
def error_rate_at_sigma(mu: Number = None, sigma: Number = 1, sigma_new: Number = 1, **form: Number) -> Any:
    """Return the measure at noise ``sigma_new`` of the half-space that has measure mu at noise ``sigma``."""
    return _cdf(_probit(mu, **form) * sigma / sigma_new)


@_at_precision
def log_error_rate_at_sigma(mu: Number = None, sigma: Number = 1, sigma_new: Number = 1, **form: Number) -> Any:
    """Return the logarithm of `error_rate_at_sigma`."""
    return _log_cdf(_probit(mu, **form) * sigma / sigma_new)
