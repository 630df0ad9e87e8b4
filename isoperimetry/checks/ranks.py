"""Rank correlation with an interval: whether models that do better in one respect do better in another one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isoperimetry import _validate
from isoperimetry._validate import Array
from isoperimetry.results import Guarantee, Record
from isoperimetry.special import log_betainc, ndtri

LEAST = 4
"""Fewest pairs: with three even a perfect order comes up once in three by chance."""
MOST_EXACT = 9
"""Most pairs whose orders are all looked at: 9! = 362,880 of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RankCorrelation(Record):
    """The result of `rank_correlation`.

    Attributes
    ----------
    rho : float
        Spearman's rank correlation, in [-1, 1].
    n : int
        Number of pairs.
    p_value : float
        Of the hypothesis that all pairings are equally likely, on both sides.
    p_value_method : str
        "all orders", exact, or "t approximation".
    low, high : float
        The interval of the correlation in the population that the pairs are drawn from.
    confidence : float
        Of the interval.
    method : str
        How the interval was made.
    guarantee : Guarantee
        What the interval rests on: it is asymptotic.
    """

    rho: float
    n: int
    p_value: float
    p_value_method: str
    low: float
    high: float
    confidence: float
    method: str
    guarantee: Guarantee

    def __str__(self) -> str:
        return (
            f"rho = {self.rho:.2f} in [{self.low:.2f}, {self.high:.2f}] (n = {self.n}, {self.confidence:g}, "
            f"{self.method}, {self.guarantee.value}), p = {self.p_value:.2g} ({self.p_value_method})"
        )


def rank_correlation(x: ArrayLike, y: ArrayLike, *, confidence: float = 0.95) -> RankCorrelation:
    r"""Return Spearman's rank correlation of pairs, with an interval and a p-value.

    .. math:: \tanh\bigl(\tanh^{-1}\hat\rho \pm z_{(1 + c) / 2} \sqrt{(1 + \hat\rho^2 / 2) / (n - 3)}\bigr)

    Parameters
    ----------
    x, y : array, shape (n,)
        At least four pairs of numbers; infinities are ranked last or first. Equal numbers share the mean of their
        ranks.
    confidence : float, default 0.95
        Of the interval, in (0, 1).

    Returns
    -------
    RankCorrelation

    Raises
    ------
    ValueError
        If there are fewer than four pairs, the lengths differ, a number is NaN, or all of one argument are equal.

    Notes
    -----
    The p-value is exact up to nine pairs, ties included: the share of all n! orders whose correlation is as far from 0.
    Beyond that it is that of Student's t with n - 2 degrees of freedom. The interval is asymptotic and takes the pairs
    to be independent draws of a population; a few models that somebody chose are not, so that it describes them at
    best. At a correlation of 1 or -1, where the formula gives no width, the inner limit is that of the nearest other
    value that n pairs can have, :math:`1 - 12 / (n^3 - n)`.

    Sources: Spearman (1904), The proof and measurement of association between two things; Bonett, Wright (2000), Sample
    size requirements for estimating Pearson, Kendall and Spearman correlations, Psychometrika 65, for the variance.

    Examples
    --------
    >>> found = rank_correlation([1, 2, 3, 4, 5, 6], [2, 1, 4, 3, 6, 5])
    >>> print(found)
    rho = 0.83 in [-0.13, 0.99] (n = 6, 0.95, Bonett-Wright, asymptotic), p = 0.058 (all orders)
    """
    first, second = (_as_numbers(name, values) for name, values in (("x", x), ("y", y)))
    if first.size != second.size:
        raise ValueError(f"x has {first.size} numbers and y has {second.size}: give pairs.")
    n = first.size
    if n < LEAST:
        raise ValueError(f"x has {n} numbers but must have at least {LEAST}: fewer say nothing about an order.")
    confidence = _validate.as_confidence(confidence)
    ranks, others = _centred(first), _centred(second)
    for name, centred in (("x", ranks), ("y", others)):
        if not centred.any():
            raise ValueError(f"{name} holds {n} equal numbers: they have no order that could be compared.")
    # Whole numbers, so that equal sums are equal. Products of two int64 square roots would round.
    product = int(ranks @ others)
    rho = product / math.sqrt(int(ranks @ ranks) * int(others @ others))
    if n <= MOST_EXACT:
        sums = others[_orders(n)] @ ranks
        p_value, how = float(np.mean(np.abs(sums) >= abs(product))), "all orders"
    else:
        # Student's t on both sides, as an incomplete beta function of 1 - rho**2.
        p_value, how = math.exp(float(log_betainc(n / 2 - 1, 0.5, max(0.0, 1 - rho**2)))), "t approximation"
    low, high = _limits(rho, n, confidence)
    return RankCorrelation(
        rho=rho, n=n, p_value=p_value, p_value_method=how, low=low, high=high, confidence=confidence,
        method="Bonett-Wright", guarantee=Guarantee.ASYMPTOTIC,
    )  # fmt: skip


def _as_numbers(name: str, values: ArrayLike) -> Array:
    array = _validate.as_float(name, values)
    if array.ndim != 1:
        raise ValueError(f"{name} has shape {array.shape} but must have one axis: a number for each pair.")
    _validate.refuse(name, array, np.isnan(array), "a number", "leave out pairs with nothing measured.")
    return array


def _centred(values: Array) -> NDArray[np.int64]:
    """Return twice the mid-ranks less twice their mean: whole numbers that add up to 0."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = counts.cumsum()
    doubled = 2 * last - counts + 1  # first rank + last rank of equal numbers
    centred: NDArray[np.int64] = (doubled[place] - (values.size + 1)).astype(np.int64)
    return centred


@cache
def _orders(n: int) -> NDArray[np.int64]:
    """Return all orders of 0 to n - 1, shape (n!, n)."""
    orders = np.zeros((1, 1), np.int64)
    for size in range(2, n + 1):  # the new largest number at each place of each order
        longer = np.empty((size, len(orders), size), np.int64)
        for place in range(size):
            longer[place] = np.insert(orders, place, size - 1, axis=1)
        orders = longer.reshape(-1, size)
    orders.setflags(write=False)
    return orders


def _limits(rho: float, n: int, confidence: float) -> tuple[float, float]:
    nearest = 1 - 12 / (n**3 - n)
    inner = min(max(rho, -nearest), nearest)
    half = float(ndtri((1 + confidence) / 2)) * math.sqrt((1 + inner**2 / 2) / (n - 3))
    low, high = (math.tanh(math.atanh(inner) + sign * half) for sign in (-1, 1))
    return (-1.0 if rho < -nearest else low), (1.0 if rho > nearest else high)
