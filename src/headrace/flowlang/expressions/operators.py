"""Operators: Python's, each with a look at the size of its result before it is made."""

from __future__ import annotations

import ast
import operator
import sys
from collections.abc import Callable
from typing import Any, Final

from headrace.flowlang import limits
from headrace.flowlang.errors import BudgetError
from headrace.flowlang.expressions.formatting import percent_format
from headrace.flowlang.expressions.frame import Frame, check_integer

Binary = Callable[[Frame, Any, Any], Any]
Unary = Callable[[Frame, Any], Any]

_SEQUENCES: Final = (str, list, tuple)


def _add(frame: Frame, a: Any, b: Any) -> Any:
    if isinstance(a, _SEQUENCES) and isinstance(b, _SEQUENCES):
        frame.make(type(a), len(a) + len(b))
        if not isinstance(a, str):
            _check_sum(frame, a, b)
    return _number(a + b)


def _check_sum(frame: Frame, a: Any, b: Any) -> None:
    frame.check_weight(sum(frame.weigh(a)) + sum(frame.weigh(b)))


def _multiply(frame: Frame, a: Any, b: Any) -> Any:
    if isinstance(a, _SEQUENCES) or isinstance(b, _SEQUENCES):
        sequence, times = (a, b) if isinstance(a, _SEQUENCES) else (b, a)
        if isinstance(times, int) and times > 0:
            frame.make(type(sequence), len(sequence) * times)
            if not isinstance(sequence, str):
                frame.check_weight(sum(frame.weigh(sequence)) * times)
    elif isinstance(a, int) and isinstance(b, int):
        check_integer(a.bit_length() + b.bit_length())
        frame.calculate(a.bit_length(), b.bit_length())
    return a * b


def _power(frame: Frame, a: Any, b: Any) -> Any:
    if abs(a) > limits.MAX_POWER or abs(b) > limits.MAX_POWER:
        raise BudgetError(f"takes a power of or by more than {limits.MAX_POWER:,}")
    if isinstance(a, int) and isinstance(b, int) and b > 0 and abs(a) > 1:
        # Both factors are below 2**64 or the product is far beyond the limit anyway.
        bits = a.bit_length() if b == 1 else (a.bit_length() - 1) * b
        check_integer(bits)
        frame.calculate(bits)
    value = a**b
    if isinstance(value, complex):
        raise ValueError("a negative number has no real power with a fraction")
    return _number(value)


def _shift_left(frame: Frame, a: Any, b: Any) -> Any:
    del frame
    _check_shift(a, b)
    if isinstance(a, int) and isinstance(b, int) and b > 0:
        check_integer(a.bit_length() + b)
    return a << b


def _shift_right(frame: Frame, a: Any, b: Any) -> Any:
    del frame
    _check_shift(a, b)
    return a >> b


def _check_shift(a: Any, b: Any) -> None:
    if isinstance(b, int) and abs(b) > limits.MAX_SHIFT:
        raise BudgetError(f"shifts by more than {limits.MAX_SHIFT:,} places")
    if isinstance(a, int) and a.bit_length() > sys.float_info.max_exp:
        raise BudgetError(f"shifts a number of more than {sys.float_info.max_exp:,} bits")


def _divided(function: Callable[[Any, Any], Any]) -> Binary:
    def apply(frame: Frame, a: Any, b: Any) -> Any:
        if isinstance(a, int) and isinstance(b, int):
            frame.calculate(a.bit_length(), b.bit_length())
        return function(a, b)

    return apply


def _modulo(frame: Frame, a: Any, b: Any) -> Any:
    if isinstance(a, str):
        return percent_format(frame, a, b)
    return _remainder(frame, a, b)


_remainder: Final = _divided(operator.mod)


def _plain(function: Callable[[Any, Any], Any]) -> Binary:
    def apply(frame: Frame, a: Any, b: Any) -> Any:
        frame.read(a)
        frame.read(b)
        value = function(a, b)
        return frame.admit(value) if type(value) is set else value

    return apply


def _cheap(function: Callable[[Any, Any], Any]) -> Binary:
    def apply(frame: Frame, a: Any, b: Any) -> Any:
        del frame
        return function(a, b)

    return apply


def _joined(function: Callable[[Any, Any], Any]) -> Binary:
    """For ``|`` and ``^``, whose result can hold all of both sides."""

    def apply(frame: Frame, a: Any, b: Any) -> Any:
        if isinstance(a, int) and isinstance(b, int):
            return function(a, b)
        frame.read(a)
        frame.read(b)
        _check_sum(frame, a, b)
        return frame.admit(function(a, b))

    return apply


def _contains(frame: Frame, a: Any, b: Any) -> bool:
    frame.read(a)
    # A dictionary or a set looks in one place only.
    if not isinstance(b, (dict, set)):
        frame.read(b)
    return a in b


def _number(value: Any) -> Any:
    if type(value) is int and value.bit_length() > limits.MAX_INTEGER_BITS:
        raise BudgetError(f"makes a number of more than {limits.MAX_INTEGER_BITS:,} bits")
    return value


BINARY: Final[dict[type[ast.operator], Binary]] = {
    ast.Add: _add,
    ast.Sub: _plain(lambda a, b: _number(a - b)),
    ast.Mult: _multiply,
    ast.Div: _divided(operator.truediv),
    ast.FloorDiv: _divided(operator.floordiv),
    ast.Mod: _modulo,
    ast.Pow: _power,
    ast.LShift: _shift_left,
    ast.RShift: _shift_right,
    ast.BitOr: _joined(operator.or_),
    ast.BitXor: _joined(operator.xor),
    ast.BitAnd: _plain(operator.and_),
}

COMPARISONS: Final[dict[type[ast.cmpop], Binary]] = {
    ast.Eq: _plain(operator.eq),
    ast.NotEq: _plain(operator.ne),
    ast.Lt: _plain(operator.lt),
    ast.LtE: _plain(operator.le),
    ast.Gt: _plain(operator.gt),
    ast.GtE: _plain(operator.ge),
    ast.In: _contains,
    ast.NotIn: lambda frame, a, b: not _contains(frame, a, b),
    ast.Is: _cheap(operator.is_),
    ast.IsNot: _cheap(operator.is_not),
}

UNARY: Final[dict[type[ast.unaryop], Unary]] = {
    ast.Not: lambda frame, a: not a,
    ast.USub: lambda frame, a: -a,
    ast.UAdd: lambda frame, a: +a,
    ast.Invert: lambda frame, a: ~a,
}
