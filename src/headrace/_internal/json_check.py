r"""The one check of text and JSON that enter from outside.

Whatever comes from a client, a file, a worker or a provider is checked here before it is stored
or sent on: text is Unicode, numbers are finite, nothing is nested so deep that a reader exhausts
its stack, sizes are bounded. A value that is refused is named by its path, in one line::

    body.files[3].name: a lone surrogate (\udcff); text must be Unicode

What an older release has stored is not refused any more: `escaped` makes it presentable.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from headrace._internal.terminal_text import INVISIBLE, terminal_text

MAX_DEPTH: Final = 64

# What one value can take at most in JSON besides its characters: a float and a comma.
_BYTES_PER_NODE: Final = 26
# What one character can take at most: a control character is written \u001f.
_BYTES_PER_CHARACTER: Final = 6
# Python writes and reads no longer ones, so that nobody is kept busy with them.
_MAX_DIGITS: Final = 4_300
_MAX_INTEGER_BITS: Final = int(_MAX_DIGITS * math.log2(10))
_MAX_PATH_STEPS: Final = 20
# A stored value stands inside a document, and a little deeper than it was when it came.
_SERVED_DEPTH: Final = 2 * MAX_DEPTH
_MAX_SHOWN: Final = 60

_PLAIN_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_CONTROL_BUT_LINES: Final = re.compile("\r(?!\n)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029]")

# Made once: json.dumps makes a new encoder at every call that says how it wants things written.
_compact: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True)
class Limits:
    """Limits of the size of a JSON value.

    Attributes:
        depth: deepest nesting of objects and arrays.
        size: most bytes of compact JSON, or None for any.
    """

    depth: int = MAX_DEPTH
    size: int | None = None


class InvalidValue(ValueError):
    """A value or a text that is not taken in; its text is one line that names the path.

    Attributes:
        what: what was checked, such as ``body``.
        path: members and indices below it.
        problem: what is wrong there, and what is right.
    """

    def __init__(self, what: str, path: tuple[str | int, ...], problem: str) -> None:
        super().__init__(f"{path_text(what, path)}: {problem}")
        self.what = what
        self.path = path
        self.problem = problem


def path_text(what: str, path: tuple[str | int, ...]) -> str:
    """Return the path of a value in one line, such as ``body.files[3].name``."""
    steps = [_step(step) for step in path[:_MAX_PATH_STEPS]]
    return "".join([what, *steps, "..." if len(path) > _MAX_PATH_STEPS else ""])


def check_json(value: Any, what: str, limits: Limits = Limits()) -> None:
    """Check that JSON can say a value, and that it is not too deep or too large.

    Args:
        value: any Python value.
        what: what it is, for the message.
        limits: how deep and how large it may be.

    Raises:
        InvalidValue: it cannot be taken in.
    """
    _check(value, what, limits)


def check_text(
    text: Any, what: str, *, max_length: int | None = None, multiline: bool = False
) -> str:
    """Check a text that people read: a label, a title, a name, a description.

    Args:
        text: any value.
        what: what it is, for the message.
        max_length: most characters.
        multiline: whether it may have newlines and tabs.

    Returns:
        The text.

    Raises:
        InvalidValue: it is no text, not Unicode, too long, or has control characters or, in one
            line, invisible ones.
    """
    if type(text) is not str:
        raise InvalidValue(what, (), f"{_kind(text)}; it must be a text")
    problem = _unicode_problem(text)
    if problem is not None:
        raise InvalidValue(what, (), problem)
    if max_length is not None and len(text) > max_length:
        raise InvalidValue(what, (), f"{len(text)} characters; at most {max_length} are allowed")
    found = (_CONTROL_BUT_LINES if multiline else _CONTROL).search(text)
    if found is not None:
        shown = terminal_text(found[0])
        raise InvalidValue(what, (), f"a control character ({shown}) at position {found.start()}")
    unseen = None if multiline else INVISIBLE.search(text)
    if unseen is not None:
        shown = terminal_text(unseen[0])
        problem = f"an invisible character ({shown}) at position {unseen.start()}"
        raise InvalidValue(what, (), problem)
    return text


def load_json(data: bytes | str, what: str, limits: Limits = Limits()) -> Any:
    """Read JSON strictly, and checks what it says.

    A byte-order mark is accepted. ``NaN``, ``Infinity`` and numbers beyond a double are refused,
    likewise a name that occurs twice in one object.

    Args:
        data: the JSON text.
        what: where it comes from, for the message, such as a file's name.
        limits: how deep and how large the value may be.

    Raises:
        InvalidValue: it is not JSON, not UTF-8, or says what cannot be taken in.
    """
    text = data.removeprefix("\ufeff") if isinstance(data, str) else _decoded(bytes(data), what)
    if not text.strip(" \t\r\n"):
        raise InvalidValue(what, (), "empty; it must be JSON")
    try:
        value = _parsed(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise InvalidValue(what, (), f"not JSON: {error.msg} ({where})") from None
    except RecursionError:
        raise InvalidValue(what, (), _too_deep(limits.depth)) from None
    _check(value, what, limits)
    return value


def escaped(value: Any) -> Any:
    r"""Return a value as strict JSON can say it: for records that were stored before the check.

    Lone surrogates become ``\udcff`` in letters, numbers that are not finite become their names,
    and what is nested too deep is left out. A value that is sound is returned as it is.
    """
    try:
        _check(value, "", Limits(depth=_SERVED_DEPTH))
    except InvalidValue:
        return _presentable(value, _SERVED_DEPTH)
    return value


def json_size(value: Any) -> int:
    """Return the size of a value as compact JSON, bytes."""
    text = _compact(value)
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


class _Repeated(dict[str, Any]):
    """An object of a JSON text that has a name twice."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        names = Counter(name for name, _ in pairs)
        self.name = next(name for name, count in names.items() if count > 1)


