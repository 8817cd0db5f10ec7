"""The functions of expressions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from headrace.flowlang.errors import ExpressionError, PathError
from headrace.flowlang.expressions.formatting import text_of
from headrace.flowlang.expressions.frame import SIZED, Frame, check_integer
from headrace.flowlang.paths import MISSING, Path, compile_path

Function = Callable[..., Any]

_HOME: Final = "/~/"
# Reading a path that is put together at run time means compiling it there.
_COMPILING_STEPS: Final = 50


def pathsplit(frame: Frame, path: str) -> list[str]:
    """Split a path into parent and last name; ``/~/`` is a root that stays whole."""
    del frame
    if not isinstance(path, str):
        raise TypeError("pathsplit takes a string")
    parent, slash, last = path.rpartition("/")
    if path.startswith(_HOME) and len(parent) < len(_HOME):
        parent = _HOME
    elif slash and not parent:
        parent = "/"
    return [parent, last]


def member_path(text: Any) -> Path:
    """Compile the argument of ``is_present`` and ``getattr``: a path without its ``$.``.

    Raises:
        ExpressionError: it is malformed.
    """
    if not isinstance(text, str):
        raise ExpressionError("is_present and getattr take a path as a string, such as 'a.b[0]'")
    if text.startswith("$"):
        raise ExpressionError(f"{text!r:.60}: write the path without '$.' here")
    try:
        return compile_path(f"${text}" if text.startswith("[") else f"$.{text}")
    except PathError as error:
        raise ExpressionError(str(error)) from None


def is_present(frame: Frame, path: Any) -> bool:
    """Tell whether there is something at a path of the payload."""
    return _look(frame, path) is not MISSING


def get_attribute(frame: Frame, path: Any, default: Any = None) -> Any:
    """Read a path of the payload, or give the default."""
    value = _look(frame, path)
    return default if value is MISSING else value


def _look(frame: Frame, path: Any) -> Any:
    if not isinstance(path, Path):
        frame.charge(_COMPILING_STEPS)
        path = member_path(path)
    return path.resolve(frame.payload, frame.context)


def _length(frame: Frame, value: Any) -> int:
    del frame
    return len(value)


def _integer(frame: Frame, *arguments: Any) -> int:
    for argument in arguments:
        if isinstance(argument, str):
            # So many digits are at least so many bits.
            check_integer(len(argument))
            frame.charge(len(argument) >> 2)
    value = int(*arguments)
    check_integer(value.bit_length())
    return value


def _float(frame: Frame, *arguments: Any) -> float:
    frame.charge(sum(len(a) for a in arguments if isinstance(a, str)) >> 6)
    return float(*arguments)


def _string(frame: Frame, *arguments: Any) -> str:
    if len(arguments) > 1:
        raise TypeError("str takes one argument")
    return text_of(frame, arguments[0]) if arguments else ""


def _collection(kind: type) -> Function:
    def make(frame: Frame, *arguments: Any, **members: Any) -> Any:
        for argument in arguments:
            if isinstance(argument, SIZED):
                frame.check_length(len(argument))
                frame.read(argument)
                frame.charge(len(argument) >> 2)
        return frame.admit(kind(*arguments, **members))

    return make


# Names that a path may be given to, as text: it is compiled with the expression if it is constant.
PATH_FUNCTIONS: Final = frozenset({"is_present", "getattr"})

FUNCTIONS: Final[dict[str, Function]] = {
    "pathsplit": pathsplit,
    "is_present": is_present,
    "getattr": get_attribute,
    "len": _length,
    "int": _integer,
    "float": _float,
    "str": _string,
    "list": _collection(list),
    "tuple": _collection(tuple),
    "dict": _collection(dict),
    "set": _collection(set),
}
