"""Uniform bits: Hamming balls grow the least (Harper)."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from isoperimetry import special
from isoperimetry._validate import Array
from isoperimetry.bounds._spaces import as_dim, as_integers, assumption
from isoperimetry.bounds.rate import Rate, evaluate, given, read_rate
from isoperimetry.bounds.sources import HARPER_1966
from isoperimetry.bounds.theorem import Theorem

SPACE = "cube {0, 1}^n with the uniform distribution and the Hamming distance"
UNIFORM_BITS = assumption(
    "uniform bits", "The samples are words of n independent fair bits; the distance is the number of bits that differ."
)
# The measure of a ball, given as a rate, is recognised in spite of rounding: the functions below are right to 24 ulp.
_SLACK = 1e-14


def log_ball_measure(radius: ArrayLike, *, dim: ArrayLike) -> float | Array:
    r"""Logarithm of the share of all words of n bits within Hamming distance ``radius`` of one of them.

    .. math:: \log\left(2^{-n} \sum_{i \le k} \binom{n}{i}\right) = \log I_{1/2}(n - k, k + 1)

    Parameters
    ----------
    radius : int or array of int, shape S1
        Number k of bits that may differ, >= 0.
    dim : int or array of int, shape S2
        Number n of bits, >= 1.

    Returns
    -------
    float or array, shape broadcast(S1, S2)
        <= 0; 0 from radius n on.

    Raises
    ------
    TypeError
        If an argument is no integer.
    ValueError
        If an argument is out of range.

    Notes
    -----
    The incomplete beta function: NIST Handbook of Mathematical Functions, 8.17.5.

    Examples
    --------
    >>> import math
    >>> round(math.exp(log_ball_measure(38, dim=100)), 15)
    0.010489367838926
    """
    return evaluate(_log_ball, radius=as_integers("radius", radius, low=0, what="a number of bits"), dim=as_dim(dim))


def enlargement(
    mu: ArrayLike | None = None,
    steps: ArrayLike | None = None,
    *,
    dim: ArrayLike,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Least share of the words within Hamming distance ``steps`` of a set of measure ``mu``.

    *Theorem: typical sample*, for every set.

    .. math:: P[d_H(X, A) \le t] \ge 2^{-n} V(\min(n, k + t)), \qquad
              k = \max\{j : 2^{-n} V(j) \le \mu\}, \quad V(j) = \sum_{i \le j} \binom{n}{i}

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the set, in [0, 1].
    steps : int or array of int, shape S2
        Number t of bits that may be changed, >= 0.
    dim : int or array of int, shape S3
        Number n of bits, >= 1.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3)
        Lower limit of a probability: exactly ``mu`` at steps = 0, 0 at mu = 0 (the set may be empty). A rate in
        (0, 2**-n) counts as one word, which is the least that a set can have.

    Raises
    ------
    TypeError
        If not exactly one form of the rate is given, ``steps`` is left out, or a count is no integer.
    ValueError
        If an argument is out of range. NaN is passed through.

    Notes
    -----
    Theorem: `HAMMING_ENLARGEMENT`. The Euclidean distance of bits is the square root of the Hamming distance. A rate
    that is below a ball's measure by its rounding, 1e-14 (1 + |log mu|) of it, counts as that of the ball.

    Examples
    --------
    >>> round(enlargement(0.0105, 10, dim=100), 12)
    0.382176717201
    """
    rate = read_rate(mu, log_mu, accuracy, log_accuracy)
    return _grow(rate, rate.linear, steps, dim, lambda k, n, start: np.maximum(np.exp(_log_ball(k, n)), start))


