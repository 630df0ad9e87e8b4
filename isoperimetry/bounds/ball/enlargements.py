"""The least growth of a set in a ball."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from isoperimetry._validate import Array, as_positive
from isoperimetry.bounds import gaussian, sphere
from isoperimetry.bounds._spaces import as_dim, assumption
from isoperimetry.bounds.rate import evaluate
from isoperimetry.bounds.sources import LEVY_1951
from isoperimetry.bounds.theorem import Theorem

SPACE = "ball B^n(r) in R^n with the uniform distribution"
UNIFORM = assumption("uniform on the ball", "The samples are uniform on one ball; distances are Euclidean.")


def enlargement(
    mu: ArrayLike | None = None,
    eps: ArrayLike | None = None,
    *,
    dim: ArrayLike,
    radius: ArrayLike = 1.0,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Least share of a ball that lies within ``eps`` of a set of measure ``mu`` in it.

    *Theorem: typical sample*, for every set.

    .. math:: P[d(X, E) \le \epsilon] \ge \mathrm{cap}_{n+2}(\theta_{n+2}(\mu) + 2 \arcsin(\epsilon / (2 r)))

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the set, in [0, 1].
    eps : float or array, shape S2
        Euclidean distance, >= 0, in the unit of ``radius``.
    dim : int or array of int, shape S3
        Dimension n >= 1 of the ball.
    radius : float or array, shape S4
        Radius r of the ball, > 0.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3, S4)
        Lower limit of a probability: exactly ``mu`` at eps = 0, 0 at mu = 0 (the set may be empty), 1 from eps = 2 r.

    Raises
    ------
    TypeError
        If not exactly one form of the rate is given, ``eps`` is left out, or ``dim`` is no integer.
    ValueError
        If an argument is out of range. NaN is passed through.

    Notes
    -----
    Theorem: `BALL_ENLARGEMENT`. Caps and angles are those of the sphere in n + 2 dimensions.

    Examples
    --------
    >>> round(enlargement(0.01, 0.2, dim=10), 12)
    0.053702441461
    """
    lifted = as_dim(dim).astype(np.int64) + 2
    return sphere.enlargement(
        mu, eps, dim=lifted, radius=radius, metric="chord", log_mu=log_mu, accuracy=accuracy, log_accuracy=log_accuracy
    )


def log_enlargement(
    mu: ArrayLike | None = None,
    eps: ArrayLike | None = None,
    *,
    dim: ArrayLike,
    radius: ArrayLike = 1.0,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Logarithm of `enlargement`, finite where that underflows.

    *Theorem: typical sample*, for every set.

    .. math:: \log P[d(X, E) \le \epsilon] \ge \log \mathrm{cap}_{n+2}(\theta_{n+2}(\mu) + 2 \arcsin(\epsilon / (2 r)))

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the set, in [0, 1].
    eps : float or array, shape S2
        Euclidean distance, >= 0, in the unit of ``radius``.
    dim : int or array of int, shape S3
        Dimension n >= 1 of the ball.
    radius : float or array, shape S4
        Radius r of the ball, > 0.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3, S4)
        Lower limit of the natural logarithm of a probability, <= 0.

    Raises
    ------
    TypeError, ValueError
        As `enlargement`.

    Notes
    -----
    Theorem: `BALL_ENLARGEMENT`.

    Examples
    --------
    >>> round(log_enlargement(log_mu=-1000.0, eps=0.2, dim=784), 6)
    -602.543065
    """
    lifted = as_dim(dim).astype(np.int64) + 2
    return sphere.log_enlargement(
        mu, eps, dim=lifted, radius=radius, metric="chord", log_mu=log_mu, accuracy=accuracy, log_accuracy=log_accuracy
    )


def log_enlargement_complement(
    mu: ArrayLike | None = None,
    eps: ArrayLike | None = None,
    *,
    dim: ArrayLike,
    radius: ArrayLike = 1.0,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Logarithm of the largest share of a ball farther than ``eps`` from a set of measure ``mu``.

    *Theorem: typical sample*, for every set.

    .. math::
        \log P[d(X, E) > \epsilon] \le \log(1 - \mathrm{cap}_{n+2}(\theta_{n+2}(\mu) + 2 \arcsin(\epsilon / (2 r))))

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the set, in [0, 1].
    eps : float or array, shape S2
        Euclidean distance, >= 0, in the unit of ``radius``.
    dim : int or array of int, shape S3
        Dimension n >= 1 of the ball.
    radius : float or array, shape S4
        Radius r of the ball, > 0.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3, S4)
        Upper limit of the natural logarithm of a probability, <= 0; -inf from eps = 2 r on.

    Raises
    ------
    TypeError, ValueError
        As `enlargement`.

    Notes
    -----
    Theorem: `BALL_ENLARGEMENT`.

    Examples
    --------
    >>> round(log_enlargement_complement(0.5, 0.5, dim=784), 6)
    -108.352934
    """
    lifted = as_dim(dim).astype(np.int64) + 2
    return sphere.log_enlargement_complement(
        mu, eps, dim=lifted, radius=radius, metric="chord", log_mu=log_mu, accuracy=accuracy, log_accuracy=log_accuracy
    )


