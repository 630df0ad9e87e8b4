"""Uniform bits: upper limits of the Hamming distance from random words to a set."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from isoperimetry._validate import Array
from isoperimetry.bounds._spaces import as_dim, as_level
from isoperimetry.bounds.hamming.enlargements import SPACE, UNIFORM_BITS, least_radius, radius_of
from isoperimetry.bounds.rate import evaluate, read_rate
from isoperimetry.bounds.sources import HARPER_1966
from isoperimetry.bounds.theorem import Theorem


def quantile_distance_bound(
    mu: ArrayLike | None = None,
    *,
    dim: ArrayLike,
    q: ArrayLike = 0.5,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Largest q-quantile of the Hamming distance from random words to a set of measure ``mu``.

    *Theorem: typical sample*, for every set.

    .. math:: Q_q(d_H(X, A)) \le \min\{t \ge 0 : 2^{-n} V(k + t) \ge q\}, \qquad k = \max\{j : 2^{-n} V(j) \le \mu\}

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the set, in [0, 1].
    dim : int or array of int, shape S2
        Number n of bits, >= 1.
    q : float or array, shape S3
        Level of the quantile, in (0, 1): the least t with P[d <= t] >= q.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3)
        Upper limit, a whole number of bits: inf at mu = 0, 0 where mu >= q.

    Raises
    ------
    TypeError
        If not exactly one form of the rate is given, or ``dim`` is no integer.
    ValueError
        If an argument is out of range. NaN is passed through.

    Notes
    -----
    Theorem: `HAMMING_DISTANCE`.

    Examples
    --------
    >>> quantile_distance_bound(0.0105, dim=100, q=0.9)
    18.0
    """
    rate, level = read_rate(mu, log_mu, accuracy, log_accuracy), as_level(q)

    def formula(dim: Array, q: Array) -> Array:
        goal = least_radius(level, dim)
        steps = np.where(rate.z >= level.z, 0.0, np.maximum(goal - radius_of(rate, dim), 0.0))
        unknown = np.isnan(rate.z) | np.isnan(q)
        return np.where(unknown, math.nan, np.where(rate.z == -math.inf, math.inf, steps))

    return evaluate(formula, rate, dim=as_dim(dim), q=level.value)


def median_distance_bound(
    mu: ArrayLike | None = None,
    *,
    dim: ArrayLike,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Largest median of the Hamming distance from random words to a set of measure ``mu``.

    *Theorem: typical sample*, for every set.

    .. math:: \mathrm{med}\, d_H(X, A) \le \max(0,\, \lfloor n / 2 \rfloor - k), \qquad
              k = \max\{j : 2^{-n} V(j) \le \mu\}

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the set, in [0, 1].
    dim : int or array of int, shape S2
        Number n of bits, >= 1.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2)
        Upper limit, a whole number of bits: inf at mu = 0, 0 where mu >= 1/2.

    Raises
    ------
    TypeError, ValueError
        As `quantile_distance_bound`.

    Notes
    -----
    Theorem: `HAMMING_DISTANCE`. For many bits it is about -Phi^-1(mu) sqrt(n) / 2.

    Examples
    --------
    >>> median_distance_bound(0.0105, dim=100)
    12.0
    """
    return quantile_distance_bound(mu, dim=dim, log_mu=log_mu, accuracy=accuracy, log_accuracy=log_accuracy)


HAMMING_DISTANCE = Theorem(
    name="HAMMING_DISTANCE",
    statement=(
        "The median Hamming distance from a random word of n bits to a set of measure mu is at most the least t with "
        "V(k + t) >= 2^(n-1), where V(k) <= 2^n mu; and so on for every quantile."
    ),
    formula=r"\mathrm{med}\,d_H(X, A) \leq \min\{t \geq 0 : V(k + t) \geq 2^{n-1}\}, \quad V(k) \leq 2^n\,\mu",
    label="theorem: typical sample",
    space=SPACE,
    assumptions=(UNIFORM_BITS,),
    direction="upper limit of a quantile of the Hamming distance from random words",
    source=HARPER_1966,
    bound=quantile_distance_bound,
    extremal=None,
    tightness="Equality for Hamming balls; for many bits about -Phi^-1(mu) sqrt(n) / 2.",
    proof="The share of words within t bits reaches q at the latest where that of the ball does.",
    mistake="",
)
