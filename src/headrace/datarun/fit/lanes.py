"""Eight numbers that compiled functions compute with at once, as one vector of the processor.

Numba vectorises loops as far as it can prove that this is safe; a value of this type is a vector
in any case, on processors with 512-bit instructions one register, elsewhere two or four. Each of
its lanes is computed by itself, in the order that is written down, so that what one lane holds
depends neither on the other lanes nor on the length of the processor's vectors.

In compiled functions ``load`` and ``splat`` make such values; ``+ - * /``, ``fma``, ``sqrt``,
``absolute`` and ``exp`` compute with them; ``<``, ``<=``, ``>`` and ``>=`` compare them to masks,
which ``&``, ``|`` and ``~`` combine and ``select`` and ``bits`` use.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, ClassVar

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.imputils import lower_builtin
from numba.core.typing.templates import ConcreteTemplate, infer_global, signature
from numba.extending import intrinsic, models, register_model

from headrace.datarun.fit.compiled import kernel

WIDTH = 8
"""Lanes of a value."""

_DOUBLES = ir.VectorType(ir.DoubleType(), WIDTH)
_INTEGERS = ir.VectorType(ir.IntType(64), WIDTH)
_BITS = ir.VectorType(ir.IntType(1), WIDTH)

_LOG2_E = 1.4426950408889634
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_ROUNDING = 6755399441055744.0
_LARGEST_EXPONENT = 700.0


class LanesType(types.Type):
    """Numba's type of eight float64."""

    def __init__(self) -> None:
        """Name it."""
        super().__init__(name="Lanes")


class MaskType(types.Type):
    """Numba's type of eight truth values."""

    def __init__(self) -> None:
        """Name it."""
        super().__init__(name="LaneMask")


LANES, MASK = LanesType(), MaskType()


def _model(vector: Any) -> Any:
    class Model(models.PrimitiveModel):  # type: ignore[misc]
        def __init__(self, manager: Any, kind: Any) -> None:
            super().__init__(manager, kind, vector)

    return Model


register_model(LanesType)(_model(_DOUBLES))
register_model(MaskType)(_model(_BITS))


def _splat(builder: Any, scalar: Any) -> Any:
    one = builder.insert_element(
        ir.Constant(_DOUBLES, ir.Undefined), scalar, ir.Constant(ir.IntType(32), 0)
    )
    order = ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), [0] * WIDTH)
    return builder.shuffle_vector(one, ir.Constant(_DOUBLES, ir.Undefined), order)


def _define_operator(
    operation: Any, result: Any, kinds: tuple[tuple[Any, ...], ...], build: Callable[..., Any]
) -> None:
    """Define an operator for operands of these types; scalars become values of equal lanes."""

    class Template(ConcreteTemplate):  # type: ignore[misc]
        cases: ClassVar[list[Any]] = [signature(result, *operands) for operands in kinds]

    infer_global(operation)(Template)

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        vectors = [
            _splat(builder, arg) if kind == types.float64 else arg
            for kind, arg in zip(sig.args, args, strict=True)
        ]
        return build(builder, *vectors)

    for operands in kinds:
        lower_builtin(operation, *operands)(lower)


_PAIRS = ((LANES, LANES), (LANES, types.float64), (types.float64, LANES))
for _operation, _name in (
    (operator.add, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
):
    _define_operator(
        _operation, LANES, _PAIRS, lambda builder, a, b, name=_name: getattr(builder, name)(a, b)
    )
for _operation, _sign in (
    (operator.lt, "<"),
    (operator.le, "<="),
    (operator.gt, ">"),
    (operator.ge, ">="),
):
    _define_operator(
        _operation,
        MASK,
        _PAIRS,
        lambda builder, a, b, sign=_sign: builder.fcmp_ordered(sign, a, b),
    )
_define_operator(operator.neg, LANES, ((LANES,),), lambda builder, a: builder.fneg(a))
_define_operator(operator.and_, MASK, ((MASK, MASK),), lambda builder, a, b: builder.and_(a, b))
_define_operator(operator.or_, MASK, ((MASK, MASK),), lambda builder, a, b: builder.or_(a, b))
_define_operator(operator.invert, MASK, ((MASK,),), lambda builder, a: builder.not_(a))


def _pointer(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), _DOUBLES.as_pointer())


