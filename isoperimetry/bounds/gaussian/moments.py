"""Upper limits of the mean and the second moment of the distance from noisy samples to an error set."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from isoperimetry import special
from isoperimetry._validate import Array
from isoperimetry.bounds.gaussian.halfspace import SPACE, half_space_of_measure
from isoperimetry.bounds.gaussian.sources import BORELL_1975
from isoperimetry.bounds.rate import Rate, evaluate, read_rate, read_sigma, stretch
from isoperimetry.bounds.theorem import GAUSSIAN_NOISE, ONE_CENTER, Theorem

# Depth of the continued fraction that gives full double precision from this x on (measured against 60 digits).
_LEVELS = ((2.0, 150), (3.0, 60), (5.0, 40), (10.0, 20))


def mean_distance_bound(
    mu: ArrayLike | None = None,
    sigma: ArrayLike = 1.0,
    *,
    conditional: bool = False,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Largest mean of the distance from noisy samples to an error set of measure ``mu``.

    *Theorem: typical noisy sample*, for every error set. It is larger than the median bound for every rate in (0, 1).

    .. math::
        E\, d(X, E) \le \sigma \left(\varphi(a) + a\, \Phi(a)\right), \quad a = -\Phi^{-1}(\mu), \qquad
        E[d(X, E) \mid X \notin E] \le \sigma \left(a + \varphi(a) / \Phi(a)\right)

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the error set under N(center, sigma**2 I), in [0, 1].
    sigma : float or array, shape S2
        Standard deviation of the noise, >= 0, in the unit of the inputs; 0 needs ``mu`` to be 0 or 1.
    conditional : bool
        True: among the samples outside the error set only, as when an attack starts from correct samples.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2)
        Upper limit in the unit of ``sigma``: inf at mu = 0, 0 only at mu = 1.

    Raises
    ------
    TypeError
        If not exactly one form of the rate is given.
    ValueError
        If an argument is out of range, or ``sigma`` is 0 where 0 < mu < 1. NaN is passed through.

    Notes
    -----
    Theorem: `GAUSSIAN_MEAN_DISTANCE`. Near mu = 1 the double ``mu`` has lost the information: pass ``accuracy``.

    Examples
    --------
    >>> round(mean_distance_bound(0.01), 6)
    2.329737
    >>> round(mean_distance_bound(0.01, conditional=True), 6)
    2.353269
    """
    rate = read_rate(mu, log_mu, accuracy, log_accuracy)

    def formula(sigma: Array) -> Array:
        return stretch(_excess(rate.z) if conditional else _mean(rate), sigma)

    return evaluate(formula, rate, sigma=read_sigma(sigma, rate))


def log_mean_distance_bound(
    mu: ArrayLike | None = None,
    sigma: ArrayLike = 1.0,
    *,
    conditional: bool = False,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Logarithm of `mean_distance_bound`, finite where that underflows: for error rates next to 1.

    *Theorem: typical noisy sample*, for every error set.

    .. math:: \log E\, d(X, E) \le \log \sigma + \log\left(\varphi(a) + a\, \Phi(a)\right), \quad a = -\Phi^{-1}(\mu)

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the error set under N(center, sigma**2 I), in [0, 1].
    sigma : float or array, shape S2
        Standard deviation of the noise, >= 0, in the unit of the inputs; 0 needs ``mu`` to be 0 or 1.
    conditional : bool
        True: among the samples outside the error set only, as when an attack starts from correct samples.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2)
        Natural logarithm of a length in the unit of ``sigma``: inf at mu = 0, -inf at mu = 1.

    Raises
    ------
    TypeError, ValueError
        As `mean_distance_bound`.

    Notes
    -----
    Theorem: `GAUSSIAN_MEAN_DISTANCE`.

    Examples
    --------
    >>> round(log_mean_distance_bound(log_accuracy=-1e6), 6)
    -1000007.254326
    """
    rate = read_rate(mu, log_mu, accuracy, log_accuracy)

    def formula(sigma: Array) -> Array:
        length = np.log(_excess(rate.z))
        if not conditional:
            length = np.where(rate.z > 0, rate.log_complement + length, np.log(_mean(rate)))
        # At 0 and 1 the rate decides, whatever the noise.
        return np.where(np.isinf(rate.z) & ~np.isnan(sigma), -rate.z, length + np.log(sigma))

    return evaluate(formula, rate, sigma=read_sigma(sigma, rate))


def second_moment_distance_bound(
    mu: ArrayLike | None = None,
    sigma: ArrayLike = 1.0,
    *,
    conditional: bool = False,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Largest mean square of the distance from noisy samples to an error set of measure ``mu``.

    *Theorem: typical noisy sample*, for every error set. No bound of the variance follows from it.

    .. math::
        E\, d(X, E)^2 \le \sigma^2 \left((1 + a^2)\, \Phi(a) + a\, \varphi(a)\right), \quad a = -\Phi^{-1}(\mu)

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the error set under N(center, sigma**2 I), in [0, 1].
    sigma : float or array, shape S2
        Standard deviation of the noise, >= 0, in the unit of the inputs; 0 needs ``mu`` to be 0 or 1.
    conditional : bool
        True: among the samples outside the error set only: the bound above over 1 - mu.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2)
        Upper limit in the square of the unit of ``sigma``: inf at mu = 0, 0 only at mu = 1.

    Raises
    ------
    TypeError, ValueError
        As `mean_distance_bound`.

    Notes
    -----
    Theorem: `GAUSSIAN_SECOND_MOMENT`.

    Examples
    --------
    >>> round(second_moment_distance_bound(0.01), 6)
    6.409778
    """
    rate = read_rate(mu, log_mu, accuracy, log_accuracy)

    def formula(sigma: Array) -> Array:
        return stretch(stretch(_square(rate.z) if conditional else _second_moment(rate), sigma), sigma)

    return evaluate(formula, rate, sigma=read_sigma(sigma, rate))


