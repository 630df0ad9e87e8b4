"""Noise stability: how often two correlated noisy inputs are both errors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from isoperimetry import _validate, special
from isoperimetry._validate import Array
from isoperimetry.bounds._spaces import assumption
from isoperimetry.bounds.gaussian.halfspace import SPACE, half_space_of_measure
from isoperimetry.bounds.gaussian.sources import BORELL_1985
from isoperimetry.bounds.rate import Rate, evaluate, given, read_rate
from isoperimetry.bounds.theorem import GAUSSIAN_NOISE, ONE_CENTER, Theorem


def noise_stability(
    mu: ArrayLike | None = None,
    rho: ArrayLike | None = None,
    *,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Largest probability that two noisy inputs of correlation ``rho`` are both in an error set of measure ``mu``.

    *Theorem: typical noisy sample*, for every error set. For ``rho`` < 0 it is the least such probability instead.

    .. math:: P[X \in E, \, Y \in E] \le P[G_1 \ge a, \, G_2 \ge a], \qquad a = -\Phi^{-1}(\mu), \quad
              E \, G_1 G_2 = \rho

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the error set under N(center, sigma**2 I), in [0, 1]; the scale does not matter.
    rho : float or array, shape S2, broadcast with S1
        Correlation of each coordinate of X with that of Y, in [-1, 1].
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2)
        Limit of a probability, in [0, 1]: ``mu**2`` at rho = 0, ``mu`` at rho = 1, max(0, 2 mu - 1) at rho = -1.

    Raises
    ------
    TypeError
        If not exactly one form of the rate is given, or ``rho`` is left out.
    ValueError
        If a rate or ``rho`` is out of range. NaN is passed through.

    Notes
    -----
    Theorem: `NOISE_STABILITY`. With probability at least 1 - result / mu, an error turns into a correct answer when
    its noise is redrawn in part.

    Examples
    --------
    >>> round(noise_stability(0.1, rho=0.6), 9)
    0.039017465
    >>> noise_stability(0.1, rho=[0.0, 1.0]).round(12).tolist()
    [0.01, 0.1]
    """
    rate, read = _read(mu, rho, log_mu, accuracy, log_accuracy)
    return _stability(rate, read, np.exp, rate.linear)


def log_noise_stability(
    mu: ArrayLike | None = None,
    rho: ArrayLike | None = None,
    *,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Logarithm of `noise_stability`, finite where that underflows.

    *Theorem: typical noisy sample*, for every error set. For ``rho`` < 0 it is a lower limit.

    .. math:: \log P[X \in E, \, Y \in E] \le \log P[G_1 \ge a, \, G_2 \ge a], \qquad a = -\Phi^{-1}(\mu)

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the error set under N(center, sigma**2 I), in [0, 1].
    rho : float or array, shape S2, broadcast with S1
        Correlation of each coordinate of X with that of Y, in [-1, 1].
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2)
        Limit of the natural logarithm of a probability, <= 0.

    Raises
    ------
    TypeError, ValueError
        As `noise_stability`.

    Notes
    -----
    Theorem: `NOISE_STABILITY`.

    Examples
    --------
    >>> round(log_noise_stability(log_mu=-1e5, rho=0.5), 6)
    -133337.059871
    """
    rate, read = _read(mu, rho, log_mu, accuracy, log_accuracy)
    return _stability(rate, read, lambda value: value, rate.log)


def _read(
    mu: ArrayLike | None,
    rho: ArrayLike | None,
    log_mu: ArrayLike | None,
    accuracy: ArrayLike | None,
    log_accuracy: ArrayLike | None,
) -> tuple[Rate, Array]:
    rate = read_rate(mu, log_mu, accuracy, log_accuracy)
    correlation = _validate.as_float("rho", given(rho=rho)[0])
    _validate.refuse("rho", correlation, abs(correlation) > 1, "in [-1, 1]", "it is a correlation.")
    return rate, correlation


def _stability(rate: Rate, rho: Array, form: Callable[[Array], Array], itself: Array) -> float | Array:
    def formula(rho: Array) -> Array:
        log_p = special.log_binormal_sf(-rate.z, -rate.z, rho)
        # At rho = 1 and for a set without measure, or all of it, the two inputs agree.
        same = ((rho == 1) | np.isinf(rate.z)) & ~np.isnan(rate.z) & ~np.isnan(rho)
        return np.where(same, itself, form(np.asarray(log_p)))

    return evaluate(formula, rate, rho=rho)


NOISE_STABILITY = Theorem(
    name="NOISE_STABILITY",
    statement=(
        "Two noisy inputs of correlation rho >= 0 are both in a set of measure mu with a probability of at most "
        "P[G1 >= a, G2 >= a], a = -Phi^-1(mu), for standard normals of correlation rho; for rho <= 0 it is at least "
        "that."
    ),
    formula=r"P[X \in E, Y \in E] \leq P[G_1 \geq a, G_2 \geq a], \quad a = -\Phi^{-1}(\mu)",
    label="theorem: typical noisy sample",
    space=SPACE,
    assumptions=(
        GAUSSIAN_NOISE,
        ONE_CENTER,
        assumption("correlated pair", "Each coordinate of X has the correlation rho with that of Y and 0 with others."),
    ),
    direction="upper limit of the probability that two correlated noisy samples are both errors",
    source=BORELL_1985,
    bound=noise_stability,
    extremal=half_space_of_measure,
    tightness="Equality for half-spaces; rho = 0 and rho = 1 are equalities for every set.",
    proof=(
        "The noise between X and Y is a step of the Ornstein-Uhlenbeck process; along it the functional that compares "
        "a set with the half-space of its measure is monotone. As rho tends to 1 it becomes the isoperimetric "
        "inequality."
    ),
    mistake=("For rho < 0 the half-space has the least such probability, no longer the largest."),
)