class _HugeInteger(int):
    """Stands for an integer of a JSON text that has too many digits."""


class _Place(NamedTuple):
    """An object or an array, and where it is.

    Attributes:
        value: itself.
        key: its name or index in the one that holds it.
        parent: the one that holds it.
        depth: how many hold each other, itself included.
    """

    value: Any
    key: str | int | None = None
    parent: _Place | None = None
    depth: int = 1


def _check(value: Any, what: str, limits: Limits) -> None:
    if type(value) is not dict and type(value) is not list:
        problem = _leaf_problem(value)
        if problem is not None:
            raise InvalidValue(what, (), problem)
        waiting, nodes, characters = [], 1, len(value) if type(value) is str else 0
    else:
        waiting, nodes, characters = [_Place(value)], 1, 0
    while waiting:
        place = waiting.pop()
        if place.depth > limits.depth:
            raise InvalidValue(what, _path(place), _too_deep(limits.depth))
        items, names = _items_of(place, what)
        nodes += len(place.value) * (2 if type(place.value) is dict else 1)
        characters += names
        if limits.size is not None and nodes > limits.size:
            raise InvalidValue(what, (), f"more than {limits.size} bytes of JSON")
        for key, item in items:
            kind = type(item)
            if kind is dict or kind is list:
                waiting.append(_Place(item, key, place, place.depth + 1))
                continue
            if kind is str and item.isascii():
                characters += len(item)
                continue
            problem = _leaf_problem(item)
            if problem is not None:
                raise InvalidValue(what, (*_path(place), key), problem)
            if kind is str:
                characters += len(item)
            elif kind is int:
                characters += item.bit_length() // 3
    _check_size(value, what, nodes * _BYTES_PER_NODE + characters * _BYTES_PER_CHARACTER, limits)


def _check_size(value: Any, what: str, at_most: int, limits: Limits) -> None:
    if limits.size is None or at_most <= limits.size:
        return
    size = json_size(value)
    if size > limits.size:
        message = f"{size} bytes of JSON, and at most {limits.size} are allowed"
        raise InvalidValue(what, (), message)


