"""The measures of pieces of lines: of normal noise along a line, and of the length of noise along a ray."""

from __future__ import annotations

import math

import numpy as np

from isoperimetry import special
from isoperimetry._validate import Array, as_count
from isoperimetry.estimators.crossings.pieces import Pieces
from isoperimetry.sets._line import Line, log_measure
from isoperimetry.sets._radial import log_shell


def log_line_measure(pieces: Pieces) -> Array:
    r"""Return the log of the standard normal measure of the pieces of each line.

    .. math:: \log \sum_i \Phi(high_i) - \Phi(low_i)

    Parameters
    ----------
    pieces : Pieces
        Intervals of n lines, in units of the noise.

    Returns
    -------
    array, shape (n,)
        -inf where there is no interval, 0 for the whole line. Neither tail cancels, and narrow intervals are
        integrated, so that the measure is as accurate as the ends.

    Examples
    --------
    >>> tail = Pieces.of([[40.0], [-float("inf")]], [[41.0], [float("inf")]])
    >>> log_line_measure(tail).round(9).tolist()
    [-804.608442014, 0.0]
    """
    used = pieces.low < np.inf
    low, high = pieces.low[used], pieces.high[used]
    logs = np.full(pieces.low.shape, -math.inf)
    if low.size:
        with np.errstate(over="ignore"):
            logs[used] = log_measure(Line(low, high, 0.5 * (high - low)), np.ones(1))
    return _total(logs)


def log_radial_measure(pieces: Pieces, dof: int) -> Array:
    r"""Return the log of the probability that the length of normal noise lies in the pieces of each ray, t >= 0.

    .. math:: \log \sum_i P[low_i \le \chi_{dof} \le high_i]

    Parameters
    ----------
    pieces : Pieces
        Intervals of n lines, in units of the noise; what is below 0 does not count.
    dof : int
        Degrees of freedom, >= 1: the dimension of the noise.

    Returns
    -------
    array, shape (n,)
        -inf where there is no interval, 0 for all of [0, inf]; accurate in both tails.

    Raises
    ------
    TypeError
        If ``dof`` is not an integer.
    ValueError
        If it is below 1.

    Examples
    --------
    >>> beyond = Pieces.of([[400.0], [-1.0]], [[float("inf")], [float("inf")]])
    >>> log_radial_measure(beyond, 150528).round(9).tolist()
    [-146.807886265, 0.0]
    """
    dim = as_count("dof", dof, low=1)
    low, high = np.maximum(pieces.low, 0.0), np.maximum(pieces.high, 0.0)
    used = low < high
    hole, open_ = used & (low > 0), used & (high == np.inf)
    logs = np.where(used, 0.0, -math.inf)
    inner, outer, shell = used & ~hole & ~open_, hole & open_, hole & ~open_
    if inner.any():
        logs[inner] = special.log_ball_probability(high[inner], dim=float(dim))
    if outer.any():
        logs[outer] = special.log_ball_complement(low[outer], dim=float(dim))
    if shell.any():
        first, last = low[shell], high[shell]
        logs[shell] = log_shell(first, last, last - first, dim, np.zeros(first.shape))[0]
    return _total(logs)


def _total(logs: Array) -> Array:
    """Return the logs of the sums of rows, at most 0."""
    return np.asarray(np.minimum(np.logaddexp.reduce(logs, axis=1), 0.0) + 0.0)
