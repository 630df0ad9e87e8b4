"""The half-space dictionary: error rate, distance and noise scale of a half-space determine one another."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from isoperimetry._validate import Array, as_count
from isoperimetry.bounds.gaussian.sources import FORD_2019
from isoperimetry.bounds.rate import Rates, compiled
from isoperimetry.bounds.theorem import GAUSSIAN_NOISE, HALF_SPACE, ONE_CENTER, Theorem
from isoperimetry.sets import HalfSpace

SPACE = "R^n with noise N(center, sigma^2 I)"


def halfspace_distance(
    mu: ArrayLike | None = None,
    sigma: ArrayLike = 1.0,
    *,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Signed distance from the center to a half-space of Gaussian measure ``mu``.

    *Prediction: assumes a half-space.* For other error sets this is no bound on the distance of the center; for noisy
    samples see `median_distance_bound`, which equals it up to mu = 1/2.

    .. math:: d(\mu, \sigma) = -\sigma \, \Phi^{-1}(\mu)

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the error set under N(center, sigma**2 I), in [0, 1].
    sigma : float or array, shape S2, broadcast with S1
        Standard deviation of the noise, >= 0, in the unit of the inputs; 0 needs ``mu`` to be 0 or 1.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2)
        Distance in the unit of ``sigma``: inf at mu = 0, 0 at 1/2, negative above (depth of the center inside the set).

    Raises
    ------
    TypeError
        If not exactly one form of the rate is given.
    ValueError
        If a rate is out of range, a ``sigma`` negative, or 0 where 0 < mu < 1. NaN is passed through.

    Notes
    -----
    Theorem: `HALFSPACE_DISTANCE`; what holds for every error set is `GAUSSIAN_DISTANCE`.
    Near mu = 1 the double ``mu`` has lost the information: pass ``accuracy`` or ``log_accuracy``.

    Examples
    --------
    >>> round(halfspace_distance(0.01, sigma=0.1), 6)
    0.232635
    >>> round(halfspace_distance(log_mu=-1e6), 6)
    1414.207783
    """
    return compiled("distances.halfspace_distance", (mu, log_mu, accuracy, log_accuracy), sigma=sigma)


def error_rate_at_sigma(
    mu: ArrayLike | None = None,
    sigma: ArrayLike | None = None,
    sigma_new: ArrayLike | None = None,
    *,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Error rate at another noise scale.

    *Prediction: assumes a half-space*, whose distance does not change with the noise.

    .. math:: \mu' = \Phi\!\left(\Phi^{-1}(\mu)\, \sigma / \sigma'\right)

    Parameters
    ----------
    mu : float or array, shape S1
        Error rate at ``sigma``, in [0, 1].
    sigma, sigma_new : float or array, shapes S2 and S3
        The two standard deviations, >= 0, in the unit of the inputs; ``sigma`` = 0 needs ``mu`` to be 0 or 1.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3)
        Error rate in [0, 1]. At ``sigma_new`` = ``sigma`` it is ``mu`` itself; without noise 0 or 1, and the boundary
        belongs to the error set.

    Raises
    ------
    TypeError
        If not exactly one form of the rate is given, or a scale is left out.
    ValueError
        If a rate is out of range, a scale negative, or ``sigma`` is 0 where 0 < mu < 1. NaN is passed through.

    Notes
    -----
    Theorem: `HALFSPACE_RATE`.

    Examples
    --------
    >>> round(error_rate_at_sigma(0.01, sigma=0.1, sigma_new=0.2), 6)
    0.122379
    """
    return _at_sigma((mu, log_mu, accuracy, log_accuracy), sigma, sigma_new, log=0)


def log_error_rate_at_sigma(
    mu: ArrayLike | None = None,
    sigma: ArrayLike | None = None,
    sigma_new: ArrayLike | None = None,
    *,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Logarithm of `error_rate_at_sigma`, finite where that underflows.

    *Prediction: assumes a half-space.*

    .. math:: \log \mu' = \log \Phi\!\left(\Phi^{-1}(\mu)\, \sigma / \sigma'\right)

    Parameters
    ----------
    mu : float or array, shape S1
        Error rate at ``sigma``, in [0, 1].
    sigma, sigma_new : float or array, shapes S2 and S3
        The two standard deviations, >= 0, in the unit of the inputs; ``sigma`` = 0 needs ``mu`` to be 0 or 1.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3)
        Natural logarithm of the error rate, <= 0.

    Raises
    ------
    TypeError, ValueError
        As `error_rate_at_sigma`.

    Notes
    -----
    Theorem: `HALFSPACE_RATE`.

    Examples
    --------
    >>> round(log_error_rate_at_sigma(0.01, sigma=0.1, sigma_new=0.01), 6)
    -274.662384
    """
    return _at_sigma((mu, log_mu, accuracy, log_accuracy), sigma, sigma_new, log=1)


