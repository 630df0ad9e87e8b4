"""The inverse problems: which error rate, or which noise scale, a wanted robustness needs."""

from __future__ import annotations

from numpy.typing import ArrayLike

from isoperimetry._validate import Array
from isoperimetry.bounds.gaussian.halfspace import SPACE, half_space_of_measure
from isoperimetry.bounds.gaussian.sources import FORD_2019
from isoperimetry.bounds.rate import compiled
from isoperimetry.bounds.theorem import GAUSSIAN_NOISE, ONE_CENTER, Theorem


def required_error_rate(eps: ArrayLike, sigma: ArrayLike = 1.0, *, robust_fraction: ArrayLike = 0.5) -> float | Array:
    r"""Largest error rate in noise that lets a share of the noisy samples be farther than ``eps`` from all errors.

    *Theorem: typical noisy sample*, for every error set. Necessary for robustness; sufficient for half-spaces only.

    .. math:: P[d(X, E) > \epsilon] \ge f \;\Rightarrow\; \mu \le \Phi\!\left(-\Phi^{-1}(f) - \epsilon / \sigma\right)

    Parameters
    ----------
    eps : float or array, shape S1
        Distance, >= 0, in the unit of ``sigma``.
    sigma : float or array, shape S2
        Standard deviation of the noise, >= 0, in the unit of the inputs.
    robust_fraction : float or array, shape S3
        Wanted share f of the noisy samples, in [0, 1]; 1/2 asks for a median distance of ``eps``.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3)
        Upper limit of the error rate: 1 at f = 0, 0 at f = 1, exactly 1 - f at eps = 0.

    Raises
    ------
    ValueError
        If an argument is out of range. NaN is passed through.

    Notes
    -----
    Theorem: `GAUSSIAN_REQUIRED_RATE`. The inverse of `quantile_distance_bound` with q = 1 - f.

    Examples
    --------
    >>> round(required_error_rate(0.5, sigma=0.25), 6)
    0.02275
    """
    return _required(eps, sigma, robust_fraction, log=0)


def log_required_error_rate(
    eps: ArrayLike, sigma: ArrayLike = 1.0, *, robust_fraction: ArrayLike = 0.5
) -> float | Array:
    r"""Logarithm of `required_error_rate`, finite where that underflows.

    *Theorem: typical noisy sample*, for every error set.

    .. math:: \log \mu \le \log \Phi\!\left(-\Phi^{-1}(f) - \epsilon / \sigma\right)

    Parameters
    ----------
    eps : float or array, shape S1
        Distance, >= 0, in the unit of ``sigma``.
    sigma : float or array, shape S2
        Standard deviation of the noise, >= 0, in the unit of the inputs.
    robust_fraction : float or array, shape S3
        Wanted share f of the noisy samples, in [0, 1].

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3)
        Upper limit of the natural logarithm of the error rate, <= 0.

    Raises
    ------
    ValueError
        If an argument is out of range. NaN is passed through.

    Notes
    -----
    Theorem: `GAUSSIAN_REQUIRED_RATE`.

    Examples
    --------
    >>> round(log_required_error_rate(100.0), 6)
    -5005.524209
    """
    return _required(eps, sigma, robust_fraction, log=1)


def required_sigma(
    eps: ArrayLike,
    mu: ArrayLike | None = None,
    *,
    robust_fraction: ArrayLike = 0.5,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Smallest noise scale at which an error rate ``mu`` allows robustness at radius ``eps``.

    *Theorem: typical noisy sample*, for every error set. It is the inverse of `required_error_rate` in ``sigma``.

    .. math:: \sigma \ge \frac{\epsilon}{-\Phi^{-1}(\mu) - \Phi^{-1}(f)}

    Parameters
    ----------
    eps : float or array, shape S1
        Distance, >= 0, in the unit of the inputs.
    mu : float or array, shape S2
        Error rate in noise, in [0, 1].
    robust_fraction : float or array, shape S3
        Wanted share f of the noisy samples that are farther than ``eps`` from all errors, in [0, 1].
    log_mu, accuracy, log_accuracy : float or array, shape S2
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3)
        Standard deviation in the unit of ``eps``; inf where no noise will do, 0 where none is needed.

    Raises
    ------
    TypeError
        If not exactly one form of the rate is given.
    ValueError
        If an argument is out of range. NaN is passed through.

    Notes
    -----
    Theorem: `GAUSSIAN_REQUIRED_SIGMA`.

    Examples
    --------
    >>> round(required_sigma(0.5, 0.01), 6)
    0.214929
    >>> required_sigma(0.5, 0.3, robust_fraction=0.9)
    inf
    """
    rates = (mu, log_mu, accuracy, log_accuracy)
    return compiled("distances.required_sigma", rates, eps=eps, robust_fraction=robust_fraction)


def _required(eps: ArrayLike, sigma: ArrayLike, robust_fraction: ArrayLike, *, log: int) -> float | Array:
    loop, options = "enlargements.required_error_rate", (log,)
    return compiled(loop, None, options=options, eps=eps, robust_fraction=robust_fraction, sigma=sigma)


GAUSSIAN_REQUIRED_RATE = Theorem(
    name="GAUSSIAN_REQUIRED_RATE",
    statement=(
        "If a share f of the noisy samples is farther than eps from a set, then its Gaussian measure is at most "
        "Phi(-Phi^-1(f) - eps / sigma)."
    ),
    formula=r"\mu \leq \Phi\left(-\Phi^{-1}(f) - \frac{\varepsilon}{\sigma}\right)",
    label="theorem: typical noisy sample",
    space=SPACE,
    assumptions=(GAUSSIAN_NOISE, ONE_CENTER),
    direction="upper limit of the error rate in noise",
    source=FORD_2019,
    bound=required_error_rate,
    extremal=half_space_of_measure,
    tightness="Necessary for every set; sufficient, and an equality, for half-spaces.",
    proof=(
        "The enlargement by eps has a measure of at most 1 - f. The isoperimetric inequality bounds it from "
        "below by a function that increases with mu; solve for mu."
    ),
    mistake=(
        "It is necessary and not sufficient: a model with so few errors in noise may still have them all "
        "close to the samples."
    ),
)
GAUSSIAN_REQUIRED_SIGMA = Theorem(
    name="GAUSSIAN_REQUIRED_SIGMA",
    statement=(
        "If a share f of the noisy samples is farther than eps from a set of Gaussian measure mu, then the noise scale "
        "is at least eps / (-Phi^-1(mu) - Phi^-1(f)), and -Phi^-1(mu) > Phi^-1(f) unless eps = 0."
    ),
    formula=r"\sigma \geq \frac{\varepsilon}{-\Phi^{-1}(\mu) - \Phi^{-1}(f)}",
    label="theorem: typical noisy sample",
    space=SPACE,
    assumptions=(GAUSSIAN_NOISE, ONE_CENTER),
    direction="lower limit of the noise scale",
    source=FORD_2019,
    bound=required_sigma,
    extremal=half_space_of_measure,
    tightness="Necessary for every set; sufficient, and an equality, for half-spaces.",
    proof="The bound of the error rate, solved for the noise scale.",
    mistake=(
        "It is not enough to have the error rate mu at some noise scale: at a smaller one the robust fraction "
        "is impossible."
    ),
)