def _load(typing: Any, array: Any, index: Any) -> Any:
    """Return the eight numbers of an array from an index on."""

    def build(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.load(_pointer(context, builder, sig.args[0], *args), align=8)

    return LANES(array, types.intp), build


def _store(typing: Any, array: Any, index: Any, value: Any) -> Any:
    """Put eight numbers into an array from an index on."""

    def build(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        builder.store(args[2], _pointer(context, builder, sig.args[0], *args[:2]), align=8)
        return context.get_dummy_value()

    return types.void(array, types.intp, LANES), build


def _make_splat(typing: Any, value: Any) -> Any:
    """Return a number in all lanes."""
    return LANES(types.float64), lambda context, builder, sig, args: _splat(builder, args[0])


def _call(builder: Any, name: str, *operands: Any) -> Any:
    kind = ir.FunctionType(_DOUBLES, [_DOUBLES] * len(operands))
    function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.{name}.v{WIDTH}f64")
    return builder.call(function, operands)


def _fma(typing: Any, a: Any, b: Any, c: Any) -> Any:
    """Return a * b + c, rounded once where the processor can."""
    return LANES(LANES, LANES, LANES), lambda context, builder, sig, args: _call(
        builder, "fmuladd", *args
    )


def _sqrt(typing: Any, a: Any) -> Any:
    """Return the square root."""
    return LANES(LANES), lambda context, builder, sig, args: _call(builder, "sqrt", *args)


def _absolute(typing: Any, a: Any) -> Any:
    """Return the absolute value."""
    return LANES(LANES), lambda context, builder, sig, args: _call(builder, "fabs", *args)


def _select(typing: Any, mask: Any, a: Any, b: Any) -> Any:
    """Return a where the mask is true, b elsewhere."""
    return LANES(MASK, LANES, LANES), lambda context, builder, sig, args: builder.select(*args)


def _bits(typing: Any, mask: Any) -> Any:
    """Return a mask as an integer, the first lane in its lowest bit."""

    def build(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.zext(builder.bitcast(args[0], ir.IntType(WIDTH)), ir.IntType(64))

    return types.int64(MASK), build


def _scale(typing: Any, value: Any, power: Any) -> Any:
    """Return value * 2 ** n, n being the lowest bits of a number that was rounded by addition."""

    def build(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        places = ir.Constant(_INTEGERS, [52] * WIDTH)
        exponent = builder.shl(builder.bitcast(args[1], _INTEGERS), places)
        total = builder.add(builder.bitcast(args[0], _INTEGERS), exponent)
        return builder.bitcast(total, _DOUBLES)

    return LANES(LANES, LANES), build


load = intrinsic(_load)
store = intrinsic(_store)
splat = intrinsic(_make_splat)
fma = intrinsic(_fma)
sqrt = intrinsic(_sqrt)
absolute = intrinsic(_absolute)
select = intrinsic(_select)
bits = intrinsic(_bits)
_scaled = intrinsic(_scale)


@kernel
def smaller(a: Any, b: Any) -> Any:
    """Return the smaller of two; the second where they cannot be compared."""
    return select(a < b, a, b)


@kernel
def larger(a: Any, b: Any) -> Any:
    """Return the larger of two; the second where they cannot be compared."""
    return select(a > b, a, b)


@kernel
def exp(x: Any) -> Any:
    """Return e ** x within two units of the last place; 0 below -700, e ** 700 above 700."""
    limited = smaller(larger(x, splat(-_LARGEST_EXPONENT)), splat(_LARGEST_EXPONENT))
    rounded = fma(limited, splat(_LOG2_E), splat(_ROUNDING))
    n = rounded - _ROUNDING
    r = fma(n, splat(-_LN2_HIGH), limited)
    r = fma(n, splat(-_LN2_LOW), r)
    # Taylor's series to r^12, in the pairs that spare the processor from waiting.
    r2 = r * r
    r4 = r2 * r2
    low = fma(fma(r, splat(1.0 / 6.0), splat(0.5)), r2, r + 1.0)
    middle = fma(
        fma(r, splat(1.0 / 5040.0), splat(1.0 / 720.0)),
        r2,
        fma(r, splat(1.0 / 120.0), splat(1.0 / 24.0)),
    )
    high = fma(
        fma(r, splat(1.0 / 39916800.0), splat(1.0 / 3628800.0)),
        r2,
        fma(r, splat(1.0 / 362880.0), splat(1.0 / 40320.0)),
    )
    high = fma(r4, splat(1.0 / 479001600.0), high)
    value = _scaled(fma(fma(high, r4, middle), r4, low), rounded)
    return select(x < -_LARGEST_EXPONENT, splat(0.0), value)
