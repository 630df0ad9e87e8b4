"""The precision of a distance that is read off a count of errors."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from isoperimetry import _validate
from isoperimetry._validate import Array
from isoperimetry.bounds.rate import Rate, evaluate, read_rate, read_sigma


def distance_standard_error(
    mu: ArrayLike | None = None,
    trials: ArrayLike | None = None,
    sigma: ArrayLike = 1.0,
    *,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Return the standard error of the half-space distance ``-sigma * ndtri(errors / trials)``, for planning.

    .. math:: \mathrm{sd} \approx \frac{\sigma}{\varphi(\Phi^{-1}(\mu))} \sqrt{\frac{\mu (1 - \mu)}{N}}

    Parameters
    ----------
    mu : float or array, shape S1
        Error rate, in [0, 1].
    trials : int or array, shape S2
        Draws N, > 0.
    sigma : float or array, shape S3
        Scale of the noise, >= 0, in the unit of the inputs; 0 needs ``mu`` to be 0 or 1.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3)
        In the unit of ``sigma``: inf at mu = 0 and 1, least at 1/2.

    Raises
    ------
    TypeError
        If not exactly one form of the rate is given, or ``trials`` is missing.
    ValueError
        If an argument is out of range. NaN is passed through.

    Notes
    -----
    By the delta method: an approximation for at least ten errors and ten others. An interval comes from
    `isoperimetry.intervals.clopper_pearson` and its ``distance``. Source: van der Vaart (1998), Asymptotic Statistics,
    chapter 3.

    Examples
    --------
    >>> round(distance_standard_error(0.01, 1000, sigma=1.0), 6)
    0.118055
    """
    rate = read_rate(mu, log_mu, accuracy, log_accuracy)
    if trials is None:
        raise TypeError("trials must be given too: by name where the error rate is given by name.")
    numbers = _validate.as_positive("trials", trials, "the number of draws")
    scale = read_sigma(sigma, rate)

    def formula(trials: Array, sigma: Array) -> Array:
        result: Array = np.asarray(sigma * np.exp(_log_unit_error(rate) - 0.5 * np.log(trials)))
        return np.where(np.isinf(rate.z), math.inf, result)

    return evaluate(formula, rate, trials=numbers, sigma=scale)


def _log_unit_error(rate: Rate) -> Array:
    # log of sqrt(mu (1 - mu)) / phi(z): what one draw gives, in units of sigma
    result: Array = 0.5 * (rate.log + rate.log_complement) + 0.5 * rate.z**2 + 0.5 * math.log(2 * math.pi)
    return result