def half_space_of_measure(
    mu: float | None = None,
    sigma: float = 1.0,
    *,
    dim: int = 1,
    log_mu: float | None = None,
    accuracy: float | None = None,
    log_accuracy: float | None = None,
) -> HalfSpace:
    """Return the half-space ``{x: x_1 >= offset}`` of measure ``mu`` under N(0, sigma**2 I): the extremal set.

    Parameters
    ----------
    mu : float
        Measure, in [0, 1].
    sigma : float
        Standard deviation of the noise, >= 0, in the unit of the inputs; 0 needs ``mu`` to be 0 or 1.
    dim : int
        Dimension of the space, >= 1; no bound depends on it.
    log_mu, accuracy, log_accuracy : float
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    HalfSpace
        Empty at mu = 0, the whole space at mu = 1.

    Raises
    ------
    TypeError, ValueError
        As `halfspace_distance`.

    Examples
    --------
    >>> half_space_of_measure(0.5, dim=2)
    HalfSpace(normal=[1.0, 0.0], offset=0.0)
    """
    normal = np.zeros(as_count("dim", dim, low=1))
    normal[0] = 1.0
    offset = halfspace_distance(mu, sigma, log_mu=log_mu, accuracy=accuracy, log_accuracy=log_accuracy)
    return HalfSpace(normal, offset)  # type: ignore[arg-type]


def _at_sigma(rates: Rates, sigma: ArrayLike | None, sigma_new: ArrayLike | None, *, log: int) -> float | Array:
    return compiled("enlargements.error_rate_at_sigma", rates, options=(log,), sigma=sigma, sigma_new=sigma_new)


HALFSPACE_DISTANCE = Theorem(
    name="HALFSPACE_DISTANCE",
    statement=(
        "The signed distance from the center to a half-space of Gaussian measure mu is its noise scale times the "
        "negative probit of mu: d = -sigma Phi^-1(mu)."
    ),
    formula=r"d(x_0, E) = -\sigma\,\Phi^{-1}(\mu)",
    label="prediction: assumes a half-space",
    space=SPACE,
    assumptions=(GAUSSIAN_NOISE, ONE_CENTER, HALF_SPACE),
    direction="equal to the signed distance of the center",
    source=FORD_2019,
    bound=halfspace_distance,
    extremal=half_space_of_measure,
    tightness="An identity for half-spaces; for other sets neither an upper nor a lower limit for the center.",
    proof=(
        "The noise along the normal is a normal number with standard deviation sigma, and the error rate is "
        "the chance that it exceeds the distance."
    ),
    mistake=(
        "For a set that is no half-space it bounds the distance of the center from neither side: a ball of "
        "errors may touch the center, and a spherical shell of errors may be sqrt(n) sigma away."
    ),
)
HALFSPACE_RATE = Theorem(
    name="HALFSPACE_RATE",
    statement=(
        "A half-space of measure mu at noise scale sigma has measure mu' at sigma': "
        "mu' = Phi(Phi^-1(mu) sigma / sigma')."
    ),
    formula=r"\mu' = \Phi\left(\Phi^{-1}(\mu)\,\frac{\sigma}{\sigma'}\right)",
    label="prediction: assumes a half-space",
    space=SPACE,
    assumptions=(GAUSSIAN_NOISE, ONE_CENTER, HALF_SPACE),
    direction="equal to the error rate at another noise scale",
    source=FORD_2019,
    bound=error_rate_at_sigma,
    extremal=half_space_of_measure,
    tightness="An identity for half-spaces; no limit for other sets.",
    proof=(
        "The distance does not change with the noise: it is -sigma Phi^-1(mu) at one scale and -sigma' "
        "Phi^-1(mu') at the other."
    ),
    mistake=("Only a half-space scales so. For other sets the error rate at another noise scale has to be measured."),
)
