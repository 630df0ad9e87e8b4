"""The Gaussian isoperimetric profile: the least boundary that a set of given measure can have."""

from __future__ import annotations

from numpy.typing import ArrayLike

from isoperimetry._validate import Array
from isoperimetry.bounds.gaussian.halfspace import SPACE, half_space_of_measure
from isoperimetry.bounds.gaussian.sources import SUDAKOV_TSIRELSON_1974
from isoperimetry.bounds.rate import compiled
from isoperimetry.bounds.theorem import GAUSSIAN_NOISE, ONE_CENTER, Theorem


def gaussian_profile(
    mu: ArrayLike | None = None,
    sigma: ArrayLike = 1.0,
    *,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Least Gaussian boundary measure of a set of measure ``mu``: how fast its enlargement must start to grow.

    *Theorem: typical noisy sample*, for every error set.

    .. math::
        \liminf_{\epsilon \to 0} \frac{P[d(X, E) \le \epsilon] - \mu}{\epsilon} \ge \frac{I(\mu)}{\sigma},
        \qquad I = \varphi \circ \Phi^{-1}

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the error set under N(center, sigma**2 I), in [0, 1].
    sigma : float or array, shape S2
        Standard deviation of the noise, >= 0, in the unit of the inputs; 0 needs ``mu`` to be 0 or 1.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2)
        Lower limit, probability per unit of length: 0 at mu = 0 and 1, largest at 1/2.

    Raises
    ------
    TypeError
        If not exactly one form of the rate is given.
    ValueError
        If an argument is out of range, or ``sigma`` is 0 where 0 < mu < 1. NaN is passed through.

    Notes
    -----
    Theorem: `GAUSSIAN_PROFILE`.

    Examples
    --------
    >>> round(gaussian_profile(0.01), 6)
    0.026652
    """
    return compiled("moments.gaussian_profile", (mu, log_mu, accuracy, log_accuracy), sigma=sigma)


def log_gaussian_profile(
    mu: ArrayLike | None = None,
    sigma: ArrayLike = 1.0,
    *,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Logarithm of `gaussian_profile`, finite where that underflows.

    *Theorem: typical noisy sample*, for every error set.

    .. math:: \log I(\mu) - \log \sigma = -\tfrac{1}{2} \Phi^{-1}(\mu)^2 - \tfrac{1}{2} \log(2 \pi) - \log \sigma

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the error set under N(center, sigma**2 I), in [0, 1].
    sigma : float or array, shape S2
        Standard deviation of the noise, >= 0, in the unit of the inputs; 0 needs ``mu`` to be 0 or 1.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2)
        Natural logarithm of a probability per unit of length: -inf at mu = 0 and 1.

    Raises
    ------
    TypeError, ValueError
        As `gaussian_profile`.

    Notes
    -----
    Theorem: `GAUSSIAN_PROFILE`.

    Examples
    --------
    >>> round(log_gaussian_profile(log_mu=-1e6), 6)
    -999992.745675
    """
    return compiled("moments.log_gaussian_profile", (mu, log_mu, accuracy, log_accuracy), sigma=sigma)


GAUSSIAN_PROFILE = Theorem(
    name="GAUSSIAN_PROFILE",
    statement=(
        "The measure of the enlargements of a set of Gaussian measure mu starts to grow at least at the rate "
        "phi(Phi^-1(mu)) / sigma."
    ),
    formula=r"\mu^{+}(E) \geq \frac{\phi(\Phi^{-1}(\mu))}{\sigma}",
    label="theorem: typical noisy sample",
    space=SPACE,
    assumptions=(GAUSSIAN_NOISE, ONE_CENTER),
    direction="lower limit of the Gaussian boundary measure",
    source=SUDAKOV_TSIRELSON_1974,
    bound=gaussian_profile,
    extremal=half_space_of_measure,
    tightness=(
        "Equality for half-spaces, and up to null sets for no other set (Carlen and Kerce 2001); also proved by "
        "Borell (1975)."
    ),
    proof=(
        "Divide the enlargement inequality by eps and let eps go to 0; integrated over eps it gives that "
        "inequality back."
    ),
    mistake=(
        "The least ratio of boundary to measure over mu <= 1/2 is at mu = 1/2 and is sqrt(2 / pi) / sigma, not "
        "1 / (sqrt(2 pi) sigma)."
    ),
)
