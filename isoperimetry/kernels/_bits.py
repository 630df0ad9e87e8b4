"""One-instruction operations that Numba lacks: fused multiply-add and casts between numbers and their bits.

Each is a plain Python function with the exact result, and a single LLVM instruction in compiled code. A fused
multiply-add is rounded once by definition, so code written with `fma` gives the same bits on every processor, in a
vector or scalar loop, and as plain Python; ``a * b + c`` leaves the rounding to the compiler.

Words are uint64 (the only unsigned type that Numba does not promote); a 32-bit word is held in the low half of one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import lower_builtin, type_callable

F = TypeVar("F", bound=Callable[..., Any])

_I32, _I64, _F32, _F64 = ir.IntType(32), ir.IntType(64), ir.FloatType(), ir.DoubleType()
_LOW32 = 0xFFFFFFFF


def _instruction(emit: Callable[..., Any], *signatures: tuple[Any, ...]) -> Callable[[F], F]:
    """Give a plain function its compiled form: ``emit(builder, *args)`` for signatures (result, *arguments)."""
    results = {tuple(arguments): result for result, *arguments in signatures}

    def type_1(context: Any) -> Any:
        return lambda x: results.get((x,))

    def type_3(context: Any) -> Any:  # Numba binds the arguments by the typer's own parameters: no *args here
        return lambda a, b, c: results.get((a, b, c))

    def decorate(plain: F) -> F:
        type_callable(plain)(type_1 if len(signatures[0]) == 2 else type_3)
        for arguments in results:
            lower_builtin(plain, *arguments)(lambda context, builder, signature, args: emit(builder, *args))
        return plain

    return decorate


def _fma64(a: float, b: float, c: float) -> float:
    (na, da), (nb, db), (nc, dc) = a.as_integer_ratio(), b.as_integer_ratio(), c.as_integer_ratio()
    return (na * nb * dc + nc * da * db) / (da * db * dc)  # exact integers; their quotient is rounded once


def _fma32(a: float, b: float, c: float) -> np.float32:
    product = a * b  # exact: 24 + 24 bits
    total = product + c
    part = total - product
    error = (product - (total - part)) + (c - part)
    if math.isfinite(total) and error and not np.float64(total).view(np.uint64) & np.uint64(1):
        # Rounding to odd keeps the second rounding, to 24 bits, from seeing a tie that is none.
        total = math.nextafter(total, math.copysign(math.inf, error))
    return np.float32(total)


@_instruction(
    lambda builder, a, b, c: builder.fma(a, b, c),
    (types.float32, types.float32, types.float32, types.float32),
    (types.float64, types.float64, types.float64, types.float64),
)
def fma(a: Any, b: Any, c: Any) -> Any:
    """Return ``a * b + c`` rounded once; the three are float32 or all are float64."""
    x, y, z = float(a), float(b), float(c)
    if isinstance(a, np.float32):
        return _fma32(x, y, z)
    return np.float64(_fma64(x, y, z) if math.isfinite(x * y + z) else x * y + z)


@_instruction(lambda builder, word: builder.bitcast(word, _F64), (types.float64, types.uint64))
def as_float64(word: Any) -> Any:
    """Return the float64 with these 64 bits."""
    return np.uint64(word).view(np.float64)


@_instruction(lambda builder, x: builder.bitcast(x, _I64), (types.uint64, types.float64))
def as_word64(x: Any) -> Any:
    """Return the 64 bits of a float64."""
    return np.float64(x).view(np.uint64)


@_instruction(lambda builder, word: builder.bitcast(builder.trunc(word, _I32), _F32), (types.float32, types.uint64))
def as_float32(word: Any) -> Any:
    """Return the float32 with the low 32 bits of the word."""
    return np.uint32(int(word) & _LOW32).view(np.float32)


@_instruction(lambda builder, x: builder.zext(builder.bitcast(x, _I32), _I64), (types.uint64, types.float32))
def as_word32(x: Any) -> Any:
    """Return the 32 bits of a float32."""
    return np.uint64(np.float32(x).view(np.uint32))


@_instruction(lambda builder, word: builder.sitofp(builder.trunc(word, _I32), _F32), (types.float32, types.uint64))
def signed32(word: Any) -> Any:
    """Return the low 32 bits of the word, read as a signed integer, rounded to float32."""
    return np.float32(np.uint32(int(word) & _LOW32).view(np.int32))
