"""How long the noise is, compared with the distances that the theorems speak of."""

from __future__ import annotations

import functools
import math

import numpy as np
from numpy.typing import ArrayLike

from isoperimetry._validate import Array, as_nonnegative
from isoperimetry.bounds._spaces import as_dim
from isoperimetry.bounds.gaussian.halfspace import SPACE
from isoperimetry.bounds.gaussian.sources import LEDOUX_2001
from isoperimetry.bounds.rate import evaluate, stretch
from isoperimetry.bounds.theorem import GAUSSIAN_NOISE, Theorem

_SERIES_FROM = 100  # there the next term is below 1e-16
# Of sqrt(2 / n) Gamma((n + 1) / 2) / Gamma(n / 2) in 1 / n
_SERIES = (1.0, -1 / 4, 1 / 32, 5 / 128, -21 / 2048, -399 / 8192, 869 / 65536, 39325 / 262144)


@functools.cache
def _small() -> Array:
    """Return the mean norms in dimension 0 to 99, by quotients of gamma functions."""
    values = [math.sqrt(2.0) * (math.gamma((n + 1) / 2) / math.gamma(n / 2)) for n in range(1, _SERIES_FROM)]
    return np.array([0.0, *values])


def _mean_norm(dim: Array) -> Array:
    large = np.maximum(dim, _SERIES_FROM)
    series = np.sqrt(large) * np.polynomial.polynomial.polyval(1.0 / large, _SERIES)
    return np.where(dim < _SERIES_FROM, _small()[np.minimum(dim, _SERIES_FROM - 1).astype(np.intp)], series)


def noise_norm(dim: ArrayLike, sigma: ArrayLike = 1.0) -> float | Array:
    r"""Mean length of Gaussian noise.

    *Theorem: noise*: an identity. The length varies by less than ``sigma`` about it, whatever the dimension.

    .. math:: E \, |X - x_0|_2 = \sigma \sqrt{2} \; \Gamma((n + 1) / 2) / \Gamma(n / 2)

    Parameters
    ----------
    dim : int or array of int, shape S1
        Dimension n of the space, >= 1.
    sigma : float or array, shape S2, broadcast with S1
        Standard deviation of the noise, >= 0, in the unit of the inputs.

    Returns
    -------
    float or array, shape broadcast(S1, S2)
        Length in the unit of ``sigma``, between sigma sqrt(dim - 1/2) and sigma sqrt(dim).

    Raises
    ------
    TypeError
        If ``dim`` does not hold integers.
    ValueError
        If ``dim`` is below 1 or ``sigma`` negative. NaN in ``sigma`` is passed through.

    Notes
    -----
    Theorem: `NOISE_NORM`. Relative error a few times 2**-53: a quotient of gamma functions below dimension 100, a
    series in 1 / n from there; the difference of log-gamma functions would lose seven digits in large dimensions.
    The nearest error is far nearer than the noise is long: sqrt(n) / -ndtri(mu) times, 167 for an image of 224 x 224
    pixels at one error in a hundred.

    Examples
    --------
    >>> round(noise_norm(784), 9)
    27.991072854
    >>> noise_norm(1, sigma=0.5) == 0.5 * math.sqrt(2 / math.pi)
    True
    """
    return evaluate(
        lambda dim, sigma: stretch(_mean_norm(dim), sigma),
        dim=as_dim(dim),
        sigma=as_nonnegative("sigma", sigma, "the scale of the noise, in the unit of the inputs"),
    )


NOISE_NORM = Theorem(
    name="NOISE_NORM",
    statement=(
        "Gaussian noise in n dimensions has the mean length sigma sqrt(2) Gamma((n + 1) / 2) / Gamma(n / 2), which is "
        "between sigma sqrt(n - 1/2) and sigma sqrt(n)."
    ),
    formula=r"\mathrm{E}\,|X - x_0| = \sigma \sqrt{2}\,\frac{\Gamma((n + 1)/2)}{\Gamma(n/2)}",
    label="theorem: noise",
    space=SPACE,
    assumptions=(GAUSSIAN_NOISE,),
    direction="equal to the mean length of the noise",
    source=LEDOUX_2001,
    bound=noise_norm,
    extremal=None,
    tightness="An identity; the variance of the length is below sigma^2 / 2 and tends to it.",
    proof=(
        "The length is sigma times a chi number of n degrees of freedom, whose mean is a quotient of two gamma "
        "integrals. It is 1-Lipschitz in the noise, hence the small variance."
    ),
    mistake=(
        "The length grows like sqrt(n), the distance to the nearest error does not grow at all: noise much longer than "
        "an attack is no sign that the attack is strong."
    ),
)