def gaussian_enlargement(
    mu: ArrayLike | None = None,
    eps: ArrayLike | None = None,
    *,
    dim: ArrayLike,
    radius: ArrayLike = 1.0,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Lower limit of `enlargement` that has the form of the Gaussian one.

    *Theorem: typical sample*, for every set.

    .. math:: P[d(X, E) \le \epsilon] \ge \Phi\!\left(\Phi^{-1}(\mu) + \epsilon \sqrt{n} / r\right)

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the set, in [0, 1].
    eps : float or array, shape S2
        Euclidean distance, >= 0, in the unit of ``radius``.
    dim : int or array of int, shape S3
        Dimension n >= 1 of the ball.
    radius : float or array, shape S4
        Radius r of the ball, > 0.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3, S4)
        Lower limit of a probability. Logarithms: the Gaussian functions with sigma = r / sqrt(n).

    Raises
    ------
    TypeError, ValueError
        As `enlargement`.

    Notes
    -----
    Theorem: `BALL_ENLARGEMENT`, weakened by `SPHERE_GAUSSIAN_ENLARGEMENT`.

    Examples
    --------
    >>> round(gaussian_enlargement(0.01, 0.2, dim=10), 12)
    0.045142871211
    """
    length, n = as_positive("radius", radius, "a radius"), as_dim(dim)
    sigma = np.asarray(evaluate(lambda radius, dim: radius / np.sqrt(dim), radius=length, dim=n))
    return gaussian.enlargement(mu, eps, sigma, log_mu=log_mu, accuracy=accuracy, log_accuracy=log_accuracy)


BALL_ENLARGEMENT = Theorem(
    name="BALL_ENLARGEMENT",
    statement=(
        "A set of measure mu in a ball of radius r in R^n grows at least as the cap of measure mu does on the sphere "
        "of radius r in R^(n+2): P[d(X, E) <= eps] >= cap(theta(mu) + 2 asin(eps / (2 r))), which is at least "
        "Phi(Phi^-1(mu) + eps sqrt(n) / r)."
    ),
    formula=(
        r"P[d(X, E) \leq \varepsilon] \geq "
        r"\mathrm{cap}_{n+2}\left(\theta(\mu) + 2\,\mathrm{asin}\,\frac{\varepsilon}{2r}\right)"
    ),
    label="theorem: typical sample",
    space=SPACE,
    assumptions=(UNIFORM,),
    direction="lower limit of the share of the ball within eps of the set",
    source=LEVY_1951,
    bound=enlargement,
    extremal=None,
    tightness="Not attained; for an interval (n = 1) at mu = 1/2 it is so to first order in eps.",
    proof=(
        "The first n coordinates of a uniform point of the sphere in R^(n+2) are uniform on the ball (Archimedes). "
        "Leaving out the other two shortens chords, so that what lies within eps on the sphere lies so in the ball; "
        "the rest is Lévy's inequality."
    ),
    mistake="",
)
