"""The least growth of a set in a cube."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from isoperimetry._validate import Array, as_float, as_positive, broadcast_shape
from isoperimetry.bounds import gaussian
from isoperimetry.bounds._spaces import as_dim, assumption
from isoperimetry.bounds.rate import evaluate
from isoperimetry.bounds.sources import BARTHE_MAUREY_2000
from isoperimetry.bounds.theorem import Theorem

SPACE = "cube [0, s]^n with the uniform distribution"
UNIFORM = assumption(
    "uniform on the cube",
    "The samples are uniform on one cube of side s, or their coordinates are independent and each is a monotone "
    "s / sqrt(2 pi)-Lipschitz image of a standard normal number.",
)


def enlargement(
    mu: ArrayLike | None = None,
    eps: ArrayLike | None = None,
    *,
    side: ArrayLike = 1.0,
    p: float = 2,
    dim: ArrayLike | None = None,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Least share of a cube that lies within ``eps`` of a set of measure ``mu`` in it.

    *Theorem: typical sample*, for every set.

    .. math:: P[d_p(X, E) \le \epsilon] \ge \Phi\!\left(\Phi^{-1}(\mu) + \sqrt{2 \pi}\, \epsilon / s\right),
              \qquad p \ge 2

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the set, in [0, 1].
    eps : float or array, shape S2
        Distance, >= 0, in the unit of ``side``.
    side : float or array, shape S3
        Side s of the cube, > 0; for a box its longest side.
    p : float
        The distances are measured in the l_p norm, p in [1, inf]; the bound is the same for all p >= 2.
    dim : int or array of int, shape S4, optional
        Dimension n >= 1 of the cube; needed for p < 2 only.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3, S4)
        Lower limit of a probability: exactly ``mu`` at eps = 0, 0 at mu = 0 (the set may be empty).

    Raises
    ------
    TypeError
        If not exactly one form of the rate is given, ``eps`` is left out.
    ValueError
        If an argument is out of range. NaN is passed through.

    Notes
    -----
    Theorem: `CUBE_ENLARGEMENT`. For p < 2, eps is divided by n**(1/p - 1/2).

    Examples
    --------
    >>> round(enlargement(0.01, 0.5), 12)
    0.141627989785
    """
    return gaussian.enlargement(
        mu, eps, as_scale(side, p, dim, mu=mu, eps=eps), log_mu=log_mu, accuracy=accuracy, log_accuracy=log_accuracy
    )


