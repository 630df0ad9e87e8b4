"""Distances in l_p norms and noise of any covariance: the half-space, and the bound for every error set."""

from __future__ import annotations

import math
from typing import SupportsIndex

import numpy as np
from numpy.typing import ArrayLike

from isoperimetry import _validate
from isoperimetry._validate import Array
from isoperimetry.bounds._spaces import assumption
from isoperimetry.bounds.gaussian.halfspace import halfspace_distance
from isoperimetry.bounds.gaussian.quantiles import median_distance_bound
from isoperimetry.bounds.gaussian.sources import BORELL_1975, FORD_2019
from isoperimetry.bounds.norms import _as_cov, _as_norm, _as_root, named_stretch, noise_stretch
from isoperimetry.bounds.rate import stretch
from isoperimetry.bounds.theorem import HALF_SPACE, ONE_CENTER, Theorem
from isoperimetry.sets import HalfSpace

Covariance = ArrayLike | tuple[ArrayLike, ArrayLike]

SPACE = "R^n with noise N(center, sigma^2 cov) and an l_p norm"
ANY_NOISE = assumption(
    "Gaussian noise", "The samples are draws of N(center, sigma**2 cov); distances are measured in the l_p norm named."
)


def halfspace_distance_norm(
    mu: ArrayLike | None = None,
    normal: ArrayLike | None = None,
    *,
    p: float = 2,
    sigma: ArrayLike = 1.0,
    cov: Covariance | None = None,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Signed l_p distance from the center to a half-space with a known normal and error rate.

    *Prediction: assumes a half-space.*

    .. math:: d_p = -\sigma \, \Phi^{-1}(\mu) \, \frac{\sqrt{w^\top \Sigma \, w}}{|w|_q},
              \qquad \frac{1}{p} + \frac{1}{q} = 1

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the half-space under N(center, sigma**2 cov), in [0, 1].
    normal : array, shape (dim,)
        Direction w into the set, not zero; its length does not matter.
    p : float
        The norm in which distances are measured, in [1, inf].
    sigma : float or array, shape S2, broadcast with S1
        Scale of the noise, >= 0, in the unit of the inputs; 0 needs ``mu`` to be 0 or 1.
    cov : array of shape (dim,) or (dim, dim), or a pair of arrays of shapes (dim, rank) and (rank,), optional
        Covariance of the noise at sigma = 1: a vector is the diagonal, a pair (factors, weights) as a tuple is
        ``factors @ diag(weights) @ factors.T``. Without it the noise is isotropic.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2)
        Distance in the unit of ``sigma``: negative above mu = 1/2, as `halfspace_distance`, which it is for p = 2 and
        isotropic noise.

    Raises
    ------
    TypeError
        If not exactly one form of the rate is given, or ``normal`` is left out.
    ValueError
        If an argument is out of range, or there is no noise along the normal and 0 < mu < 1. NaN is passed through.

    Notes
    -----
    Theorem: `HALFSPACE_DISTANCE_NORM`. In l_inf it is between 1 / sqrt(dim) times the l2 distance and the whole of it.

    Examples
    --------
    >>> round(halfspace_distance_norm(0.01, [3.0, -4.0, 0.0], p=math.inf), 6)
    1.661677
    >>> round(halfspace_distance_norm(0.01, [3.0, 4.0], cov=[4.0, 1.0]), 6)
    3.355107
    """
    w = _as_normal(normal)
    power = _as_norm(p, "p")
    ratio = _deviation(w, cov) / _lp(w, _dual(power))
    return halfspace_distance(mu, _scaled(sigma, ratio), log_mu=log_mu, accuracy=accuracy, log_accuracy=log_accuracy)


def median_distance_bound_norm(
    mu: ArrayLike | None = None,
    *,
    dim: SupportsIndex | None = None,
    p: float = 2,
    sigma: ArrayLike = 1.0,
    cov: Covariance | None = None,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Largest median l_p distance from noisy samples to an error set of measure ``mu``, for noise of any covariance.

    *Theorem: typical noisy sample*, for every error set.

    .. math:: \mathrm{med}\; d_p(X, E) \le \Lambda \max(0, -\Phi^{-1}(\mu)),
              \qquad \Lambda = \sup \{ |T v|_p : |v|_2 \le 1 \}, \quad \sigma^2 \Sigma = T T^\top

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the error set under N(center, sigma**2 cov), in [0, 1].
    dim : int, optional
        Dimension of the space, >= 1. Needed for p < 2 without ``cov``; otherwise only compared with ``cov``.
    p : float
        The norm in which distances are measured, in [1, inf].
    sigma : float or array, shape S2, broadcast with S1
        Scale of the noise, >= 0, in the unit of the inputs; 0 needs ``mu`` to be 0 or 1.
    cov : array of shape (dim,) or (dim, dim), or a pair of arrays of shapes (dim, rank) and (rank,), optional
        Covariance of the noise at sigma = 1: a vector is the diagonal, a pair (factors, weights) as a tuple is
        ``factors @ diag(weights) @ factors.T``. Without it the noise is isotropic.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2)
        Distance in the unit of ``sigma``: inf at mu = 0, 0 from mu = 1/2 on.

    Raises
    ------
    TypeError
        If not exactly one form of the rate is given.
    ValueError
        If an argument is out of range, ``dim`` is missing, or `noise_stretch` knows no closed form.

    Notes
    -----
    Theorem: `NORM_DISTANCE`. Every bound for isotropic noise and l2 holds with the scale that
    `isoperimetry.bounds.norms.noise_stretch` returns in place of ``sigma``. It is the largest standard deviation in any
    direction, not the smallest or an average; and for p = inf nothing is gained over l2.

    Examples
    --------
    >>> round(median_distance_bound_norm(0.01, dim=784, p=math.inf, sigma=0.1), 6)
    0.232635
    >>> round(median_distance_bound_norm(0.01, dim=784, p=1), 6)
    65.13774
    >>> round(median_distance_bound_norm(0.01, cov=[4.0, 1.0]), 6)
    4.652696
    """
    _as_norm(p, "p")
    ratio = named_stretch("p", p, dim=dim, cov=cov)
    return median_distance_bound(mu, _scaled(sigma, ratio), log_mu=log_mu, accuracy=accuracy, log_accuracy=log_accuracy)