def log_enlargement(
    mu: ArrayLike | None = None,
    steps: ArrayLike | None = None,
    *,
    dim: ArrayLike,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Logarithm of `enlargement`, finite where that underflows.

    *Theorem: typical sample*, for every set.

    .. math:: \log P[d_H(X, A) \le t] \ge \log\left(2^{-n} V(\min(n, k + t))\right)

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the set, in [0, 1].
    steps : int or array of int, shape S2
        Number t of bits that may be changed, >= 0.
    dim : int or array of int, shape S3
        Number n of bits, >= 1.
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
    Theorem: `HAMMING_ENLARGEMENT`.

    Examples
    --------
    >>> round(log_enlargement(log_mu=-1e5, steps=1000, dim=150528), 6)
    -95128.856124
    """
    rate = read_rate(mu, log_mu, accuracy, log_accuracy)
    return _grow(rate, rate.log, steps, dim, lambda k, n, start: np.maximum(_log_ball(k, n), start))


def log_enlargement_complement(
    mu: ArrayLike | None = None,
    steps: ArrayLike | None = None,
    *,
    dim: ArrayLike,
    log_mu: ArrayLike | None = None,
    accuracy: ArrayLike | None = None,
    log_accuracy: ArrayLike | None = None,
) -> float | Array:
    r"""Logarithm of the largest share of the words farther than ``steps`` from a set of measure ``mu``.

    *Theorem: typical sample*, for every set. It is the log of 1 - `enlargement`, without cancellation.

    .. math:: \log P[d_H(X, A) > t] \le \log\left(1 - 2^{-n} V(\min(n, k + t))\right)

    Parameters
    ----------
    mu : float or array, shape S1
        Measure of the set, in [0, 1].
    steps : int or array of int, shape S2
        Number t of bits that may be changed, >= 0.
    dim : int or array of int, shape S3
        Number n of bits, >= 1.
    log_mu, accuracy, log_accuracy : float or array, shape S1
        The same rate as log(mu), 1 - mu or log(1 - mu): give exactly one of the four.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3)
        Upper limit of the natural logarithm of a probability, <= 0; -inf where every word is reached.

    Raises
    ------
    TypeError, ValueError
        As `enlargement`.

    Notes
    -----
    Theorem: `HAMMING_ENLARGEMENT`.

    Examples
    --------
    >>> round(log_enlargement_complement(0.5, 1000, dim=150528), 6)
    -15.866707
    """
    rate = read_rate(mu, log_mu, accuracy, log_accuracy)
    # The words outside a ball are a ball around the opposite word, of radius n - k - 1.
    return _grow(
        rate, rate.log_complement, steps, dim, lambda k, n, start: np.minimum(_log_ball(n - k - 1.0, n), start)
    )


def _log_ball(radius: Array, dim: Array) -> Array:
    """Return the log of the measure of a ball: -inf below radius 0, 0 from radius n on."""
    inside = (radius >= 0) & (radius < dim)
    k = np.where(inside, radius, 0.0)
    return np.where(inside, special.log_betainc(dim - k, k + 1.0, 0.5), np.where(radius < 0, -math.inf, 0.0))


def least_radius(rate: Rate, dim: Array) -> Array:
    """Return the least radius of a ball of measure ``rate`` or more, up to rounding, by bisection."""
    log, log_rest = rate.log, rate.log_complement
    low, high = np.broadcast_arrays(np.full_like(dim, -1.0) + 0.0 * log, dim)  # V(low) is too little, V(high) is not
    for _ in range(int(np.max(dim, initial=1.0)).bit_length() + 1):
        middle = np.floor(0.5 * (low + high))
        # In the tail that is the smaller one, whose logarithm says more.
        ball, outside = _log_ball(middle, dim), _log_ball(dim - middle - 1.0, dim)
        reached = np.where(
            rate.z > 0,
            outside <= log_rest + _SLACK * (1.0 + np.abs(log_rest)),
            ball >= log - _SLACK * (1.0 + np.abs(log)),
        )
        low, high = np.where(reached, low, middle), np.where(reached, middle, high)
    return high


def radius_of(rate: Rate, dim: Array) -> Array:
    """Return the radius of the largest ball whose measure is at most ``rate``, up to rounding; at least 0."""
    least = least_radius(rate, dim)
    # The least ball that reaches the rate is it if it is of that measure; else it is the one before.
    upper = rate.z > 0
    excess = np.where(
        upper,
        rate.log_complement - _log_ball(dim - least - 1.0, dim),
        _log_ball(least, dim) - rate.log,
    )
    scale = 1.0 + np.abs(np.where(upper, rate.log_complement, rate.log))
    exact = (excess <= _SLACK * scale) | (rate.z == math.inf)
    return np.maximum(np.where(exact, least, least - 1.0), 0.0)


def _grow(
    rate: Rate,
    start: Array,
    steps: ArrayLike | None,
    dim: ArrayLike,
    measure: Callable[[Array, Array, Array], Array],
) -> float | Array:
    """Return ``measure`` of the ball that has grown by ``steps``, and ``start`` where it did not grow."""
    (count,) = given(steps=steps)

    def formula(steps: Array, dim: Array) -> Array:
        grown = measure(np.minimum(dim, radius_of(rate, dim) + steps), dim, start)
        still = (steps == 0) | (rate.z == -math.inf) | np.isnan(rate.z)
        return np.where(still, start, grown)

    return evaluate(formula, rate, steps=as_integers("steps", count, low=0, what="a number of bits"), dim=as_dim(dim))


HAMMING_ENLARGEMENT = Theorem(
    name="HAMMING_ENLARGEMENT",
    statement=(
        "Of all sets of words of n bits, Hamming balls grow the least: a set with at least V(k) = sum of C(n, i) over "
        "i <= k words has at least V(min(n, k + t)) words within t bits."
    ),
    formula=r"2^n\,\mu \geq V(k) \quad \Rightarrow \quad P[d_H(X, A) \leq t] \geq 2^{-n}\,V(\min(n, k + t))",
    label="theorem: typical sample",
    space=SPACE,
    assumptions=(UNIFORM_BITS,),
    direction="lower limit of the share of words within t bits of the set",
    source=HARPER_1966,
    bound=enlargement,
    extremal=None,
    tightness="Equality for Hamming balls; between the sizes of two balls the smaller one is used, which is not sharp.",
    proof=(
        "Compress the set in one coordinate, or pair of coordinates, after another: the number of words stays, the "
        "neighbourhood does not grow, and what is left is an initial piece of the words in the order of their weight."
    ),
    mistake="Steps are bits: the Euclidean distance of two words is the square root of their number.",
)
