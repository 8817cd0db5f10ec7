"""Text from values: ``str``, f-strings and ``%``, with widths and lengths known beforehand."""

from __future__ import annotations

import re
from typing import Any, Final

from headrace.flowlang import limits
from headrace.flowlang.errors import BudgetError, ExpressionError
from headrace.flowlang.expressions.frame import Frame

_SPECIFICATION: Final = re.compile(
    r"(?:.?[<>=^])?[ +\-]?z?#?0?(?P<width>\d*)[,_]?(?:\.(?P<precision>\d+))?[a-mo-zA-Z%]?",
    re.DOTALL,
)
_PERCENT: Final = re.compile(
    r"%(?:\((?P<name>[^()]*)\))?[#0\- +]*(?P<width>\d*)(?:\.(?P<precision>\d*))?[hlL]?"
    r"(?P<kind>[diouxXeEfFgGcrsa%])"
)
# A value with a width, a precision, and no more than what a number has besides.
_NUMBER_LENGTH: Final = 400


def text_of(frame: Frame, value: Any) -> str:
    """Return ``str(value)``.

    Raises:
        BudgetError: it would be too long.
    """
    if type(value) is str:
        return value
    nodes, characters = frame.weigh(value)
    frame.check_length(nodes + characters)
    frame.charge(nodes + (characters >> 3))
    text = str(value)
    frame.check_length(len(text))
    return text


def format_value(frame: Frame, value: Any, specification: str) -> str:
    """Return ``format(value, specification)``.

    Raises:
        BudgetError: the width or precision is too large.
        ExpressionError: the specification is not of the known form.
    """
    if not specification:
        return text_of(frame, value)
    match = _SPECIFICATION.fullmatch(specification)
    if match is None:
        raise ExpressionError(f"{specification!r:.40} is not a format that is known here")
    _check_width(match["width"])
    _check_width(match["precision"])
    if type(value) not in (str, int, float, bool):
        raise TypeError(f"a {type(value).__name__} takes no format")
    frame.charge((_size(match["width"]) >> 4) + (sum(frame.weigh(value)) >> 3))
    text = format(value, specification)
    frame.check_length(len(text))
    return text


def percent_format(frame: Frame, template: str, values: Any) -> str:
    """Return ``template % values``.

    Raises:
        BudgetError: the text would be too long.
        ExpressionError: a specification is not of the known form.
    """
    fields = list(_PERCENT.finditer(template))
    if template.count("%") != sum(field[0].count("%") for field in fields):
        raise ExpressionError(f"{template!r:.40}: a '%' format that is not known here")
    length = len(template)
    given = values if isinstance(values, tuple) else (values,)
    largest = max((sum(frame.weigh(value)) for value in given), default=0)
    numbers = values.values() if isinstance(values, dict) else given
    digits = max((n.bit_length() // 3 for n in numbers if type(n) is int), default=0)
    room = max(digits, _NUMBER_LENGTH)
    for field in fields:
        _check_width(field["width"])
        _check_width(field["precision"])
        length += _size(field["width"]) + _size(field["precision"]) + room
        if field["kind"] in "sra":
            length += largest
    if length > limits.MAX_LENGTH + room * len(fields):
        raise BudgetError(f"makes a string longer than {limits.MAX_LENGTH:,}")
    frame.charge(len(fields) * (largest + digits) >> 3)
    text: str = template % values
    frame.make(str, len(text))
    return text


def _check_width(digits: str | None) -> None:
    if digits and (len(digits) > 9 or int(digits) > limits.MAX_FORMAT_WIDTH):
        raise BudgetError(f"formats wider than {limits.MAX_FORMAT_WIDTH:,} characters")


def _size(digits: str | None) -> int:
    return int(digits) if digits else 0
