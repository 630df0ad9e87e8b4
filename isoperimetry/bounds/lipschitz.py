"""How far a Lipschitz function of noisy inputs strays from its median and from its mean."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from isoperimetry import special
from isoperimetry._validate import Array, as_choice, as_nonnegative
from isoperimetry.bounds._spaces import assumption
from isoperimetry.bounds.gaussian.halfspace import SPACE, half_space_of_measure
from isoperimetry.bounds.gaussian.sources import CIRELSON_IBRAGIMOV_SUDAKOV_1976
from isoperimetry.bounds.rate import evaluate, shrink, stretch
from isoperimetry.bounds.theorem import GAUSSIAN_NOISE, ONE_CENTER, Theorem


def lipschitz_tail(
    t: ArrayLike, lipschitz: ArrayLike, sigma: ArrayLike = 1.0, *, around: str = "median"
) -> float | Array:
    r"""Largest probability that a Lipschitz function of noisy inputs exceeds its median, or its mean, by more than t.

    *Theorem: Lipschitz function*, for every F with :math:`|F(x) - F(y)| \le L \, |x - y|_2`, in any dimension.

    .. math:: P[F(X) > \mathrm{med}\, F + t] \le \Phi(-t / (L \sigma)), \qquad
              P[F(X) > E F + t] \le \exp(-t^2 / (2 L^2 \sigma^2))

    Parameters
    ----------
    t : float or array, shape S1
        How far above, >= 0, in the unit of F. For t > 0 the event F >= median + t has the same limit.
    lipschitz : float or array, shape S2
        Lipschitz constant L of F in l2, >= 0, in the unit of F per unit of the inputs.
    sigma : float or array, shape S3
        Standard deviation of the noise, >= 0, in the unit of the inputs.
    around : {"median", "mean"}
        What the values are compared with.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3)
        Upper limit of a probability, in [0, 1]: 1/2 (around the median) or 1 (around the mean) at t = 0.

    Raises
    ------
    ValueError
        If an argument is out of range. NaN is passed through.

    Notes
    -----
    Theorem: `LIPSCHITZ_TAIL`. The same limits hold below, with -F. The distance to an error set is 1-Lipschitz: from
    both sides of its median m, P[d > m + t] and P[d < m - t] are at most Phi(-t / sigma). Mean and median differ by at
    most L sigma / sqrt(2 pi), with equality for max(x_1, 0).

    Examples
    --------
    >>> round(lipschitz_tail(2.0, lipschitz=1.0), 6)
    0.02275
    >>> round(lipschitz_tail(2.0, lipschitz=1.0, around="mean"), 6)
    0.135335
    """
    return _tail(t, lipschitz, sigma, around, lambda r: np.asarray(special.ndtr(-r)), lambda r: np.exp(-0.5 * r * r))


def log_lipschitz_tail(
    t: ArrayLike, lipschitz: ArrayLike, sigma: ArrayLike = 1.0, *, around: str = "median"
) -> float | Array:
    r"""Logarithm of `lipschitz_tail`, finite where that underflows.

    *Theorem: Lipschitz function*, in any dimension.

    .. math:: \log P[F(X) > \mathrm{med}\, F + t] \le \log \Phi(-t / (L \sigma))

    Parameters
    ----------
    t : float or array, shape S1
        How far above, >= 0, in the unit of F.
    lipschitz : float or array, shape S2
        Lipschitz constant of F in l2, >= 0, in the unit of F per unit of the inputs.
    sigma : float or array, shape S3
        Standard deviation of the noise, >= 0, in the unit of the inputs.
    around : {"median", "mean"}
        What the values are compared with.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3)
        Upper limit of the natural logarithm of a probability, <= 0.

    Raises
    ------
    ValueError
        If an argument is out of range. NaN is passed through.

    Notes
    -----
    Theorem: `LIPSCHITZ_TAIL`.

    Examples
    --------
    >>> round(log_lipschitz_tail(100.0, lipschitz=1.0), 6)
    -5005.524209
    >>> log_lipschitz_tail(100.0, lipschitz=1.0, around="mean")
    -5000.0
    """
    return _tail(t, lipschitz, sigma, around, lambda r: np.asarray(special.log_ndtr(-r)), lambda r: 0.0 - 0.5 * r * r)


def _tail(
    t: ArrayLike,
    lipschitz: ArrayLike,
    sigma: ArrayLike,
    around: str,
    median: Callable[[Array], Array],
    mean: Callable[[Array], Array],
) -> float | Array:
    """Return one of two functions of t / (L sigma): 0 at t = 0 even for a constant function."""
    formula = median if as_choice("around", around, ("median", "mean")) == "median" else mean
    return evaluate(
        lambda t, lipschitz, sigma: formula(shrink(t, stretch(lipschitz, sigma))),
        t=as_nonnegative("t", t, "a difference of values of the function"),
        lipschitz=as_nonnegative("lipschitz", lipschitz, "a Lipschitz constant"),
        sigma=as_nonnegative("sigma", sigma, "the scale of the noise, in the unit of the inputs"),
    )


LIPSCHITZ_TAIL = Theorem(
    name="LIPSCHITZ_TAIL",
    statement=(
        "An L-Lipschitz function F of Gaussian noise has P[F > med F + t] <= Phi(-t / (L sigma)) and "
        "P[F > E F + t] <= exp(-t^2 / (2 L^2 sigma^2)) for t >= 0."
    ),
    formula=r"P[F > \mathrm{med}\,F + t] \leq \Phi\left(-\frac{t}{L\,\sigma}\right)",
    label="theorem: Lipschitz function",
    space=SPACE,
    assumptions=(
        GAUSSIAN_NOISE,
        ONE_CENTER,
        assumption("Lipschitz", "The function changes by at most L times the l2 distance of two inputs."),
    ),
    direction="upper limit of the probability of large values",
    source=CIRELSON_IBRAGIMOV_SUDAKOV_1976,
    bound=lipschitz_tail,
    extremal=half_space_of_measure,
    tightness="Around the median equality for linear functions, which exceed a level on a half-space.",
    proof=(
        "The set where F is at most its median has measure 1/2 or more, and F exceeds the median by t only at distance "
        "t / L from it; the rest is the enlargement inequality. Around the mean: E exp(s (F - E F)) <= exp(s^2 L^2 "
        "sigma^2 / 2) along the heat flow, and Markov's inequality."
    ),
    mistake=(
        "Mean and median differ by up to L sigma / sqrt(2 pi), so that the first limit does not hold around the mean; "
        "the difference is often quoted with sqrt(pi / 2), which is 3.14 times too large."
    ),
)
