"""Chi-distributed numbers by counter: the radius of Gaussian noise in any dimension, at the cost of a few normals.

The number of a sample is a function of (key, sample, degrees of freedom): any of them can be made alone, in any order.

**Method.** Half the square is gamma distributed with the shape a, half the degrees of freedom. For a >= 1 it is
``d (1 + t)**3`` with ``d = a - 1/3`` and a normal ``3 sqrt(d) t`` that is accepted with the probability
``exp(-d H(t))``, ``H(t) = 3 t - 3 log(1 + t) - 3/2 t**2 + t**3``, for t > -1 (G. Marsaglia, W. W. Tsang (2000). A
simple method for generating gamma variables. ACM Transactions on Mathematical Software 26). As ``H'(s) = 3 s**3 /
(1 + s)``, H is at most ``3/2 t**4`` for t >= -1/2: there a uniform number below ``1 - 3/2 d t**4`` accepts without a
logarithm, all but ``1 / (18 d)`` of the time. For 1/2 < a < 1, the number of a + 1 is taken times ``u**(1 / a)``. With
one degree of freedom it is the normal itself, without its sign. As the normals end at 8.57, so do the ``3 sqrt(d) t``.

**Counter.** The words 2 and 3 are the sample's index and the words 0 and 1 a block, as in `philox`, but with the tag 3
where `philox` has 1 and 2: no word is shared with the noise of the same key. The attempt k takes its normal from the
block 2k (the first of the two) and from the block 2k + 1 the uniform number of 52 bits, and that of u.

Bits are the same in a vector, a scalar and plain Python, as in `philox`. UNCHECKED.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isoperimetry.kernels._bits import U, as_float64
from isoperimetry.kernels._elementary import exp_parts, log_of_parts, log_parts, power_of_2
from isoperimetry.kernels._jit import kernel
from isoperimetry.kernels.philox import _BELOW_1, _ONE_BITS, _box_muller64, philox4x32
from isoperimetry.kernels.remainders import log1p_remainder

_TAG = U(3 << 62)
_0, _1, _2, _12, _32 = U(0), U(1), U(2), U(12), U(32)
_GROUP = 256
_AGAIN = -1.0  # in place of a number: it takes more than the quick test


@kernel(inline=True)
def _normal(key: Any, sample: Any, block: Any) -> Any:
    w0, w1, w2, w3 = philox4x32(block | _TAG, sample, key)
    z, _ = _box_muller64(w0 | (w1 << _32), w2 | (w3 << _32))
    return z


@kernel(inline=True)
def _uniforms(key: Any, sample: Any, block: Any) -> Any:
    """Return two uniform numbers (k + 1/2) / 2**52."""
    w0, w1, w2, w3 = philox4x32(block | _TAG, sample, key)
    u = as_float64(((w0 | (w1 << _32)) >> _12) | _ONE_BITS) - _BELOW_1
    v = as_float64(((w2 | (w3 << _32)) >> _12) | _ONE_BITS) - _BELOW_1
    return u, v


@kernel
def _log(x: float) -> float:
    k, f = log_parts(x)
    high, low = log_of_parts(k, f, 0.0)
    return high + low


@kernel
def _power(u: float, exponent: float) -> float:
    """Return ``u**exponent`` for u in (0, 1) and an exponent in (0, 1], to some ulp."""
    k, p, low = exp_parts(exponent * _log(u), 0.0)
    return power_of_2(k) * (1.0 + (p + low))


@kernel
def _is_accepted(t: float, d: float, u: float) -> bool:
    """Return whether ``u < exp(-d H(t))``."""
    if t <= -1.0:
        return False
    rest = log1p_remainder(t) if -0.5 <= t <= 1.0 else t - _log(1.0 + t)
    return _log(u) < -d * (3.0 * rest - t * t * (1.5 - t))


@kernel(inline=True)
def _passes(t: float, d: float, u: float) -> bool:
    """Return whether the quick test accepts: never what `_is_accepted` refuses."""
    square = t * t
    return (t >= -0.5) & (u < 1.0 - 1.5 * d * square * square)


@kernel(inline=True)
def _size(t: float, d: float) -> float:
    base = 1.0 + t
    return math.sqrt(2.0 * d * (base * base * base))


@kernel
def chi(dof: float, key: Any, sample: Any) -> float:
    """Return the chi-distributed number of one sample.

    Parameters
    ----------
    dof : float
        Degrees of freedom, real, in [1, 1e9].
    key, sample : uint64
        The key and the index of the sample.

    Returns
    -------
    float
        The root of a chi-square distributed number, > 0.
    """
    if dof == 1.0:
        size: float = abs(_normal(key, sample, _0))
        return size
    d = 0.5 * dof - 1.0 / 3.0
    if dof < 2.0:
        d += 1.0
    scale = 1.0 / (3.0 * math.sqrt(d))
    block = _0
    while True:
        t = scale * _normal(key, sample, block)
        u, v = _uniforms(key, sample, block | _1)
        if _passes(t, d, u) or _is_accepted(t, d, u):
            size = _size(t, d)
            return size * _power(v, 1.0 / dof) if dof < 2.0 else size
        block += _2


@kernel
def _first_attempts(out: NDArray[np.float64], start: int, n: int, d: float, scale: float, key: Any, first: Any) -> None:
    """Write the numbers that the quick test accepts at once, from out[start] on, and `_AGAIN` for the others."""
    for i in range(n):
        sample = first + U(i)
        t = scale * _normal(key, sample, _0)
        u, _ = _uniforms(key, sample, _1)
        out[U(start + i)] = _size(t, d) if _passes(t, d, u) else _AGAIN


@kernel
def fill_chi(out: NDArray[np.float64], dof: float, key: Any, first: Any) -> None:
    """Write chi-distributed numbers to ``out``; the entry i is that of the sample ``first + i``.

    Parameters
    ----------
    out : array of float64, shape (n,), C-contiguous
        Receives the numbers.
    dof : float
        Degrees of freedom, real, in [1, 1e9].
    key, first : uint64
        The key and the index of the first sample.
    """
    if dof < 2.0:
        for i in range(out.size):
            out[i] = chi(dof, key, first + U(i))
        return
    d = 0.5 * dof - 1.0 / 3.0
    scale = 1.0 / (3.0 * math.sqrt(d))
    for start in range(0, out.size, _GROUP):
        n = min(_GROUP, out.size - start)
        _first_attempts(out, start, n, d, scale, key, first + U(start))
        for i in range(start, start + n):
            if out[i] == _AGAIN:
                out[i] = chi(dof, key, first + U(i))