def half_space_for_norm(
    mu: float | None = None,
    sigma: float = 1.0,
    *,
    dim: int | None = None,
    p: float = 2,
    cov: Covariance | None = None,
    **form: float,
) -> HalfSpace:
    """Return the half-space of measure ``mu`` that has the largest l_p distances: the extremal set.

    Parameters
    ----------
    mu : float
        Measure under N(0, sigma**2 cov), in [0, 1].
    sigma : float
        Scale of the noise, >= 0, in the unit of the inputs.
    dim : int, optional
        Dimension of the space, >= 1; needed without ``cov``.
    p : float
        The norm in which distances are measured, in [1, inf].
    cov : array or pair of arrays, optional
        Covariance of the noise at sigma = 1, as in `median_distance_bound_norm`.
    **form : float
        The rate as ``log_mu``, ``accuracy`` or ``log_accuracy`` in place of ``mu``.

    Returns
    -------
    HalfSpace
        Its normal is a vector that attains the supremum in the bound.

    Raises
    ------
    TypeError, ValueError
        As `median_distance_bound_norm`.

    Examples
    --------
    >>> half_space_for_norm(0.5, dim=2, p=1)
    HalfSpace(normal=[1.0, 1.0], offset=0.0)
    """
    named_stretch("p", p, dim=dim, cov=cov)
    if cov is None and dim is None:
        raise ValueError("dim must be given: a half-space has a dimension.")
    if isinstance(cov, tuple):
        w = _best_normal_of_root(_as_root(cov, None), float(p))
    else:
        spread = _as_cov(np.ones(_validate.as_count("dim", dim, low=1)) if cov is None else cov, None)
        w = _best_normal(spread, float(p))
    offset = halfspace_distance(mu, _scaled(sigma, _deviation(w, cov) / _lp(w, 2.0)), **form)
    return HalfSpace(w, float(offset))


def _as_normal(normal: ArrayLike | None) -> Array:
    if normal is None:
        raise TypeError("normal must be given too: by name where the error rate is given by name.")
    w = _validate.as_float("normal", normal)
    if w.ndim != 1 or not np.isfinite(w).all() or not w.any():
        raise ValueError(f"normal has shape {w.shape}: it must be one finite vector (dim,), not zero.")
    unit: Array = w / abs(w).max()
    return unit


def _dual(p: float) -> float:
    return math.inf if p == 1 else 1.0 if p == math.inf else p / (p - 1)


def _lp(w: Array, q: float) -> float:
    """Return the l_q norm of a vector; the largest entry is taken out, so that no power overflows or vanishes."""
    size = np.abs(w)
    top = float(size.max())
    if q == math.inf:
        return top
    return top * math.pow(float(np.sum((size / top) ** q)), 1 / q)


