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
def copy(source: Array, target: Array) -> None:
    """Copy a group."""
    for i in range(source.size):
        target[i] = source[i]


@kernel
def sort(x: Array, low: Array, high: Array, words: Words) -> tuple[int, bool]:
    """Mark the kind of each element; return the kind that most have, and whether all have it.

    Parameters
    ----------
    x : array, shape (n,)
        The elements, at least one and at most GROUP.
    low, high : arrays, shape (kinds - 1,)
        An element of kind k is between them; one that fits none, as NaN, is of the last kind.
    words : array of uint64, shape (kinds * N_WORDS,)
        Receives the marks of each kind, a bit for each element, unless all are of one kind.
    """
    last = low.size
    n_words = (x.size + 63) // 64
    most, count, rest = last, 0, x.size
    for kind in range(last):
        found = 0
        for i in range(n_words):
            left = x.size - 64 * i
            word = _0
            if left >= 64:
                word = between(x, 64 * i, low[kind], high[kind])
            else:
                for j in range(left):
                    if low[kind] <= x[64 * i + j] <= high[kind]:
                        word |= _1 << U(j)
            words[kind * N_WORDS + i] = word
            found += int(ones(word))
        if found == x.size:
            return kind, True
        rest -= found
        if found > count:
            most, count = kind, found
    if rest == x.size:
        return last, True
    for i in range(n_words):
        left = x.size - 64 * i
        word = ~_0 if left >= 64 else (_1 << U(left)) - _1
        for kind in range(last):
            word &= ~words[kind * N_WORDS + i]
        words[last * N_WORDS + i] = word
    return (last if rest > count else most), False


@kernel
def gather(x: Array, words: Words, kind: int, index: Words, part: Array) -> int:
    """Copy the elements of a kind to ``part`` and their places to ``index``; return their number.

    Copies of the last one fill the last vector, see `whole_vectors`: those left over would be evaluated one by one.
    """
    count = 0
    for i in range((x.size + 63) // 64):
        word = words[kind * N_WORDS + i]
        while word != _0:
            index[count] = U(64 * i) + trailing_zeros(word)
            count += 1
            word &= word - _1
    for j in range(count):
        part[j] = x[index[j]]
    for j in range(count, whole_vectors(count)):
        part[j] = part[count - 1]
    return count


@kernel(inline=True)
def whole_vectors(n: int) -> int:
    """Return the least number of elements that fills vectors and is at least n."""
    return (n + 7) // 8 * 8


@kernel
def put_back(part: Array, n: int, index: Words, y: Array) -> None:
    """Write the results of gathered elements to their places."""
    for j in range(n):
        y[index[j]] = part[j]
