"""Operations that Numba lacks: fused multiply-add, polynomials of it, casts between numbers and bits, masks.

Each is a plain Python function with the exact result, and a single LLVM instruction in compiled code, or a few. A fused
multiply-add is rounded once by definition, so code written with `fma` gives the same bits on every processor, in a
vector or scalar loop, and as plain Python.

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

U = np.uint64
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
    if not (math.isfinite(a) and math.isfinite(b) and math.isfinite(c)):
        return a * b + c
    (na, da), (nb, db), (nc, dc) = a.as_integer_ratio(), b.as_integer_ratio(), c.as_integer_ratio()
    top, bottom = na * nb * dc + nc * da * db, da * db * dc
    if top == 0:
        return a * b + c  # for the sign of the zero
    try:
        return top / bottom  # exact integers; their quotient is rounded once
    except OverflowError:
        return math.inf if top > 0 else -math.inf


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
    return type(a)(_fma64(x, y, z))


def horner(x: float, coefficients: tuple[float, ...]) -> float:
    """Return the value of a polynomial, the highest power first, as a chain of `fma`."""
    total = coefficients[0]
    for c in coefficients[1:]:
        total = fma(total, x, c)
    return total


def poly(x: float, coefficients: tuple[float, ...]) -> float:
    """Do the same by the even and the odd powers: two short chains, where the processor would wait for a long one."""
    first, second = horner(x * x, coefficients[::2]), horner(x * x, coefficients[1::2])
    total: float = fma(x, first, second) if len(coefficients) % 2 == 0 else fma(x, second, first)
    return total


def _emit_horner(builder: Any, x: Any, coefficients: list[Any]) -> Any:
    total = coefficients[0]
    for c in coefficients[1:]:
        total = builder.fma(total, x, c)
    return total


def _emit_poly(builder: Any, x: Any, coefficients: list[Any]) -> Any:
    square = builder.fmul(x, x)
    chains = [_emit_horner(builder, square, coefficients[part::2]) for part in range(2)]
    high, low = chains if len(coefficients) % 2 == 0 else chains[::-1]
    return builder.fma(x, high, low)


def _polynomial(function: Callable[..., Any], emit: Callable[..., Any]) -> None:
    """Give a polynomial its compiled form: instructions in line, of which a loop over a tuple would become the same."""

    def type_polynomial(context: Any) -> Any:
        def typer(x: Any, coefficients: Any) -> Any:
            fits = isinstance(coefficients, types.UniTuple) and coefficients.dtype == types.float64
            return types.float64(types.float64, coefficients) if fits else None

        return typer

    def lower_polynomial(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        x, values = args
        return emit(builder, x, [builder.extract_value(values, i) for i in range(signature.args[1].count)])

    type_callable(function)(type_polynomial)
    lower_builtin(function, types.float64, types.UniTuple)(lower_polynomial)


_polynomial(horner, _emit_horner)
_polynomial(poly, _emit_poly)


@_instruction(lambda builder, word: builder.bitcast(word, _F64), (types.float64, types.uint64))
def as_float64(word: Any) -> float:
    """Return the float64 with these 64 bits."""
    return float(np.uint64(word).view(np.float64))


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


@_instruction(lambda builder, word: builder.cttz(word, ir.Constant(ir.IntType(1), 1)), (types.uint64, types.uint64))
def trailing_zeros(word: Any) -> Any:
    """Return the number of zeros below the lowest bit that is set; the word is not 0."""
    bits = int(word)
    return np.uint64((bits & -bits).bit_length() - 1)


@_instruction(lambda builder, word: builder.ctpop(word), (types.uint64, types.uint64))
def ones(word: Any) -> Any:
    """Return the number of bits that are set."""
    return np.uint64(int(word).bit_count())


def between(values: Any, start: Any, low: Any, high: Any) -> Any:
    """Return a word whose bit i is set where ``low <= values[start + i] <= high``, for i from 0 to 63.

    ``values`` is a contiguous float64 array. Compiled, these are vector comparisons.
    """
    word = 0
    for i in range(64):
        word |= int(low <= float(values[int(start) + i]) <= high) << i
    return np.uint64(word)


def _type_between(context: Any) -> Any:
    def typer(values: Any, start: Any, low: Any, high: Any) -> Any:
        fits = isinstance(values, types.Array) and values.dtype == types.float64 and values.layout == "C"
        return types.uint64(values, types.intp, types.float64, types.float64) if fits else None

    return typer


def _lower_between(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    array = context.make_array(signature.args[0])(context, builder, args[0])
    lanes = ir.VectorType(_F64, 8)

    def spread(value: Any) -> Any:
        first = builder.insert_element(ir.Constant(lanes, ir.Undefined), value, ir.Constant(_I32, 0))
        return builder.shuffle_vector(first, first, ir.Constant(ir.VectorType(_I32, 8), [0] * 8))

    low, high = spread(args[2]), spread(args[3])
    word = ir.Constant(_I64, 0)
    for part in range(8):
        place = builder.gep(array.data, [builder.add(args[1], ir.Constant(_I64, 8 * part))])
        loaded = builder.load(builder.bitcast(place, lanes.as_pointer()), align=8, typ=lanes)
        fits = builder.and_(builder.fcmp_ordered(">=", loaded, low), builder.fcmp_ordered("<=", loaded, high))
        eight = builder.zext(builder.bitcast(fits, ir.IntType(8)), _I64)
        word = builder.or_(word, builder.shl(eight, ir.Constant(_I64, 8 * part)))
    return word


type_callable(between)(_type_between)
lower_builtin(between, types.Array, types.intp, types.float64, types.float64)(_lower_between)
