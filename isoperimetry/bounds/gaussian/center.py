"""What an error rate in noise says about the distance of the center itself: little, unless the shape is known."""

from __future__ import annotations

from typing import SupportsIndex

import numpy as np
from numpy.typing import ArrayLike

from isoperimetry import special
from isoperimetry._validate import Array, as_count
from isoperimetry.bounds._spaces import as_dim
from isoperimetry.bounds.gaussian.halfspace import SPACE, half_space_of_measure
from isoperimetry.bounds.gaussian.sources import ELEMENTARY
from isoperimetry.bounds.rate import Rate, evaluate, read_rate, read_sigma, stretch
from isoperimetry.bounds.theorem import BEYOND_FACES, CONVEX_PARTS, GAUSSIAN_NOISE, ONE_CENTER, Theorem
from isoperimetry.sets import ErrorSet


def worst_case_distance(
    mu: ArrayLike | None = None,
    sigma: ArrayLike = 1.0,
    *,
    dim: ArrayLike,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Largest distance of the center from an error set of measure ``mu``: nearly the length of the noise.

    *Worst case*: for every error set, attained where all errors are outside a ball. Distances of typical noisy samples
    are far smaller, see `median_distance_bound`.

    .. math:: d(x_0, E) \le \sigma R, \qquad P[\chi_n \ge R] = \mu

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the error set under N(center, sigma**2 I), in [0, 1].
    sigma : float or array, shape S2, broadcast with S1
        Standard deviation of the noise, >= 0, in the unit of the inputs; 0 needs ``mu`` to be 0 or 1.
    dim : int or array of int, shape S3, broadcast with S1
        Dimension n of the space, >= 1.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3)
        Distance in the unit of ``sigma``: inf at mu = 0, 0 at mu = 1.

    Raises
    ------
    TypeError
        If not exactly one form of the rate is given, or ``dim`` does not hold integers.
    ValueError
        If an argument is out of range, or ``sigma`` is 0 where 0 < mu < 1. NaN is passed through.

    Notes
    -----
    Theorem: `CENTER_WORST_CASE`. From below nothing follows: the errors may touch the center at any rate.

    Examples
    --------
    >>> round(worst_case_distance(0.01, dim=784), 6)  # where the half-space distance is 2.33
    29.648759
    """
    rate = read_rate(mu, log_mu, accuracy, log_accuracy)

    def formula(sigma: Array, dim: Array) -> Array:
        upper = np.asarray(special.log_chi2_isf(rate.log, dim=dim))
        lower = np.asarray(special.log_chi2_ppf(rate.log_complement, dim=dim))
        return stretch(np.exp(0.5 * np.where(rate.z < 0, upper, lower)), sigma)

    return evaluate(formula, rate, sigma=read_sigma(sigma, rate), dim=as_dim(dim))


def convex_distance_bound(
    mu: ArrayLike | None = None,
    sigma: ArrayLike = 1.0,
    *,
    parts: SupportsIndex = 1,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Largest distance of the center from a convex error set of measure ``mu``, or a union of convex ones.

    *Assumes a convex error set*, or the union of ``parts`` convex sets.

    .. math:: d(x_0, E) \le \max(0,\, -\sigma \, \Phi^{-1}(\mu / k))

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the error set under N(center, sigma**2 I), in [0, 1].
    sigma : float or array, shape S2, broadcast with S1
        Standard deviation of the noise, >= 0, in the unit of the inputs; 0 needs ``mu`` to be 0 or 1.
    parts : int
        Number k of convex sets whose union the error set is, >= 1.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2)
        Upper limit in the unit of ``sigma``: inf at mu = 0, 0 where mu / k >= 1/2.

    Raises
    ------
    TypeError
        If not exactly one form of the rate is given, or ``parts`` is no integer.
    ValueError
        If an argument is out of range, or ``sigma`` is 0 where 0 < mu < 1. NaN is passed through.

    Notes
    -----
    Theorem: `CENTER_CONVEX`. There is no lower limit: a convex set may touch the center at any rate below 1/2.

    Examples
    --------
    >>> round(convex_distance_bound(0.01), 6), round(convex_distance_bound(0.01, parts=9), 6)
    (2.326348, 3.058804)
    """
    rate = read_rate(mu, log_mu, accuracy, log_accuracy)
    share = _share(rate, as_count("parts", parts, low=1))
    return evaluate(lambda sigma: stretch(np.maximum(0.0, -share), sigma), rate, sigma=read_sigma(sigma, rate))


def _share(rate: Rate, parts: int) -> Array:
    """Return the probit of ``mu / parts``."""
    with np.errstate(invalid="ignore"):
        return rate.z if parts == 1 else np.asarray(special.ndtri_exp(rate.log - np.log(parts)))