def _mean(rate: Rate) -> Array:
    """Return ``E max(0, G - z) = phi(z) - z Phi(-z)`` as a sum of positive terms: m(a) - m(-a) = a, with a = -z."""
    tail = np.where(rate.z > 0, rate.complement, rate.linear)
    return np.maximum(-rate.z, 0.0) + tail * _excess(np.abs(rate.z))


def _second_moment(rate: Rate) -> Array:
    """Return ``E max(0, G - z)^2``; up to mu = 1/2 all terms of the direct formula are positive."""
    a = np.maximum(-rate.z, 0.0)
    near = rate.complement * (1 + a * a) + rate.linear * a / np.asarray(special.mills_ratio(a))
    return np.where(rate.z > 0, rate.complement * _square(rate.z), np.where(a == math.inf, a, near))


def _excess(z: Array) -> Array:
    """Return ``E[G - z | G > z] = 1 / M(z) - z``, with the Mills ratio M, without subtraction where it would cancel."""
    rest = _continued_fraction(z)
    return np.where(z < 2, 1 / np.asarray(special.mills_ratio(z)) - z, 1 / (z + rest))


def _square(z: Array) -> Array:
    """Return ``E[(G - z)^2 | G > z] = 1 + z^2 - z / M(z)``, without subtraction where it would cancel."""
    rest = _continued_fraction(z)
    direct = 1 + z * z - z / np.asarray(special.mills_ratio(z))
    return np.where(z < 2, np.where(z == -math.inf, math.inf, direct), np.where(z == math.inf, 0.0, rest / (z + rest)))


def _continued_fraction(x: Array) -> Array:
    """Return J in 1 - x M(x) = K / (x + K), K = 1 / (x + J), J = 2 / (x + 3 / (x + ...)); NaN below x = 2."""
    result = np.where(x == math.inf, 0.0, math.nan)
    for (low, levels), high in zip(_LEVELS, [low for low, _ in _LEVELS[1:]] + [math.inf], strict=True):
        inside = (x >= low) & (x < high)
        y = x[inside]
        if y.size:
            tail = np.zeros_like(y)
            for level in range(levels, 1, -1):
                tail = level / (y + tail)
            result[inside] = tail
    return result


GAUSSIAN_MEAN_DISTANCE = Theorem(
    name="GAUSSIAN_MEAN_DISTANCE",
    statement=(
        "The mean distance from a noisy sample to a set of Gaussian measure mu is at most sigma (phi(a) + a Phi(a)), "
        "a = -Phi^-1(mu); among the samples outside the set, at most that over 1 - mu."
    ),
    formula=r"E\,d(X, E) \leq \sigma\,(\phi(a) + a\,\Phi(a)), \quad a = -\Phi^{-1}(\mu)",
    label="theorem: typical noisy sample",
    space=SPACE,
    assumptions=(GAUSSIAN_NOISE, ONE_CENTER),
    direction="upper limit of the mean distance from noisy samples",
    source=BORELL_1975,
    bound=mean_distance_bound,
    extremal=half_space_of_measure,
    tightness=(
        "Equality for half-spaces. It follows from the enlargement, as the distance to the half-space of the same "
        "measure dominates; the median bound sigma a is smaller and does not bound the mean."
    ),
    proof=(
        "The distance of a noisy sample is stochastically dominated by its distance to the half-space of the "
        "same measure, sigma max(0, a + G) with G standard normal, so that every increasing function of it "
        "has a smaller mean."
    ),
    mistake=(
        "The bound of the median, sigma a, is no bound of the mean: the mean distance to a half-space is "
        "larger, and positive even where mu is above 1/2."
    ),
)
GAUSSIAN_SECOND_MOMENT = Theorem(
    name="GAUSSIAN_SECOND_MOMENT",
    statement=(
        "The mean square of the distance from a noisy sample to a set of Gaussian measure mu is at most "
        "sigma^2 ((1 + a^2) Phi(a) + a phi(a)), a = -Phi^-1(mu); among the samples outside the set, at most that over "
        "1 - mu."
    ),
    formula=r"E\,d(X, E)^2 \leq \sigma^2\,((1 + a^2)\,\Phi(a) + a\,\phi(a)), \quad a = -\Phi^{-1}(\mu)",
    label="theorem: typical noisy sample",
    space=SPACE,
    assumptions=(GAUSSIAN_NOISE, ONE_CENTER),
    direction="upper limit of the mean square of the distance from noisy samples",
    source=BORELL_1975,
    bound=second_moment_distance_bound,
    extremal=half_space_of_measure,
    tightness="Equality for half-spaces, by domination as for the mean; it does not bound the variance.",
    proof=(
        "As for the mean: the square of the distance is an increasing function of the distance, which is "
        "dominated by that to a half-space."
    ),
    mistake="It does not bound the variance: domination says nothing about the difference of two moments.",
)