def log_enlargement(
    mu: ArrayLike | None = None,
    eps: ArrayLike | None = None,
    *,
    side: ArrayLike = 1.0,
    p: float = 2,
    dim: ArrayLike | None = None,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Logarithm of `enlargement`, finite where that underflows.

    *Theorem: typical sample*, for every set.

    .. math:: \log P[d_p(X, E) \le \epsilon] \ge \log \Phi\!\left(\Phi^{-1}(\mu) + \sqrt{2 \pi}\, \epsilon / s\right),
              \qquad p \ge 2

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the set, in [0, 1].
    eps : float or array, shape S2
        Distance, >= 0, in the unit of ``side``.
    side : float or array, shape S3
        Side s of the cube, > 0; for a box its longest side.
    p : float
        The distances are measured in the l_p norm, p in [1, inf]; the bound is the same for all p >= 2.
    dim : int or array of int, shape S4, optional
        Dimension n >= 1 of the cube; needed for p < 2 only.
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
    Theorem: `CUBE_ENLARGEMENT`.

    Examples
    --------
    >>> round(log_enlargement(log_mu=-1000.0, eps=0.5), 6)
    -944.839387
    """
    return gaussian.log_enlargement(
        mu, eps, as_scale(side, p, dim, mu=mu, eps=eps), log_mu=log_mu, accuracy=accuracy, log_accuracy=log_accuracy
    )


def log_enlargement_complement(
    mu: ArrayLike | None = None,
    eps: ArrayLike | None = None,
    *,
    side: ArrayLike = 1.0,
    p: float = 2,
    dim: ArrayLike | None = None,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Logarithm of the largest share of a cube farther than ``eps`` from a set of measure ``mu``.

    *Theorem: typical sample*, for every set.

    .. math:: \log P[d_p(X, E) > \epsilon] \le \log \Phi\!\left(-\Phi^{-1}(\mu) - \sqrt{2 \pi}\, \epsilon / s\right),
              \qquad p \ge 2

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the set, in [0, 1].
    eps : float or array, shape S2
        Distance, >= 0, in the unit of ``side``.
    side : float or array, shape S3
        Side s of the cube, > 0; for a box its longest side.
    p : float
        The distances are measured in the l_p norm, p in [1, inf]; the bound is the same for all p >= 2.
    dim : int or array of int, shape S4, optional
        Dimension n >= 1 of the cube; needed for p < 2 only.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3, S4)
        Upper limit of the natural logarithm of a probability, <= 0.

    Raises
    ------
    TypeError, ValueError
        As `enlargement`.

    Notes
    -----
    Theorem: `CUBE_ENLARGEMENT`.

    Examples
    --------
    >>> round(log_enlargement_complement(0.5, 2.0), 6)
    -15.133839
    """
    return gaussian.log_enlargement_complement(
        mu, eps, as_scale(side, p, dim, mu=mu, eps=eps), log_mu=log_mu, accuracy=accuracy, log_accuracy=log_accuracy
    )


def as_scale(side: ArrayLike, p: float, dim: ArrayLike | None, **others: ArrayLike | None) -> Array:
    """Return the scale of the Gaussian noise whose image in the cube is uniform, with distances in l_p.

    The shapes must broadcast with those of ``others``, the further arguments of the bound.
    """
    length, power = as_positive("side", side, "the side of the cube"), as_float("p", p)
    if power.ndim or not power >= 1:
        raise ValueError(f"p={p!r} must be one number in [1, inf]: l_p with p < 1 is no norm.")
    n = as_dim(1 if dim is None else dim)
    if power < 2 and dim is None:
        raise ValueError(f"p={p!r} needs dim: below p = 2 the distances grow with the dimension.")
    shapes = {name: np.empty(np.shape(value)) for name, value in others.items() if value is not None}
    broadcast_shape(side=length, dim=n, **shapes)
    stretch = max(0.0, 1.0 / float(power) - 0.5)
    return np.asarray(evaluate(lambda side, dim: side * dim**stretch / math.sqrt(2 * math.pi), side=length, dim=n))


CUBE_ENLARGEMENT = Theorem(
    name="CUBE_ENLARGEMENT",
    statement=(
        "A set of measure mu in a cube of side s grows at least as a half-space does in Gaussian noise of scale "
        "s / sqrt(2 pi): P[d(X, E) <= eps] >= Phi(Phi^-1(mu) + sqrt(2 pi) eps / s) in every l_p norm with p >= 2."
    ),
    formula=(
        r"P[d(X, E) \leq \varepsilon] \geq "
        r"\Phi\left(\Phi^{-1}(\mu) + \frac{\sqrt{2\pi}\,\varepsilon}{s}\right)"
    ),
    label="theorem: typical sample",
    space=SPACE,
    assumptions=(UNIFORM,),
    direction="lower limit of the share of the cube within eps of the set",
    source=BARTHE_MAUREY_2000,
    bound=enlargement,
    extremal=None,
    tightness=(
        "Tangent to the growth mu + eps / s of half-cubes at mu = 1/2 and eps = 0, so that sqrt(2 pi) cannot be "
        "improved; strictly below it elsewhere."
    ),
    proof=(
        "s Phi, applied to each coordinate of a standard normal vector, makes it uniform on the cube and stretches no "
        "distance by more than s / sqrt(2 pi), the largest value of the density. Enlarge the preimage of the set."
    ),
    mistake=(
        "sqrt(2 pi) multiplies the distance. The bound is sharp only at mu = 1/2: the exact isoperimetric problem of "
        "the cube is open, and half-cubes or products of them are not always the best sets."
    ),
)
