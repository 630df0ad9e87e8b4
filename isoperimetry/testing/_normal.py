"""The normal distribution and the bounds in Gaussian noise of one half-space, in mpmath; `reference` hands them on."""

from __future__ import annotations

from typing import Any

import mpmath
from mpmath import inf, mp

from isoperimetry.testing._counts import newton as _newton
from isoperimetry.testing._precision import GUARD, Number, at_precision


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


@at_precision
def ndtr(x: Number) -> Any:
    """Return Phi(x)."""
    return _cdf(x)


@at_precision
def log_ndtr(x: Number) -> Any:
    """Return log(Phi(x))."""
    return _log_cdf(x)


@at_precision
def ndtri(p: Number) -> Any:
    """Return Phi^-1(p)."""
    return _quantile(p)


@at_precision
def ndtri_exp(y: Number) -> Any:
    """Return Phi^-1(exp(y))."""
    return _quantile_of_log(y)


@at_precision
def mills_ratio(x: Number) -> Any:
    """Return Phi(-x) / phi(x)."""
    return _mills(x) if x > 0 else _cdf(-x) / _pdf(x)


@at_precision
def gaussian_profile(mu: Number = None, sigma: Number = 1, **form: Number) -> Any:
    """Return the least boundary measure phi(Phi^-1(mu)) / sigma."""
    return _pdf(_probit(mu, **form)) / sigma


@at_precision
def log_gaussian_profile(mu: Number = None, sigma: Number = 1, **form: Number) -> Any:
    """Return the logarithm of `gaussian_profile`."""
    z = _probit(mu, **form)
    return -z * z / 2 - mp.log(2 * mp.pi) / 2 - mp.log(sigma)


@at_precision
def halfspace_distance(mu: Number = None, sigma: Number = 1, **form: Number) -> Any:
    """Return the signed distance from the center to a half-space of measure mu."""
    return -sigma * _probit(mu, **form)


@at_precision
def enlargement(mu: Number = None, eps: Number = None, sigma: Number = 1, **form: Number) -> Any:
    """Return the least measure of the set of points within ``eps`` of a set of measure mu."""
    return _cdf(_probit(mu, **form) + eps / sigma)


@at_precision
def log_enlargement(mu: Number = None, eps: Number = None, sigma: Number = 1, **form: Number) -> Any:
    """Return the logarithm of `enlargement`."""
    return _log_cdf(_probit(mu, **form) + eps / sigma)


@at_precision
def log_enlargement_complement(mu: Number = None, eps: Number = None, sigma: Number = 1, **form: Number) -> Any:
    """Return log(1 - enlargement)."""
    return _log_cdf(-(_probit(mu, **form) + eps / sigma))


@at_precision
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


@at_precision
def median_distance_bound(mu: Number = None, sigma: Number = 1, *, conditional: bool = False, **form: Number) -> Any:
    """Return `quantile_distance_bound` for q = 1/2."""
    with mp.extradps(GUARD):
        return quantile_distance_bound(mu, sigma, q=0.5, conditional=conditional, digits=mp.dps, **form)


def _mean(z: Any) -> Any:
    """Return E max(0, G - z), G standard normal."""
    return _pdf(z) - z * _cdf(-z) if mpmath.isfinite(z) else max(mp.mpf(0), -z)


@at_precision
def mean_distance_bound(mu: Number = None, sigma: Number = 1, *, conditional: bool = False, **form: Number) -> Any:
    """Return the largest mean of the distance of a noisy sample, or of one outside the set, to a set."""
    z = _probit(mu, **form)
    if conditional and z == inf:
        return mp.mpf(0)
    with _extra_digits(z, 2):
        z = _probit(mu, **form)
        return sigma * _mean(z) / (_cdf(-z) if conditional else 1)


@at_precision
def log_mean_distance_bound(mu: Number = None, sigma: Number = 1, **form: Number) -> Any:
    """Return the logarithm of `mean_distance_bound`."""
    z = _probit(mu, **form)
    with _extra_digits(z, 2):
        mean = _mean(_probit(mu, **form))
        return mp.log(sigma) + (mp.log(mean) if mean else -inf)


@at_precision
def second_moment_distance_bound(mu: Number = None, sigma: Number = 1, **form: Number) -> Any:
    """Return the largest mean of the squared distance of a noisy sample to a set."""
    z = _probit(mu, **form)
    if abs(z) == inf:
        return inf if z < 0 else mp.mpf(0)
    with _extra_digits(z, 4):
        z = _probit(mu, **form)
        return sigma**2 * ((1 + z * z) * _cdf(-z) - z * _pdf(z))


@at_precision
def required_error_rate(eps: Number, sigma: Number = 1, *, robust_fraction: Number = 0.5) -> Any:
    """Return the largest error rate at which ``robust_fraction`` of the samples can be beyond ``eps``."""
    return _cdf(-_quantile(mp.mpf(robust_fraction)) - eps / sigma)


@at_precision
def log_required_error_rate(eps: Number, sigma: Number = 1, *, robust_fraction: Number = 0.5) -> Any:
    """Return the logarithm of `required_error_rate`."""
    return _log_cdf(-_quantile(mp.mpf(robust_fraction)) - eps / sigma)


@at_precision
def required_sigma(eps: Number, mu: Number = None, *, robust_fraction: Number = 0.5, **form: Number) -> Any:
    """Return the least sigma at which error rate mu allows the robust fraction at ``eps``; inf if none does."""
    gap = -_probit(mu, **form) - _quantile(mp.mpf(robust_fraction))
    return eps / gap if gap > 0 else inf


@at_precision
def error_rate_at_sigma(mu: Number = None, sigma: Number = 1, sigma_new: Number = 1, **form: Number) -> Any:
    """Return the measure at noise ``sigma_new`` of the half-space that has measure mu at noise ``sigma``."""
    return _cdf(_probit(mu, **form) * sigma / sigma_new)


@at_precision
def log_error_rate_at_sigma(mu: Number = None, sigma: Number = 1, sigma_new: Number = 1, **form: Number) -> Any:
    """Return the logarithm of `error_rate_at_sigma`."""
    return _log_cdf(_probit(mu, **form) * sigma / sigma_new)
