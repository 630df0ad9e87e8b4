"""More bounds in other spaces in mpmath; `reference` hands them on.

Where the theorem compares with a half-space, the functions for Gaussian noise are called with the scale that it states.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mpmath import inf, mp

from isoperimetry.testing import _normal
from isoperimetry.testing._precision import Number, at_precision
from isoperimetry.testing._spaces import (
    _balls,
    _grown,
    _logs,
    sphere_mean_distance_bound,
    sphere_quantile_distance_bound,
)


def _as_noise(function: Callable[..., Any], mu: Any, *arguments: Any, **keywords: Any) -> Any:
    """Return a function for Gaussian noise with all digits of the caller."""
    return function(mu, *arguments, digits=mp.dps, **keywords)


@at_precision
def sphere_gaussian_enlargement(
    mu: Number = None, eps: Number = None, *, dim: Number, radius: Number = 1, **form: Number
) -> Any:
    """Return the lower limit of `sphere_enlargement` that has the form of the Gaussian one."""
    return _as_noise(_normal.enlargement, mu, eps, radius / mp.sqrt(dim - 2), **form)


@at_precision
def ball_gaussian_enlargement(
    mu: Number = None, eps: Number = None, *, dim: Number, radius: Number = 1, **form: Number
) -> Any:
    """Return the lower limit of `ball_enlargement` that has the form of the Gaussian one."""
    return _as_noise(_normal.enlargement, mu, eps, radius / mp.sqrt(dim), **form)


def _grown_in_ball(logs: tuple[Any, Any], eps: Any, dim: Any, radius: Any) -> tuple[Any, Any]:
    """Return the logs of the measure of the grown set and of what is left: that of a cap, in two dimensions more."""
    # A set of measure 0 may be empty.
    return logs if logs[0] == -inf else _grown(logs, eps, dim + 2, mp.mpf(radius), True)


@at_precision
def ball_log_enlargement(
    mu: Number = None, eps: Number = None, *, dim: Number, radius: Number = 1, **form: Number
) -> Any:
    """Return the log of `ball_enlargement`."""
    return _grown_in_ball(_logs(mu, **form), eps, dim, radius)[0]


@at_precision
def ball_log_enlargement_complement(
    mu: Number = None, eps: Number = None, *, dim: Number, radius: Number = 1, **form: Number
) -> Any:
    """Return log(1 - ball_enlargement)."""
    return _grown_in_ball(_logs(mu, **form), eps, dim, radius)[1]


@at_precision
def ball_quantile_distance_bound(
    mu: Number = None, *, dim: Number, radius: Number = 1, q: Number = 0.5, **form: Number
) -> Any:
    """Return the q-quantile of the chord to the cap of measure mu, in two dimensions more; inf at mu = 0."""
    if _logs(mu, **form)[0] == -inf:
        return inf
    return sphere_quantile_distance_bound(mu, dim=dim + 2, radius=radius, q=q, chord=True, digits=mp.dps, **form)


@at_precision
def ball_mean_distance_bound(mu: Number = None, *, dim: Number, radius: Number = 1, **form: Number) -> Any:
    """Return the mean chord to the cap of measure mu, in two dimensions more; with twenty digits at least."""
    if _logs(mu, **form)[0] == -inf:
        return inf
    return sphere_mean_distance_bound(mu, dim=dim + 2, radius=radius, chord=True, digits=mp.dps, **form)


@at_precision
def cube_log_enlargement(mu: Number = None, eps: Number = None, *, side: Number = 1, **form: Number) -> Any:
    """Return the log of `cube_enlargement`."""
    return _as_noise(_normal.log_enlargement, mu, eps, side / mp.sqrt(2 * mp.pi), **form)


@at_precision
def cube_log_enlargement_complement(mu: Number = None, eps: Number = None, *, side: Number = 1, **form: Number) -> Any:
    """Return log(1 - cube_enlargement)."""
    return _as_noise(_normal.log_enlargement_complement, mu, eps, side / mp.sqrt(2 * mp.pi), **form)


@at_precision
def cube_quantile_distance_bound(mu: Number = None, *, side: Number = 1, q: Number = 0.5, **form: Number) -> Any:
    """Return the largest q-quantile of the distance to a set of measure mu in a cube, in l2."""
    return _as_noise(_normal.quantile_distance_bound, mu, side / mp.sqrt(2 * mp.pi), q=q, **form)


def _grown_words(logs: tuple[Any, Any], steps: Any, dim: int) -> tuple[Any, Any]:
    """Return the logs of the measure of the largest ball of measure mu or less, grown by ``steps``, and of the rest."""
    if steps == 0 or logs[0] == -inf:
        return logs
    words = 2**dim
    # The smaller one of the two probabilities has all its digits.
    most = words * mp.exp(logs[0]) if logs[0] < logs[1] else words - words * mp.exp(logs[1])
    largest = max((k for k, size in enumerate(_balls(dim)) if size <= most), default=0)
    grown = next(size for k, size in enumerate(_balls(dim)) if k == min(dim, largest + steps))
    return _logs(mu=mp.mpf(grown) / words)[0], mp.log(mp.mpf(words - grown) / words) if grown < words else -inf


@at_precision
def hamming_log_enlargement(mu: Number = None, steps: Number = None, *, dim: Number, **form: Number) -> Any:
    """Return the log of `hamming_enlargement`, and that of mu at ``steps`` = 0."""
    return _grown_words(_logs(mu, **form), steps, int(dim))[0]


@at_precision
def hamming_log_enlargement_complement(mu: Number = None, steps: Number = None, *, dim: Number, **form: Number) -> Any:
    """Return log(1 - hamming_enlargement), and log(1 - mu) at ``steps`` = 0."""
    return _grown_words(_logs(mu, **form), steps, int(dim))[1]


def _shift(log_mu: Any, dim: Any) -> Any:
    """Return t0, the largest mean number of letters to change."""
    return mp.sqrt(dim * -log_mu / 2)


def _log_product_tail(logs: tuple[Any, Any], distance: Any, dim: Any) -> Any:
    log_mu, log_rest = logs
    if distance == 0 or log_mu == -inf:
        return mp.mpf(0)
    beyond = max(distance - _shift(log_mu, dim), mp.mpf(0))
    return min(-2 * beyond**2 / dim, log_rest)  # no more than all that is outside the set is at a distance


@at_precision
def hamming_product_tail(mu: Number = None, distance: Number = None, *, dim: Number, **form: Number) -> Any:
    """Return the largest probability that ``distance`` or more of n letters must change to reach a set."""
    return mp.exp(_log_product_tail(_logs(mu, **form), distance, dim))


@at_precision
def hamming_log_product_tail(mu: Number = None, distance: Number = None, *, dim: Number, **form: Number) -> Any:
    """Return the log of `hamming_product_tail`."""
    return _log_product_tail(_logs(mu, **form), distance, dim)


@at_precision
def hamming_product_quantile_distance_bound(mu: Number = None, *, dim: Number, q: Number = 0.5, **form: Number) -> Any:
    """Return the largest q-quantile of the number of letters to change."""
    (log_mu, log_rest), (_, log_beyond) = _logs(mu, **form), _logs(mp.mpf(q))
    return _shift(log_mu, dim) + mp.sqrt(dim * -log_beyond / 2) if log_rest > log_beyond else mp.mpf(0)


@at_precision
def hamming_product_median_distance_bound(mu: Number = None, *, dim: Number, **form: Number) -> Any:
    """Return `hamming_product_quantile_distance_bound` for q = 1/2."""
    return hamming_product_quantile_distance_bound(mu, dim=dim, digits=mp.dps, **form)


@at_precision
def hamming_product_mean_distance_bound(mu: Number = None, *, dim: Number, **form: Number) -> Any:
    """Return the largest mean of the number of letters to change."""
    return _shift(_logs(mu, **form)[0], dim)


@at_precision
def logconcave_enlargement(mu: Number = None, eps: Number = None, *, sigma: Number, **form: Number) -> Any:
    """Return the least measure of what is within eps, for a density exp(-V) with Hess V >= I / sigma**2."""
    return _as_noise(_normal.enlargement, mu, eps, sigma, **form)


@at_precision
def logconcave_log_enlargement(mu: Number = None, eps: Number = None, *, sigma: Number, **form: Number) -> Any:
    """Return the log of `logconcave_enlargement`."""
    return _as_noise(_normal.log_enlargement, mu, eps, sigma, **form)


@at_precision
def logconcave_log_enlargement_complement(
    mu: Number = None, eps: Number = None, *, sigma: Number, **form: Number
) -> Any:
    """Return log(1 - logconcave_enlargement)."""
    return _as_noise(_normal.log_enlargement_complement, mu, eps, sigma, **form)


def logconcave_enlargement_on_line(
    mu: Number = None,
    eps: Number = None,
    *,
    cdf: Callable[[Any], Any],
    ppf: Callable[[Any], Any],
    digits: int = 60,
    **form: Number,
) -> Any:
    """Return the least measure of what is within eps, for a log-concave density on the line.

    ``cdf`` and ``ppf`` take and return an ``mpmath.mpf``, at the working precision. Take more digits than mu or 1 - mu
    has zeros, as probabilities near 1 are formed.
    """

    @at_precision
    def grown(mu: Number, eps: Number, **form: Number) -> Any:
        log_mu, log_rest = _logs(mu, **form)
        p, rest = mp.exp(log_mu), mp.exp(log_rest)
        if eps == 0 or p == 0 or rest == 0:
            return p
        return min(cdf(ppf(p) + eps), 1 - cdf(ppf(rest) - eps))  # the half-lines to the left and to the right

    return grown(mu, eps, digits=digits, **form)


@at_precision
def generator_enlargement(mu: Number = None, eps: Number = None, *, lipschitz: Number, **form: Number) -> Any:
    """Return the least share of generated samples within eps of a set of measure mu."""
    return _as_noise(_normal.enlargement, mu, eps, lipschitz, **form)


@at_precision
def generator_log_enlargement(mu: Number = None, eps: Number = None, *, lipschitz: Number, **form: Number) -> Any:
    """Return the log of `generator_enlargement`."""
    return _as_noise(_normal.log_enlargement, mu, eps, lipschitz, **form)


def _laplace_quantile(logs: tuple[Any, Any]) -> Any:
    log_mu, log_rest = logs
    return log_mu + mp.log(2) if log_mu < log_rest else -log_rest - mp.log(2)


@at_precision
def laplace_quantile_distance_bound(mu: Number = None, *, scale: Number = 1, q: Number = 0.5, **form: Number) -> Any:
    """Return the largest q-quantile of the distance to a set of measure mu, for Laplace noise."""
    length = _laplace_quantile(_logs(mp.mpf(q))) - _laplace_quantile(_logs(mu, **form))
    return 2 * mp.sqrt(6) * scale * max(length, mp.mpf(0))


@at_precision
def laplace_median_distance_bound(mu: Number = None, *, scale: Number = 1, **form: Number) -> Any:
    """Return `laplace_quantile_distance_bound` for q = 1/2."""
    return laplace_quantile_distance_bound(mu, scale=scale, digits=mp.dps, **form)