def _items_of(place: _Place, what: str) -> tuple[Iterable[tuple[str | int, Any]], int]:
    """Return an object's or an array's items, and how many characters its names have."""
    container = place.value
    if type(container) is list:
        return enumerate(container), 0
    characters = 0
    for name in container:
        if type(name) is not str:
            message = f"a name that is {_kind(name)}; names must be texts"
            raise InvalidValue(what, _path(place), message)
        if not name.isascii():
            problem = _unicode_problem(name)
            if problem is not None:
                raise InvalidValue(what, (*_path(place), name), f"in the name, {problem}")
        characters += len(name)
    return container.items(), characters


def _path(place: _Place | None) -> tuple[str | int, ...]:
    steps: list[str | int] = []
    while place is not None and place.key is not None:
        steps.append(place.key)
        place = place.parent
    return tuple(reversed(steps))


def _leaf_problem(item: Any) -> str | None:
    """Say why what is neither a plain object nor an array is no JSON value."""
    kind = type(item)
    if kind is str:
        return _unicode_problem(item)
    if item is None or kind is bool:
        return None
    if kind is float:
        if math.isfinite(item):
            return None
        return f"{_number(item)}; numbers must be finite"
    if kind is int and item.bit_length() <= _MAX_INTEGER_BITS:
        return None
    if kind is int or kind is _HugeInteger:
        return f"a number of more than {_MAX_DIGITS} digits"
    if kind is _Repeated:
        return f"the name {_shown(item.name)} occurs twice in one object"
    return f"{_kind(item)}, which JSON has not"


def _unicode_problem(text: str) -> str | None:
    found = None if text.isascii() else _SURROGATE.search(text)
    if found is None:
        return None
    return f"a lone surrogate ({terminal_text(found[0])}); text must be Unicode"


def _too_deep(depth: int) -> str:
    return f"nested deeper than {depth} levels"


def _number(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _kind(value: Any) -> str:
    """Return what a value is, as people say it."""
    known: dict[type, str] = {
        dict: "an object",
        list: "an array",
        str: "a text",
        bool: "true or false",
    }
    known |= {int: "a number", float: "a number", type(None): "null"}
    return known.get(type(value)) or f"a Python {terminal_text(type(value).__name__)}"


def _shown(name: str) -> str:
    text = name if len(name) <= _MAX_SHOWN else name[:_MAX_SHOWN] + "..."
    return '"' + terminal_text(text).replace('"', '\\"') + '"'


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    plain = len(step) <= _MAX_SHOWN and _PLAIN_NAME.match(step)
    return f".{step}" if plain else f"[{_shown(step)}]"


def _decoded(data: bytes, what: str) -> str:
    encoding = json.detect_encoding(data)
    if not encoding.startswith("utf-8"):
        name = encoding.partition("-")[2].partition("-")[0]
        raise InvalidValue(what, (), f"UTF-{name} text; JSON must be UTF-8, so save it as UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        found = f"the byte 0x{data[error.start]:02x} at position {error.start} is not UTF-8"
        raise InvalidValue(what, (), f"{found}; save the text as UTF-8") from None


def _parsed(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_object)
    except json.JSONDecodeError:
        raise
    except ValueError:  # int() refuses very many digits, and does not say where
        return json.loads(text, object_pairs_hook=_object, parse_int=_integer)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    return made if len(made) == len(pairs) else _Repeated(pairs)


def _integer(digits: str) -> int:
    return int(digits) if len(digits) <= _MAX_DIGITS else _HugeInteger()


def _presentable(value: Any, depth: int) -> Any:
    kind = type(value)
    if kind is str:
        return _written_out(value)
    if kind is dict:
        if depth <= 0:
            return "..."
        return {
            _written_out(str(key)): _presentable(item, depth - 1) for key, item in value.items()
        }
    if kind is list:
        return [_presentable(item, depth - 1) for item in value] if depth > 0 else "..."
    problem = _leaf_problem(value)
    if problem is None:
        return value
    return _number(value) if kind is float else problem


def _written_out(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")
