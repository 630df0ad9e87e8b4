"""Independent letters of any distribution: the number of letters to change is concentrated (McDiarmid)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from isoperimetry._validate import Array, as_nonnegative
from isoperimetry.bounds._spaces import as_dim, as_level, assumption
from isoperimetry.bounds.rate import Rate, evaluate, given, read_rate
from isoperimetry.bounds.sources import MCDIARMID_1989
from isoperimetry.bounds.theorem import Theorem

INDEPENDENT = assumption(
    "independent letters",
    "The n letters of a sample are independent, each of any distribution; the distance is the number that differ.",
)


def product_tail(
    mu: ArrayLike | None = None,
    distance: ArrayLike | None = None,
    *,
    dim: ArrayLike,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Largest probability that ``distance`` or more of n independent letters must change to reach a set.

    *Theorem: typical sample*, for every set, and for letters of any distribution.

    .. math:: P[d_H(X, A) \ge t] \le \exp(-2 (t - t_0)_+^2 / n), \qquad t_0 = \sqrt{\frac{n}{2} \log \frac{1}{\mu}}

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the set, in [0, 1].
    distance : float or array, shape S2
        Number t of letters, >= 0; it need not be whole.
    dim : int or array of int, shape S3
        Number n of letters, >= 1.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3)
        Upper limit of a probability: 1 at distance 0, at most 1 - mu beyond, 1 everywhere at mu = 0.

    Raises
    ------
    TypeError
        If not exactly one form of the rate is given, ``distance`` is left out, or ``dim`` is no integer.
    ValueError
        If an argument is out of range. NaN is passed through.

    Notes
    -----
    Theorem: `PRODUCT_DISTANCE`. It implies Talagrand's exp(-t**2 / n) / mu (1995).

    Examples
    --------
    >>> round(product_tail(0.5, 2, dim=3), 6)
    0.5
    """
    rate = read_rate(mu, log_mu, accuracy, log_accuracy)
    return evaluate(lambda distance, dim: np.exp(_log_tail(rate, distance, dim)), rate, **_lengths(distance, dim))


def log_product_tail(
    mu: ArrayLike | None = None,
    distance: ArrayLike | None = None,
    *,
    dim: ArrayLike,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Logarithm of `product_tail`, finite where that underflows.

    *Theorem: typical sample*, for every set, and for letters of any distribution.

    .. math:: \log P[d_H(X, A) \ge t] \le -2 (t - t_0)_+^2 / n

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the set, in [0, 1].
    distance : float or array, shape S2
        Number t of letters, >= 0; it need not be whole.
    dim : int or array of int, shape S3
        Number n of letters, >= 1.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3)
        Upper limit of the natural logarithm of a probability, <= 0.

    Raises
    ------
    TypeError, ValueError
        As `product_tail`.

    Notes
    -----
    Theorem: `PRODUCT_DISTANCE`.

    Examples
    --------
    >>> round(log_product_tail(0.5, 10000, dim=150528), 6)
    -1268.655146
    """
    rate = read_rate(mu, log_mu, accuracy, log_accuracy)
    return evaluate(lambda distance, dim: _log_tail(rate, distance, dim), rate, **_lengths(distance, dim))


def product_quantile_distance_bound(
    mu: ArrayLike | None = None,
    *,
    dim: ArrayLike,
    q: ArrayLike = 0.5,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Largest q-quantile of the number of independent letters to change from a sample to a set of measure ``mu``.

    *Theorem: typical sample*, for every set, and for letters of any distribution.

    .. math:: Q_q(d_H(X, A)) \le \sqrt{\frac{n}{2}} \left(\sqrt{\log \frac{1}{\mu}} + \sqrt{\log \frac{1}{1 - q}}\right)

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the set, in [0, 1].
    dim : int or array of int, shape S2
        Number n of letters, >= 1.
    q : float or array, shape S3
        Level of the quantile, in (0, 1): the least t with P[d <= t] >= q.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3)
        Upper limit, not rounded down to a whole number of letters: inf at mu = 0, 0 where mu >= q.

    Raises
    ------
    TypeError
        If not exactly one form of the rate is given, or ``dim`` is no integer.
    ValueError
        If an argument is out of range. NaN is passed through.

    Notes
    -----
    Theorem: `PRODUCT_DISTANCE`.

    Examples
    --------
    >>> round(product_quantile_distance_bound(0.01, dim=100, q=0.9), 6)
    25.904101
    """
    rate, level = read_rate(mu, log_mu, accuracy, log_accuracy), as_level(q)

    def formula(dim: Array, q: Array) -> Array:
        length = _shift(rate, dim) + np.sqrt(-0.5 * dim * np.log1p(-q))
        return np.where(rate.z >= level.z, 0.0, length)

    return evaluate(formula, rate, dim=as_dim(dim), q=level.value)


