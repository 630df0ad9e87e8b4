"""Randomized smoothing: how far the decision of a classifier that averages over noise is certain."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from isoperimetry._validate import Array, as_count, as_log_rate, as_nonnegative, as_rate
from isoperimetry.bounds._spaces import assumption
from isoperimetry.bounds.gaussian.halfspace import SPACE, half_space_of_measure
from isoperimetry.bounds.gaussian.sources import COHEN_2019, TENG_2020, YANG_2020
from isoperimetry.bounds.rate import Rate, evaluate, read_rate, stretch
from isoperimetry.bounds.theorem import GAUSSIAN_NOISE, ONE_CENTER, Theorem
from isoperimetry.sets import HalfSpace

_LOG_2 = math.log(2.0)


def certified_radius(
    p_a: ArrayLike | None = None,
    p_b: ArrayLike | None = None,
    *,
    sigma: ArrayLike = 1.0,
    error_rate: ArrayLike | None = None,
    log_error_rate: ArrayLike | None = None,
) -> float | Array:
    r"""l2 radius within which a classifier smoothed by Gaussian noise keeps its decision.

    *Theorem: smoothed classifier*, for every base classifier. It is the half-space distance read the other way round.

    .. math:: R = \frac{\sigma}{2} \left(\Phi^{-1}(p_A) - \Phi^{-1}(p_B)\right), \qquad
              R = \sigma \, \Phi^{-1}(p_A) \;\text{ for }\; p_B = 1 - p_A

    Parameters
    ----------
    p_a : float or array, shape S1
        Probability of the most likely class in noise, or a lower limit of it, in [0, 1].
    p_b : float or array, shape S2, broadcast with S1, optional
        Probability of the second one, or an upper limit of it, in [0, 1]. None: 1 - p_a.
    sigma : float or array, shape S3, broadcast with S1
        Standard deviation of the noise, >= 0, in the unit of the inputs.
    error_rate, log_error_rate : float or array, shape S1
        1 - p_a or its logarithm in place of ``p_a``: near 1 a double ``p_a`` has lost the digits.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3)
        Radius in the unit of ``sigma``; 0 (abstain) where ``p_a`` does not exceed ``p_b``, inf at p_a = 1.

    Raises
    ------
    TypeError
        If not exactly one of ``p_a``, ``error_rate`` and ``log_error_rate`` is given.
    ValueError
        If an argument is out of range. NaN is passed through.

    Notes
    -----
    Theorem: `SMOOTHING_RADIUS`. With p_a the lower end of a one-sided interval of confidence 1 - alpha, the radius
    holds with that confidence; if p_b is estimated too, alpha must be split. The certificate is about the smoothed
    classifier: it limits from below the distance to points whose error rate in noise is 1/2, where
    `median_distance_bound` limits from above that of noisy samples to errors.

    Examples
    --------
    >>> round(certified_radius(0.99, sigma=0.25), 6)
    0.581587
    >>> round(certified_radius(0.9, 0.05, sigma=0.5), 6)
    0.731601
    >>> round(certified_radius(log_error_rate=-1e6, sigma=0.5), 4)
    707.1039
    """
    return _radius(p_a, p_b, error_rate, log_error_rate, lambda rate: -rate.z, "sigma", sigma)


def certified_radius_laplace(
    p_a: ArrayLike | None = None,
    p_b: ArrayLike | None = None,
    *,
    scale: ArrayLike,
    error_rate: ArrayLike | None = None,
    log_error_rate: ArrayLike | None = None,
) -> float | Array:
    r"""l1 radius within which a classifier smoothed by Laplace noise keeps its decision.

    *Theorem: smoothed classifier*, for every base classifier.

    .. math:: R = \frac{b}{2} \left(F^{-1}(p_A) - F^{-1}(p_B)\right), \qquad F(x) = \begin{cases} e^x / 2 & x \le 0 \\
              1 - e^{-x} / 2 & x \ge 0 \end{cases}

    Parameters
    ----------
    p_a : float or array, shape S1
        Probability of the most likely class in noise, or a lower limit of it, in [0, 1].
    p_b : float or array, shape S2, broadcast with S1, optional
        Probability of the second one, or an upper limit of it, in [0, 1]. None: 1 - p_a.
    scale : float or array, shape S3, broadcast with S1
        Scale b of the independent Laplace coordinates of density exp(-|x| / b) / (2 b), >= 0, in the unit of the
        inputs.
    error_rate, log_error_rate : float or array, shape S1
        1 - p_a or its logarithm in place of ``p_a``.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3)
        l1 radius in the unit of ``scale``; 0 (abstain) where ``p_a`` does not exceed ``p_b``.

    Raises
    ------
    TypeError
        If not exactly one of ``p_a``, ``error_rate`` and ``log_error_rate`` is given.
    ValueError
        If an argument is out of range. NaN is passed through.

    Notes
    -----
    Theorem: `SMOOTHING_RADIUS_LAPLACE`. For p_a > 1/2 > p_b it is -(b / 2) log(4 (1 - p_a) p_b), never less than the
    published max((b / 2) log(p_a / p_b), -b log(1 - p_a + p_b)).

    Examples
    --------
    >>> round(certified_radius_laplace(0.99, scale=1.0), 6)
    3.912023
    >>> round(certified_radius_laplace(0.9, 0.05, scale=1.0), 6)
    1.956012
    """
    return _radius(p_a, p_b, error_rate, log_error_rate, _laplace_quantile, "scale", scale)


def certified_radius_uniform(
    p_a: ArrayLike | None = None,
    p_b: ArrayLike | None = None,
    *,
    half_width: ArrayLike,
    error_rate: ArrayLike | None = None,
    log_error_rate: ArrayLike | None = None,
) -> float | Array:
    r"""l1 radius within which a classifier smoothed by uniform noise keeps its decision.

    *Theorem: smoothed classifier*, for every base classifier.

    .. math:: R = \lambda \, (p_A - p_B), \qquad R = 2 \lambda \, (p_A - 1/2) \;\text{ for }\; p_B = 1 - p_A

    Parameters
    ----------
    p_a : float or array, shape S1
        Probability of the most likely class in noise, or a lower limit of it, in [0, 1].
    p_b : float or array, shape S2, broadcast with S1, optional
        Probability of the second one, or an upper limit of it, in [0, 1]. None: 1 - p_a.
    half_width : float or array, shape S3, broadcast with S1
        The noise is uniform on the cube [-half_width, half_width]**n; >= 0, in the unit of the inputs.
    error_rate, log_error_rate : float or array, shape S1
        1 - p_a or its logarithm in place of ``p_a``.

    Returns
    -------
    float or array, shape broadcast(S1, S2, S3)
        l1 radius in the unit of ``half_width``, at most ``half_width``; 0 (abstain) where ``p_a`` does not exceed
        ``p_b``.

    Raises
    ------
    TypeError
        If not exactly one of ``p_a``, ``error_rate`` and ``log_error_rate`` is given.
    ValueError
        If an argument is out of range. NaN is passed through.

    Notes
    -----
    Theorem: `SMOOTHING_RADIUS_UNIFORM`.

    Examples
    --------
    >>> round(certified_radius_uniform(0.99, half_width=1.0), 12)
    0.98
    """
    return _radius(
        p_a, p_b, error_rate, log_error_rate, _uniform_quantile, "half_width", half_width,
        lambda top, second: np.where(
            top.complement + second.complement < 1, top.complement - second.complement, second.linear - top.linear
        ),
    )  # fmt: skip


def _read_top(
    p_a: ArrayLike | None, error_rate: ArrayLike | None, log_error_rate: ArrayLike | None
) -> tuple[str, Rate]:
    """Return the form in which the probability was given and the error rate 1 - p_a."""
    forms = {"p_a": p_a, "error_rate": error_rate, "log_error_rate": log_error_rate}
    names = [name for name, value in forms.items() if value is not None]
    if len(names) != 1:
        raise TypeError(
            f"The probability of the class was given as {' and '.join(names) or 'nothing'}: "
            "pass exactly one of p_a, error_rate=, log_error_rate=."
        )
    if p_a is not None:
        rate = read_rate(None, None, as_rate("p_a", p_a), None)
    elif error_rate is not None:
        rate = read_rate(as_rate("error_rate", error_rate), None, None, None)
    else:
        rate = read_rate(None, as_log_rate("log_error_rate", log_error_rate), None, None)  # type: ignore[arg-type]
    return names[0], rate


def _radius(
    p_a: ArrayLike | None,
    p_b: ArrayLike | None,
    error_rate: ArrayLike | None,
    log_error_rate: ArrayLike | None,
    quantile: Callable[[Rate], Array],
    name: str,
    length: ArrayLike,
    difference: Callable[[Rate, Rate], Array] | None = None,
) -> float | Array:
    """Return half the difference of the quantiles of the two probabilities, in units of ``length``.

    ``quantile`` takes the rate of the other classes: it is the upper quantile. ``difference`` is half of that of two
    rates, if it can be had without cancellation.
    """
    form, top = _read_top(p_a, error_rate, log_error_rate)
    unit = as_nonnegative(name, length, "the scale of the noise, in the unit of the inputs")
    first = quantile(top)
    if p_b is None:
        return evaluate(
            lambda **given: stretch(np.maximum(first, 0.0), given[name]), None, **{form: top.value, name: unit}
        )
    second = read_rate(None, None, as_rate("p_b", p_b), None)

    def formula(**given: Array) -> Array:
        gap = 0.5 * (first - quantile(second)) if difference is None else difference(top, second)
        both = np.isinf(first) & (first == quantile(second))  # two certain classes contradict one another: abstain
        return stretch(np.maximum(np.where(both, 0.0, gap), 0.0), given[name])

    return evaluate(formula, None, **{form: top.value, "p_b": second.value, name: unit})


def _laplace_quantile(rate: Rate) -> Array:
    """Return the number that a standard Laplace number exceeds with the probability ``rate``."""
    with np.errstate(all="ignore"):
        upper, lower = -(rate.log + _LOG_2), rate.log_complement + _LOG_2
        if rate.form in ("mu", "accuracy"):  # near 1/2 the logs would cancel
            upper, lower = -np.log(2.0 * rate.linear), np.log(2.0 * rate.complement)
    return np.where(rate.z <= 0, upper, lower)


def _uniform_quantile(rate: Rate) -> Array:
    """Return the number that a number uniform on [-1, 1] exceeds with the probability ``rate``."""
    return rate.complement - rate.linear


def _half_space(quantile: Callable[[Rate], Array], mu: float, length: float, dim: int) -> HalfSpace:
    rate = read_rate(mu, None, None, None)
    normal = np.zeros(as_count("dim", dim, low=1))
    normal[0] = 1.0
    return HalfSpace(normal, length * float(quantile(rate)))


def laplace_half_space(mu: float, scale: float = 1.0, *, dim: int = 1) -> HalfSpace:
    """Return ``{x: x_1 >= offset}`` of measure ``mu`` under Laplace noise about the origin.

    Parameters
    ----------
    mu : float
        Measure, in [0, 1].
    scale : float
        Scale of the Laplace coordinates, > 0, in the unit of the inputs.
    dim : int
        Dimension of the space, >= 1.

    Returns
    -------
    HalfSpace
        The error set for which the radius is exact.

    Examples
    --------
    >>> round(laplace_half_space(0.01).offset, 6)
    3.912023
    """
    return _half_space(_laplace_quantile, mu, scale, dim)


def uniform_half_space(mu: float, half_width: float = 1.0, *, dim: int = 1) -> HalfSpace:
    """Return ``{x: x_1 >= offset}`` of measure ``mu`` under uniform noise on a cube about the origin.

    Parameters
    ----------
    mu : float
        Measure, in [0, 1].
    half_width : float
        Half of the side of the cube, > 0, in the unit of the inputs.
    dim : int
        Dimension of the space, >= 1.

    Returns
    -------
    HalfSpace
        The error set for which the radius is exact.

    Examples
    --------
    >>> round(uniform_half_space(0.01).offset, 12)
    0.98
    """
    return _half_space(_uniform_quantile, mu, half_width, dim)


SMOOTHING_RADIUS = Theorem(
    name="SMOOTHING_RADIUS",
    statement=(
        "A classifier smoothed by Gaussian noise keeps its decision within R = (sigma / 2) (Phi^-1(p_A) - "
        "Phi^-1(p_B)) in l2, where p_A and p_B are the probabilities of the two most likely classes."
    ),
    formula=r"R = \frac{\sigma}{2} \left(\Phi^{-1}(p_A) - \Phi^{-1}(p_B)\right)",
    label="theorem: smoothed classifier",
    space=SPACE,
    assumptions=(GAUSSIAN_NOISE, ONE_CENTER),
    direction="lower limit of the distance from the center to points that the smoothed classifier decides otherwise",
    source=COHEN_2019,
    bound=certified_radius,
    extremal=half_space_of_measure,
    tightness="Equality if the class is a half-space: no larger radius holds for all base classifiers.",
    proof=(
        "Among all sets of a given probability at the center, a half-space loses most when the center moves (Neyman "
        "and Pearson); hence Phi^-1 of the probability changes by at most the distance over sigma."
    ),
    mistake=(
        "The probability itself has slope at most 1 / (sigma sqrt(2 pi)); sqrt(2 / pi) / sigma is for functions with "
        "values in [-1, 1]. And the certificate is for the smoothed classifier, not for the one that is smoothed."
    ),
)
SMOOTHING_RADIUS_LAPLACE = Theorem(
    name="SMOOTHING_RADIUS_LAPLACE",
    statement=(
        "A classifier smoothed by Laplace noise of scale b keeps its decision within R = (b / 2) (F^-1(p_A) - "
        "F^-1(p_B)) in l1, where F is the standard Laplace distribution function."
    ),
    formula=r"R = \frac{b}{2} \left(F^{-1}(p_A) - F^{-1}(p_B)\right)",
    label="theorem: smoothed classifier",
    space="R^n with independent Laplace coordinates of scale b",
    assumptions=(
        assumption("Laplace noise", "The coordinates of the noise are independent Laplace numbers of one scale."),
        ONE_CENTER,
    ),
    direction="lower limit of the l1 distance from the center to points that the smoothed classifier decides otherwise",
    source=TENG_2020,
    bound=certified_radius_laplace,
    extremal=laplace_half_space,
    tightness="Equality for two classes divided by a half-space across one coordinate.",
    proof=(
        "In one coordinate the best tests are half-lines, which makes F^-1 of the probability 1 / b-Lipschitz; the "
        "trade-off curve is convex, so that the other coordinates do no harm, and steps along coordinates add."
    ),
    mistake=(
        "The published max((b / 2) log(p_A / p_B), -b log(1 - p_A + p_B)) is never larger, and smaller where p_A > 1/2 "
        "unless p_B = 1 - p_A."
    ),
)
SMOOTHING_RADIUS_UNIFORM = Theorem(
    name="SMOOTHING_RADIUS_UNIFORM",
    statement=(
        "A classifier smoothed by uniform noise on [-lambda, lambda]^n keeps its decision within "
        "R = lambda (p_A - p_B) in l1."
    ),
    formula=r"R = \lambda\,(p_A - p_B)",
    label="theorem: smoothed classifier",
    space="R^n with noise that is uniform on a cube",
    assumptions=(
        assumption("uniform noise", "The coordinates of the noise are independent and uniform on [-lambda, lambda]."),
        ONE_CENTER,
    ),
    direction="lower limit of the l1 distance from the center to points that the smoothed classifier decides otherwise",
    source=YANG_2020,
    bound=certified_radius_uniform,
    extremal=uniform_half_space,
    tightness="Equality for two classes divided by a half-space across one coordinate.",
    proof=(
        "Two cubes that differ by a step of length d along a coordinate differ on the share d / (2 lambda) of their "
        "volume; the probability is 1 / (2 lambda)-Lipschitz in l1."
    ),
    mistake="The radius is an l1 radius: in l2 and l_inf nothing of the kind holds independently of the dimension.",
)
