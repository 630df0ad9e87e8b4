"""The Gaussian isoperimetric inequality: how fast the measure of a set grows with its enlargement."""

from __future__ import annotations

from numpy.typing import ArrayLike

from isoperimetry._validate import Array
from isoperimetry.bounds.gaussian.halfspace import SPACE, half_space_of_measure
from isoperimetry.bounds.gaussian.sources import BORELL_1975
from isoperimetry.bounds.rate import compiled
from isoperimetry.bounds.theorem import GAUSSIAN_NOISE, ONE_CENTER, Theorem


def enlargement(
    mu: ArrayLike | None = None,
    eps: ArrayLike | None = None,
    sigma: ArrayLike = 1.0,
    *,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Least share of the noisy samples that lie within ``eps`` of an error set of measure ``mu``.

    *Theorem: typical noisy sample*, for every error set.

    .. math:: P[d(X, E) \le \epsilon] \ge \Phi\!\left(\Phi^{-1}(\mu) + \epsilon / \sigma\right)

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the error set under N(center, sigma**2 I), in [0, 1].
    eps : float or array, shape S2
        Distance, >= 0, in the unit of ``sigma``.
    sigma : float or array, shape S3
        Standard deviation of the noise, >= 0, in the unit of the inputs; 0 needs ``mu`` to be 0 or 1.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3)
        Lower limit of a probability, in [0, 1]: exactly ``mu`` at eps = 0, and 0 at mu = 0, where the set may be empty.

    Raises
    ------
    TypeError
        If not exactly one form of the rate is given, or ``eps`` is left out.
    ValueError
        If an argument is out of range, or ``sigma`` is 0 where 0 < mu < 1. NaN is passed through.

    Notes
    -----
    Theorem: `GAUSSIAN_ENLARGEMENT`. Average this over several centers, never the error rates: it is concave in them.

    Examples
    --------
    >>> round(enlargement(0.01, eps=1.0), 6)
    0.092362
    """
    rates = (mu, log_mu, accuracy, log_accuracy)
    return compiled("enlargements.enlargement", rates, options=(0, 0), eps=eps, sigma=sigma)


def log_enlargement(
    mu: ArrayLike | None = None,
    eps: ArrayLike | None = None,
    sigma: ArrayLike = 1.0,
    *,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Logarithm of `enlargement`, finite where that underflows.

    *Theorem: typical noisy sample*, for every error set.

    .. math:: \log P[d(X, E) \le \epsilon] \ge \log \Phi\!\left(\Phi^{-1}(\mu) + \epsilon / \sigma\right)

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the error set under N(center, sigma**2 I), in [0, 1].
    eps : float or array, shape S2
        Distance, >= 0, in the unit of ``sigma``.
    sigma : float or array, shape S3
        Standard deviation of the noise, >= 0, in the unit of the inputs; 0 needs ``mu`` to be 0 or 1.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3)
        Lower limit of the natural logarithm of a probability, <= 0.

    Raises
    ------
    TypeError, ValueError
        As `enlargement`.

    Notes
    -----
    Theorem: `GAUSSIAN_ENLARGEMENT`. Where the probit and ``eps / sigma`` nearly cancel, the absolute error is about
    that of the probit, a few ulp of it.

    Examples
    --------
    >>> round(log_enlargement(log_mu=-1e6, eps=1000.0), 6)
    -85790.989057
    """
    rates = (mu, log_mu, accuracy, log_accuracy)
    return compiled("enlargements.enlargement", rates, options=(1, 0), eps=eps, sigma=sigma)


def log_enlargement_complement(
    mu: ArrayLike | None = None,
    eps: ArrayLike | None = None,
    sigma: ArrayLike = 1.0,
    *,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Logarithm of the largest share of the noisy samples farther than ``eps`` from an error set of measure ``mu``.

    *Theorem: typical noisy sample*, for every error set. It is the log of 1 - `enlargement`, without cancellation.

    .. math:: \log P[d(X, E) > \epsilon] \le \log \Phi\!\left(-\Phi^{-1}(\mu) - \epsilon / \sigma\right)

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the error set under N(center, sigma**2 I), in [0, 1].
    eps : float or array, shape S2
        Distance, >= 0, in the unit of ``sigma``.
    sigma : float or array, shape S3
        Standard deviation of the noise, >= 0, in the unit of the inputs; 0 needs ``mu`` to be 0 or 1.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3)
        Upper limit of the natural logarithm of a probability, <= 0: exactly log(1 - mu) at eps = 0.

    Raises
    ------
    TypeError, ValueError
        As `enlargement`.

    Notes
    -----
    Theorem: `GAUSSIAN_ENLARGEMENT`.

    Examples
    --------
    >>> round(log_enlargement_complement(0.3, eps=40.0), 6)
    -783.756739
    """
    rates = (mu, log_mu, accuracy, log_accuracy)
    return compiled("enlargements.enlargement", rates, options=(1, 1), eps=eps, sigma=sigma)


GAUSSIAN_ENLARGEMENT = Theorem(
    name="GAUSSIAN_ENLARGEMENT",
    statement=(
        "Of all sets of Gaussian measure mu, half-spaces grow the least when enlarged: "
        "P[d(X, E) <= eps] >= Phi(Phi^-1(mu) + eps / sigma)."
    ),
    formula=r"P[d(X, E) \leq \varepsilon] \geq \Phi\left(\Phi^{-1}(\mu) + \frac{\varepsilon}{\sigma}\right)",
    label="theorem: typical noisy sample",
    space=SPACE,
    assumptions=(GAUSSIAN_NOISE, ONE_CENTER),
    direction="lower limit of the share of noisy samples within eps of the set",
    source=BORELL_1975,
    bound=enlargement,
    extremal=half_space_of_measure,
    tightness="Equality for half-spaces at every eps; also proved by Sudakov and Tsirel'son (1974).",
    proof=(
        "Symmetrise the set in one direction after another: each step keeps its measure and does not increase "
        "that of its enlargements, and what is left at the end is a half-space. Or let the heat flow compare "
        "the set with a half-space, by Bobkov's inequality."
    ),
    mistake=(
        "The constant is the largest standard deviation of the noise in any direction: with the least or an "
        "average one the inequality is false. The average of the error rates of several inputs must not be "
        "put into it: the right side is concave in mu."
    ),
)
