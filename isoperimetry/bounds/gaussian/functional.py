"""The functional form of Gaussian isoperimetry: soft classifiers in place of sets."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from isoperimetry import _validate
from isoperimetry._validate import Array, as_float, as_nonnegative, as_rate
from isoperimetry.bounds._spaces import assumption
from isoperimetry.bounds.gaussian.halfspace import SPACE, half_space_of_measure
from isoperimetry.bounds.gaussian.profile import gaussian_profile
from isoperimetry.bounds.gaussian.sources import BOBKOV_1997
from isoperimetry.bounds.rate import stretch
from isoperimetry.bounds.theorem import GAUSSIAN_NOISE, ONE_CENTER, Theorem


def bobkov_gap(
    values: ArrayLike, gradient_norms: ArrayLike, *, sigma: float = 1.0, weights: ArrayLike | None = None
) -> float | Array:
    r"""Mean slope of a soft classifier in noise, less the least one that its mean allows.

    *Theorem: Lipschitz function*, for every locally Lipschitz function f with values in [0, 1]: the gap is not
    negative.

    .. math:: E \sqrt{I(f(X))^2 + \sigma^2 \, |\nabla f(X)|_2^2} - I(E f(X)) \ge 0,
              \qquad I = \phi \circ \Phi^{-1}

    Parameters
    ----------
    values : array, shape (..., n)
        f at the nodes of a quadrature rule, or at noisy samples, in [0, 1]: for instance a probability of error.
    gradient_norms : array, shape (..., n)
        l2 norms of the gradient of f there, >= 0, per unit of the inputs.
    sigma : float
        Standard deviation of the noise, >= 0, in the unit of the inputs.
    weights : array, shape (n,), optional
        Weights of the rule, >= 0; they are divided by their sum. None: equal weights, as for samples.

    Returns
    -------
    float or array, shape (...)
        The gap, a pure number. With a rule that is exact for both means it is >= 0, and 0 where f = Phi(linear), a
        half-space among them. With samples each mean has its error, and the gap is on the average too large, by
        about Var f / (2 n I(E f)), since I is concave.

    Raises
    ------
    TypeError
        If an argument does not hold real numbers.
    ValueError
        If an argument is out of range, or the shapes do not fit. NaN is passed through.

    Notes
    -----
    Theorem: `GAUSSIAN_FUNCTIONAL`. For the indicator of a set it becomes `gaussian_profile`: the slope is the measure
    of the boundary.

    Examples
    --------
    >>> from isoperimetry.special import ndtr
    >>> x, weights = np.polynomial.hermite_e.hermegauss(60)
    >>> slope = np.exp(-((x - 0.7) ** 2) / 2) / np.sqrt(2 * np.pi)
    >>> bool(abs(bobkov_gap(ndtr(x - 0.7), slope, weights=weights)) < 1e-9)
    True
    >>> round(bobkov_gap(ndtr(x**2 - 0.7), 2 * abs(x) * np.exp(-((x**2 - 0.7) ** 2) / 2), weights=weights), 1)
    0.6
    """
    f = as_rate("values", values)
    slope = as_nonnegative("gradient_norms", gradient_norms, "the norm of a gradient")
    scale = as_nonnegative("sigma", sigma, "the scale of the noise, in the unit of the inputs")
    if scale.ndim:
        raise ValueError(f"sigma has shape {scale.shape}: it must be one number.")
    shape = _validate.broadcast_shape(values=f, gradient_norms=slope)
    if not shape or not shape[-1]:
        raise ValueError(f"values has shape {f.shape}: it must be (..., n) with n >= 1 nodes or samples.")
    if weights is None:
        w = np.full(shape[-1], 1.0 / shape[-1])
    else:
        w = as_float("weights", weights)
        if w.shape != shape[-1:]:
            raise ValueError(f"weights has shape {w.shape}: it must be ({shape[-1]},), one for each node.")
        _validate.refuse("weights", w, (w < 0) | np.isinf(w), ">= 0 and finite", "it is the weight of a node.")
        if w.sum() == 0:
            raise ValueError("weights are all zero: at least one must be > 0.")
        w = w / w.sum()
    with np.errstate(all="ignore"):
        mean_slope = np.sum(np.hypot(gaussian_profile(f), stretch(slope, scale)) * w, axis=-1)
        mean = np.clip(np.sum(f * w, axis=-1), 0.0, 1.0)
    return _validate.like_input(np.asarray(mean_slope - gaussian_profile(mean)))


GAUSSIAN_FUNCTIONAL = Theorem(
    name="GAUSSIAN_FUNCTIONAL",
    statement=(
        "A locally Lipschitz function f with values in [0, 1] has I(E f) <= E sqrt(I(f)^2 + sigma^2 |grad f|^2) in "
        "Gaussian noise, with the Gaussian profile I = phi(Phi^-1)."
    ),
    formula=r"I(\mathrm{E} f) \leq \mathrm{E} \sqrt{I(f)^2 + \sigma^2 |\nabla f|^2}",
    label="theorem: Lipschitz function",
    space=SPACE,
    assumptions=(
        GAUSSIAN_NOISE,
        ONE_CENTER,
        assumption("locally Lipschitz", "The function is locally Lipschitz, and the gradient is its own."),
    ),
    direction="lower limit of the mean slope of a function with values in [0, 1]",
    source=BOBKOV_1997,
    bound=bobkov_gap,
    extremal=half_space_of_measure,
    tightness="Equality for f = Phi(linear function) and, as a limit, for indicators of half-spaces.",
    proof=(
        "On two points it is an inequality between numbers. It is stable under products, so that it holds on the "
        "discrete cube of any dimension, and the central limit theorem carries it over to Gaussian noise."
    ),
    mistake=(
        "The profile of the mean stands on the left, the mean of the root on the right: E I(f) alone is at most "
        "I(E f), as the profile is concave."
    ),
)