def _deviation(w: Array, cov: Covariance | None) -> float:
    """Return the standard deviation of w.X at sigma = 1."""
    if cov is None:
        return _lp(w, 2.0)
    if isinstance(cov, tuple):
        return float(np.linalg.norm(w @ _as_root(cov, w.size)))
    spread = _as_cov(cov, w.size)
    if spread.ndim == 1:
        return float(np.linalg.norm(np.sqrt(spread) * w))
    noise_stretch(2, cov=spread)  # refuses what is no covariance
    return math.sqrt(max(float(w @ spread @ w), 0.0))


def _scaled(sigma: ArrayLike, ratio: float) -> Array:
    scale = _validate.as_nonnegative("sigma", sigma, "the scale of the noise, in the unit of the inputs")
    return stretch(np.asarray(ratio), scale)


def _best_normal_of_root(root: Array, p: float) -> Array:
    """Return the normal for p = 2 or inf and the covariance root root^t."""
    if p == 2:
        vectors: Array = np.linalg.svd(root, full_matrices=False)[0]
        return vectors[:, 0]
    axis: Array = np.eye(1, len(root), int(np.linalg.norm(root, axis=1).argmax()))[0]
    return axis


def _best_normal(spread: Array, p: float) -> Array:
    if spread.ndim == 2 and p == 2:
        vectors: Array = np.linalg.eigh(spread)[1]
        return vectors[:, -1]
    variances = spread if spread.ndim == 1 else np.diagonal(spread)
    if p >= 2:
        axis: Array = np.eye(1, variances.size, int(variances.argmax()))[0]
        return axis
    if p == 1:
        return np.ones(variances.size)
    # equality in Hölder's inequality for sum(variances w**2) and sum(|w|**q), q = p / (p - 1)
    ratios: Array = variances / (variances.max() or 1.0)
    return ratios ** ((p - 1) / (2 - p)) if variances.any() else np.ones(variances.size)


NORM_DISTANCE = Theorem(
    name="NORM_DISTANCE",
    statement=(
        "In noise N(center, T T^t) and an l_p norm, the median distance from noisy samples to a set of measure mu is "
        "at most Lambda max(0, -Phi^-1(mu)), where Lambda is the largest l_p norm of T v over unit vectors v."
    ),
    formula=r"\mathrm{med}\,d_p \leq \Lambda\,\max(0, -\Phi^{-1}(\mu)), \quad \Lambda = \max_{|v| \leq 1} |T v|_p",
    label="theorem: typical noisy sample",
    space=SPACE,
    assumptions=(ANY_NOISE, ONE_CENTER),
    direction="upper limit of the median distance from noisy samples",
    source=BORELL_1975,
    bound=median_distance_bound_norm,
    extremal=half_space_for_norm,
    tightness="Equality for the half-space whose normal attains the supremum, for every covariance and every norm.",
    proof=(
        "X is the image T G of isotropic noise, the preimage of the set has the same measure, and T stretches l2 "
        "distances by at most Lambda in the other norm."
    ),
    mistake=(
        "The largest standard deviation counts, not the smallest or an average; and l_inf distances are not smaller "
        "than l2 distances by sqrt(n) in the worst case: a half-space across one coordinate has them equal."
    ),
)
HALFSPACE_DISTANCE_NORM = Theorem(
    name="HALFSPACE_DISTANCE_NORM",
    statement=(
        "The signed l_p distance from the center to a half-space with normal w and measure mu under N(center, sigma^2 "
        "cov) is -sigma Phi^-1(mu) sqrt(w^t cov w) / |w|_q with 1/p + 1/q = 1."
    ),
    formula=r"d_p(x_0, E) = -\sigma\,\Phi^{-1}(\mu)\,\frac{\sqrt{w^T \Sigma w}}{|w|_q}",
    label="prediction: assumes a half-space",
    space=SPACE,
    assumptions=(ANY_NOISE, ONE_CENTER, HALF_SPACE),
    direction="equal to the signed l_p distance of the center",
    source=FORD_2019,
    bound=halfspace_distance_norm,
    extremal=half_space_for_norm,
    tightness="An identity for half-spaces; for other sets neither an upper nor a lower limit for the center.",
    proof=(
        "The noise along w has the standard deviation sigma sqrt(w^t cov w), and by duality a step of l_p length d "
        "raises w.x by at most d |w|_q."
    ),
    mistake="The dual norm of the normal stands below: l1 distances come with max |w_i|, l_inf distances with |w|_1.",
)
