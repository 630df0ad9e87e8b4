"""Upper limits of the mean and the second moment of the distance from noisy samples to an error set."""

from __future__ import annotations

from numpy.typing import ArrayLike

from isoperimetry._validate import Array
from isoperimetry.bounds.gaussian.halfspace import SPACE, half_space_of_measure
from isoperimetry.bounds.gaussian.sources import BORELL_1975
from isoperimetry.bounds.rate import compiled
from isoperimetry.bounds.theorem import GAUSSIAN_NOISE, ONE_CENTER, Theorem


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
    rates = (mu, log_mu, accuracy, log_accuracy)
    return compiled("moments.mean_distance_bound", rates, options=(int(conditional),), sigma=sigma)


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
    rates = (mu, log_mu, accuracy, log_accuracy)
    return compiled("moments.log_mean_distance_bound", rates, options=(int(conditional),), sigma=sigma)


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
    rates = (mu, log_mu, accuracy, log_accuracy)
    return compiled("moments.second_moment_distance_bound", rates, options=(int(conditional),), sigma=sigma)


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
