"""How near a set comes to the isoperimetric bound."""

from __future__ import annotations

import math
from typing import Any

from numpy.typing import ArrayLike

from isoperimetry.bounds.gaussian import quantile_distance_bound
from isoperimetry.sets import DistanceLaw, ErrorSet
from isoperimetry.sets.base import ComplementedSet, one_number


def efficiency(error_set: ErrorSet, *, q: float = 0.5, center: ArrayLike | None = None, sigma: float = 1.0) -> float:
    r"""Share of the largest possible q-quantile of the distance that the samples have from a set.

    *Theorem: typical noisy sample*: it is at most 1, and 1 for half-spaces alone.

    .. math:: \mathrm{eff}_q(E) = \frac{Q_q(d(X, E))}{\sigma\,(\Phi^{-1}(q) - \Phi^{-1}(\mu))}

    Parameters
    ----------
    error_set : ErrorSet
        A set whose log_volume and enlarged_volume are exact here, as `capabilities` says for every center.
    q : float
        Level of the quantile, in (0, 1); 0.5 is the median.
    center : array, shape (dim,), optional
        Center of the noise; None: the origin.
    sigma : float
        Scale of the noise, > 0 and finite, in the unit of the inputs.

    Returns
    -------
    float
        At least 0 and at most 1, to rounding: 1e-16 over the bound in units of ``sigma``, as for ``q`` near the measure
        the bound is a small difference. NaN where there is nothing to compare: the set has measure
        0, or at least ``q``.

    Raises
    ------
    NotExact
        If the enlargements of the set have no exact measure.
    TypeError
        If ``error_set`` is no error set.
    ValueError
        If ``q`` or ``sigma`` is out of range.

    Notes
    -----
    Theorem: `GAUSSIAN_DISTANCE`. Balls and their complements come near 1 / sqrt(2) in high dimension: the distance of a
    sample to a centered ball varies half as much as its distance to a half-space.

    Examples
    --------
    >>> from isoperimetry.sets import HalfSpace, Slab
    >>> round(efficiency(HalfSpace([3.0, 4.0], 2.0)), 12)
    1.0
    >>> round(efficiency(Slab([1.0], 0.0, 0.02)), 6)
    0.305053
    """
    if not isinstance(error_set, ErrorSet):
        raise TypeError(f"error_set={error_set!r} must be a set of isoperimetry.sets.")
    level = one_number("q", q, lambda t: ~((t <= 0) | (t >= 1)), "in (0, 1)", "it is the level of a quantile.")
    true = float(DistanceLaw(error_set, center, sigma).quantile(level))
    log_mu = float(error_set.log_volume(center, sigma))
    rate: dict[str, Any] = {"log_mu": log_mu}
    if log_mu > -0.5 and isinstance(error_set, ComplementedSet):
        rate = {"log_accuracy": float(error_set.complement_log_volume(center, sigma))}
    bound = float(quantile_distance_bound(sigma=sigma, q=q, **rate))
    return true / bound if 0 < bound < math.inf else math.nan