def affine_classifier_distance(
    mu: ArrayLike | None = None,
    sigma: ArrayLike = 1.0,
    *,
    classes: SupportsIndex,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> tuple[float | Array, float | Array]:
    r"""Lower and upper limit of the distance from a correctly classified center to the errors of an affine classifier.

    *Assumes a convex correct region*, an intersection of half-spaces that contains the center.

    .. math:: -\sigma \, \Phi^{-1}(\mu) \le d(x_0, E) \le -\sigma \, \Phi^{-1}(\mu / (K - 1))

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the error set under N(center, sigma**2 I), in [0, 1].
    sigma : float or array, shape S2, broadcast with S1
        Standard deviation of the noise, >= 0, in the unit of the inputs; 0 needs ``mu`` to be 0 or 1.
    classes : int
        Number K of classes, >= 2: the correct region has at most K - 1 faces.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    low, high : float or array, shape broadcast(S1, S2)
        Distances in the unit of ``sigma``, each >= 0; equal for two classes. ``low`` holds for every convex correct
        region, ``high`` for every union of K - 1 convex error sets.

    Raises
    ------
    TypeError
        If not exactly one form of the rate is given, or ``classes`` is no integer.
    ValueError
        If an argument is out of range, or ``sigma`` is 0 where 0 < mu < 1. NaN is passed through.

    Notes
    -----
    Theorem: `CENTER_AFFINE`. A rate above (K - 1) / 2 contradicts a correct center; the limits are then 0.

    Examples
    --------
    >>> low, high = affine_classifier_distance(0.01, classes=10)
    >>> round(low, 6), round(high, 6)
    (2.326348, 3.058804)
    """
    rate = read_rate(mu, log_mu, accuracy, log_accuracy)
    share = _share(rate, as_count("classes", classes, low=2) - 1)
    scale = read_sigma(sigma, rate)
    low = evaluate(lambda sigma: stretch(np.maximum(0.0, -rate.z), sigma), rate, sigma=scale)
    high = evaluate(lambda sigma: stretch(np.maximum(0.0, -share), sigma), rate, sigma=scale)
    return low, high


def complement_of_ball(mu: float | None = None, sigma: float = 1.0, *, dim: int, **form: float) -> ErrorSet:
    """Return the complement of the ball about the origin that has measure 1 - mu: its errors are as far as can be.

    Parameters
    ----------
    mu : float
        Measure of the set under N(0, sigma**2 I), in (0, 1).
    sigma : float
        Standard deviation of the noise, > 0, in the unit of the inputs.
    dim : int
        Dimension of the space, >= 1.
    **form : float
        The rate as ``log_mu``, ``accuracy`` or ``log_accuracy`` in place of ``mu``.

    Returns
    -------
    Complement
        Of a `isoperimetry.sets.Ball`.

    Examples
    --------
    >>> errors = complement_of_ball(0.01, 0.5, dim=784)
    >>> round(errors.volume(sigma=0.5), 12)
    0.01
    """
    from isoperimetry.sets import Ball, Complement

    radius = worst_case_distance(mu, sigma, dim=dim, **form)
    return Complement(Ball(np.zeros(as_count("dim", dim, low=1)), float(radius)))


CENTER_WORST_CASE = Theorem(
    name="CENTER_WORST_CASE",
    statement=(
        "The center is at most sigma R from an error set of measure mu, where the noise is longer than sigma R with "
        "probability mu: R is the square root of an upper chi-square quantile, about sqrt(n)."
    ),
    formula=r"d(x_0, E) \leq \sigma R, \quad P[\chi_n \geq R] = \mu",
    label="worst case",
    space=SPACE,
    assumptions=(GAUSSIAN_NOISE, ONE_CENTER),
    direction="upper limit of the distance of the center",
    source=ELEMENTARY,
    bound=worst_case_distance,
    extremal=complement_of_ball,
    tightness="Equality for the complement of a ball about the center, and for no other closed set.",
    proof="A set farther than R from the center has no point in the ball of that radius, whose measure is 1 - mu.",
    mistake=(
        "The center need not be within -sigma Phi^-1(mu) of an error: that limit is for typical noisy samples, or for "
        "convex error sets. Nor need it be that far: the errors may touch it."
    ),
)
CENTER_CONVEX = Theorem(
    name="CENTER_CONVEX",
    statement=(
        "The distance of the center from a convex error set of measure mu is at most -sigma Phi^-1(mu), and 0 from "
        "mu = 1/2 on; from a union of k convex sets at most -sigma Phi^-1(mu / k)."
    ),
    formula=r"d(x_0, E) \leq \max\left(0, -\sigma\,\Phi^{-1}\left(\frac{\mu}{k}\right)\right)",
    label="assumes a convex error set",
    space=SPACE,
    assumptions=(GAUSSIAN_NOISE, ONE_CENTER, CONVEX_PARTS),
    direction="upper limit of the distance of the center",
    source=ELEMENTARY,
    bound=convex_distance_bound,
    extremal=half_space_of_measure,
    tightness="Equality for half-spaces; for k equal half-spaces far apart nearly.",
    proof=(
        "A convex set that does not hold the center lies in the half-space beyond its point nearest to the center, "
        "whose measure is Phi(-d / sigma). The largest of k parts has at least the measure mu / k, and is not nearer "
        "than the union."
    ),
    mistake="It is no bound for error sets that surround the center, which no convex set does without holding it.",
)
CENTER_AFFINE = Theorem(
    name="CENTER_AFFINE",
    statement=(
        "If an affine classifier of K classes has the center right, the distance of the center to its errors is "
        "between -sigma Phi^-1(mu) and -sigma Phi^-1(mu / (K - 1))."
    ),
    formula=r"-\sigma\,\Phi^{-1}(\mu) \leq d(x_0, E) \leq -\sigma\,\Phi^{-1}\left(\frac{\mu}{K - 1}\right)",
    label="assumes a convex correct region",
    space=SPACE,
    assumptions=(
        GAUSSIAN_NOISE,
        ONE_CENTER,
        BEYOND_FACES,
    ),
    direction="lower limit of the distance of the center, and an upper one",
    source=ELEMENTARY,
    bound=affine_classifier_distance,
    extremal=half_space_of_measure,
    tightness=(
        "The lower limit is attained by one half-space, the upper one nearly by K - 1 equal ones far apart; they agree "
        "for two classes."
    ),
    proof=(
        "The half-space beyond the nearest face contains no more than the errors, so that mu is at least its measure. "
        "Each of the K - 1 half-spaces of errors has at most the measure of one at the distance of the nearest, and mu "
        "is at most their sum."
    ),
    mistake=(
        "Neither limit holds for networks: outside the convex case the center may be nearer than the lower limit, and "
        "farther than the upper one."
    ),
)
