"""Groups of elements of an array, sorted by the piece of a function that they need.

The piece that most elements of a group need is evaluated for all of them. The others are gathered, go through theirs,
and are put back. So no element's bits depend on its neighbours.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from isoperimetry.kernels._bits import U, between, ones, trailing_zeros
from isoperimetry.kernels._jit import kernel

Array = NDArray[np.float64]
Words = NDArray[np.uint64]

GROUP = 256
"""Elements of a group: few enough for the first-level cache with all that is made of them."""

N_WORDS = GROUP // 64
_0, _1 = U(0), U(1)


@kernel
def load(x: Array, begin: int, a: Array) -> int:
    """Copy the next group of ``x`` to ``a`` and return its size."""
    n = min(GROUP, x.size - begin)
    for i in range(n):
        a[i] = x[U(begin + i)]  # an unsigned index needs no handling of negative ones
    return n


@kernel
def store(b: Array, n: int, out: Array, begin: int) -> None:
    """Copy the results of a group to their place in ``out``."""
    for i in range(n):
        out[U(begin + i)] = b[i]


@kernel
def sort(a: Array, n: int, low: Array, high: Array, words: Words) -> tuple[int, bool]:
    """Mark the kind of each of the first n elements; return the kind that most have, and whether all have it.

    Parameters
    ----------
    a : array, shape (GROUP,)
        The elements.
    n : int
        How many they are, at least 1.
    low, high : arrays, shape (kinds - 1,)
        An element of kind k is between them; one that fits none, as NaN, is of the last kind.
    words : array of uint64, shape (kinds * N_WORDS,)
        Receives the marks of each kind, a bit for each element, unless all are of one kind.
    """
    last = low.size
    most, count, rest = last, 0, n
    for kind in range(last):
        found = 0
        for i in range(N_WORDS):
            left = n - 64 * i
            word = _0
            if left > 0:
                word = between(a, 64 * i, low[kind], high[kind]) & (~_0 if left >= 64 else (_1 << U(left)) - _1)
            words[kind * N_WORDS + i] = word
            found += int(ones(word))
        if found == n:
            return kind, True
        rest -= found
        if found > count:
            most, count = kind, found
    if rest == n:
        return last, True
    for i in range(N_WORDS):
        left = n - 64 * i
        word = _0
        if left > 0:
            word = ~_0 if left >= 64 else (_1 << U(left)) - _1
            for kind in range(last):
                word &= ~words[kind * N_WORDS + i]
        words[last * N_WORDS + i] = word
    return (last if rest > count else most), False


@kernel
def gather(a: Array, words: Words, kind: int, index: Words, part: Array) -> int:
    """Copy the elements of a kind to ``part`` and their places to ``index``; return their number."""
    count = 0
    for i in range(N_WORDS):
        word = words[kind * N_WORDS + i]
        while word != _0:
            index[count] = U(64 * i) + trailing_zeros(word)
            count += 1
            word &= word - _1
    for j in range(count):
        part[j] = a[index[j]]
    return count


@kernel
def put_back(part: Array, n: int, index: Words, b: Array) -> None:
    """Write the results of gathered elements to their places."""
    for j in range(n):
        b[index[j]] = part[j]