def product_median_distance_bound(
    mu: ArrayLike | None = None,
    *,
    dim: ArrayLike,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Largest median of the number of independent letters to change from a sample to a set of measure ``mu``.

    *Theorem: typical sample*, for every set, and for letters of any distribution.

    .. math:: \mathrm{med}\, d_H(X, A) \le \sqrt{\frac{n}{2}} \left(\sqrt{\log \frac{1}{\mu}} + \sqrt{\log 2}\right)

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the set, in [0, 1].
    dim : int or array of int, shape S2
        Number n of letters, >= 1.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2)
        Upper limit, not rounded down to a whole number of letters: inf at mu = 0, 0 where mu >= 1/2.

    Raises
    ------
    TypeError, ValueError
        As `product_quantile_distance_bound`.

    Notes
    -----
    Theorem: `PRODUCT_DISTANCE`.

    Examples
    --------
    >>> round(product_median_distance_bound(0.01, dim=100), 12)
    21.061321406429
    """
    return product_quantile_distance_bound(mu, dim=dim, log_mu=log_mu, accuracy=accuracy, log_accuracy=log_accuracy)


def product_mean_distance_bound(
    mu: ArrayLike | None = None,
    *,
    dim: ArrayLike,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Largest mean of the number of independent letters to change from a sample to a set of measure ``mu``.

    *Theorem: typical sample*, for every set, and for letters of any distribution.

    .. math:: E\, d_H(X, A) \le t_0 = \sqrt{\frac{n}{2} \log \frac{1}{\mu}}

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the set, in [0, 1].
    dim : int or array of int, shape S2
        Number n of letters, >= 1.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2)
        Upper limit: inf at mu = 0, 0 only at mu = 1.

    Raises
    ------
    TypeError, ValueError
        As `product_quantile_distance_bound`.

    Notes
    -----
    Theorem: `PRODUCT_DISTANCE`.

    Examples
    --------
    >>> round(product_mean_distance_bound(0.01, dim=100), 6)
    15.174271
    """
    rate = read_rate(mu, log_mu, accuracy, log_accuracy)
    return evaluate(lambda dim: _shift(rate, dim), rate, dim=as_dim(dim))


def _lengths(distance: ArrayLike | None, dim: ArrayLike) -> dict[str, Array]:
    (length,) = given(distance=distance)
    return {"distance": as_nonnegative("distance", length, "a number of letters"), "dim": as_dim(dim)}


def _shift(rate: Rate, dim: Array) -> Array:
    """Return t0, up to which the theorem says nothing."""
    return np.sqrt(-0.5 * dim * rate.log) + 0.0


def _log_tail(rate: Rate, distance: Array, dim: Array) -> Array:
    beyond = np.maximum(distance - _shift(rate, dim), 0.0)
    # Whatever the distance, no more than the samples outside the set are at a distance from it.
    tail = np.minimum(-2.0 * beyond * (beyond / dim), rate.log_complement)
    whole = (distance == 0) | ((rate.z == -math.inf) & ~np.isnan(distance))
    return np.where(whole & ~np.isnan(rate.z), 0.0, tail)


PRODUCT_DISTANCE = Theorem(
    name="PRODUCT_DISTANCE",
    statement=(
        "For n independent letters of any distributions and a set of measure mu, the mean number of letters to change "
        "is at most t0 = sqrt((n / 2) log(1 / mu)), and P[d >= t0 + t] <= exp(-2 t^2 / n); the median is at most "
        "sqrt(n / 2) (sqrt(log(1 / mu)) + sqrt(log 2))."
    ),
    formula=(r"P[d_H(X, A) \geq t_0 + t] \leq e^{-2t^2/n}, \quad t_0 = \sqrt{\frac{n}{2}\,\log\,\frac{1}{\mu}}"),
    label="theorem: typical sample",
    space="product of n probability spaces with the Hamming distance",
    assumptions=(INDEPENDENT,),
    direction="upper limit of the probability of a Hamming distance from samples",
    source=MCDIARMID_1989,
    bound=product_tail,
    extremal=None,
    tightness="Not attained; for uniform bits Harper's theorem is sharper.",
    proof=(
        "The distance to the set changes by at most 1 with each letter, so that it exceeds its mean by t with "
        "probability at most exp(-2 t^2 / n), and falls short of it likewise. On the set it falls short by the whole "
        "mean, which bounds the mean by t0."
    ),
    mistake="Without the shift t0 it is false, for mu = 1/2 too: P[d >= t] <= exp(-2 t^2 / n) fails for one fair bit.",
)
