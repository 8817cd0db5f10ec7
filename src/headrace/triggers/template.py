"""Input templates: an arrival's name and path put into the input of a run."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from headrace._internal.near_names import known_names
from headrace.triggers.arrival import Arrival, entry_folder
from headrace.triggers.errors import StartRefused, TriggerError
from headrace.triggers.output_values import OUTPUT, OutputValue, is_output_path, sole_path

_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_TYPED = re.compile(r"\{([^{}:]+):(\w+)\}")
_SEPARATORS = re.compile(r"[\s,;]+")
_INTEGER = re.compile(r"[+-]?[0-9]+")
_EXACT = re.compile(r"\{([^{}:]+)\}")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


@dataclass(frozen=True, slots=True)
class JsonValue:
    """A JSON value: itself where a template is its placeholder alone, its text within others.

    Attributes:
        value: the value.
    """

    value: Any


@dataclass(frozen=True, slots=True)
class AbsentValue:
    """A value that is not there: a template that has its placeholder is refused.

    Attributes:
        problem: what is said of the placeholder, after its name.
    """

    problem: str


Texts = str | tuple[str, ...] | OutputValue | JsonValue | AbsentValue
"""What a placeholder stands for: a text, a list of them, the output of a run, another value."""


def parent_names(depth: int) -> tuple[str, ...]:
    """Return the placeholders of the directories between the watched one and an arrival.

    Args:
        depth: of the arrivals; the nearest directory is ``parent``, the next one ``parent2``.
    """
    return tuple("parent" if level == 1 else f"parent{level}" for level in range(1, depth))


def placeholders(arrival: Arrival) -> dict[str, Texts]:
    """List what a template may say about an arrival.

    Args:
        arrival: the arrival.

    Returns:
        Texts by placeholder: `name`; `stem`, the name up to its last dot; `path` within the
        collection (with a trailing slash for a directory); `folder`, the path of the directory
        that it lies in; `collection`; `trigger`; the named groups of the trigger's `regex`; the
        names of the directories above it, below the watched one; `members`, a list, of a set.
    """
    return {
        "name": arrival.name,
        "stem": arrival.name.rpartition(".")[0] or arrival.name,
        "path": arrival.path,
        "folder": entry_folder(arrival.path),
        "collection": arrival.collection,
        "trigger": arrival.trigger,
        **dict(arrival.texts),
        **({"members": arrival.members} if arrival.members else {}),
        **({OUTPUT: OutputValue(arrival.output)} if arrival.is_run_end else {}),
    }


PLACEHOLDERS = ("name", "stem", "path", "folder", "collection", "trigger")
TIMER_PLACEHOLDERS = ("name", "trigger", "date", "time", "count")
CHAIN_PLACEHOLDERS = ("name", "trigger", "run_id", "label", "flow", "status")


def render_names(templates: tuple[str, ...], texts: Mapping[str, str]) -> tuple[str, ...]:
    """Fill in templates of names.

    Args:
        templates: the templates.
        texts: texts by placeholder.

    Raises:
        TriggerError: as `render_input`.
    """
    return tuple(_fill(_form(template), texts, "watch.members") for template in templates)


def render_input(template: Any, arrival: Arrival) -> Any:
    """Fill in a template.

    Nothing but the placeholders is understood: no attributes, indices, conversions or formats.
    A text that is ``{name:int}`` or ``{name:float}`` and nothing else becomes a number, one that is
    ``{name:list}`` the list of its words, one that is ``{name:text}`` a text; ``{members}`` becomes
    a list, ``{output.PATH}`` the value there.
    ``{{`` and ``}}`` stand for braces. Keys of objects are left as they are.

    Args:
        template: a JSON value; every text in it, at any depth, is a template.
        arrival: what to say in it.

    Returns:
        a new JSON value.

    Raises:
        StartRefused: a text of the arrival is not the number that the template asks for; or the
            run that ended has no such output.
        TriggerError: an unknown placeholder, a lone brace, or a value that is not JSON.
    """
    return _render(template, placeholders(arrival), "")


def render_texts(
    template: Any, texts: Mapping[str, Texts], where: str = "", *, typed: bool = True
) -> Any:
    """Fill in a template with what placeholders stand for, as `render_input` does.

    Args:
        template: a JSON value; every text in it, at any depth, is a template.
        texts: what each placeholder stands for.
        where: how to call the template in errors, such as "start.input"; "": not at all.
        typed: whether a text may become another value.

    Returns:
        a new JSON value.

    Raises:
        StartRefused: a value is absent, or not the number that the template asks for.
        TriggerError: as `render_input`.
    """
    return _render(template, texts, where, typed)


def check_template(
    template: Any, where: str, known: Mapping[str, Texts] | None = None, *, typed: bool = True
) -> None:
    """Find the mistakes of a template before anything arrives.

    Args:
        template: a JSON value.
        where: how to call it in the error, such as "start.input".
        known: an example of each placeholder that is known; the built-in ones by default.
        typed: whether a text may become a number.

    Raises:
        TriggerError: as `render_input`; the message begins with the place.
    """
    texts: Mapping[str, Texts] = dict.fromkeys(PLACEHOLDERS, "1") if known is None else known
    _render(template, texts, where, typed)


def is_typed(text: str) -> bool:
    """Tell whether a template becomes a number."""
    return _TYPED.fullmatch(text) is not None


def _render(value: Any, texts: Mapping[str, Texts], where: str, typed: bool = True) -> Any:
    if isinstance(value, str):
        form = _form(value)
        if not typed or form.alone is None:
            return _fill(form, texts, where)
        if form.type:
            return _convert(form, texts, where)
        output = texts.get(OUTPUT)
        if form.is_output and isinstance(output, OutputValue):
            return output.at(form.alone)
        items = texts.get(form.alone)
        if isinstance(items, tuple):
            return list(items)
        if isinstance(items, JsonValue):
            return items.value
        return _fill(form, texts, where)
    if isinstance(value, Mapping):
        return {key: _render(item, texts, f"{where}.{key}", typed) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_render(item, texts, f"{where}[{i}]", typed) for i, item in enumerate(value)]
    finite = isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value))
    if finite or value is None:
        return value
    raise TriggerError(f"{where}: {value} is not a JSON value; write it as a text in quotes")


@dataclass(frozen=True, slots=True)
class _Form:
    """A text as a template: a thousand rows are rendered by one.

    Attributes:
        text: the text.
        alone: name of the placeholder that it is and nothing else, without its type; else None.
        type: the type of that placeholder; "" for none.
        is_output: whether that is a path of a run's output.
        pieces: its parts: texts, and names of placeholders in tuples.
    """

    text: str
    alone: str | None
    type: str
    is_output: bool
    pieces: tuple[str | tuple[str], ...]


@lru_cache(maxsize=4096)
def _form(text: str) -> _Form:
    pieces: list[str | tuple[str]] = []
    end = 0
    for piece in _PIECE.finditer(text):
        pieces.append(text[end : piece.start()])
        end = piece.end()
        if piece[0] in ("{{", "}}"):
            pieces.append(piece[0][0])
        else:
            pieces.append((piece[0] if piece[1] is None else piece[1],))
    pieces.append(text[end:])
    path = sole_path(text)
    exact, typed = _EXACT.fullmatch(text), _TYPED.fullmatch(text)
    alone = path or (exact[1] if exact else typed[1] if typed else None)
    type_ = typed[2] if typed and not path else ""
    return _Form(text, alone, type_, bool(path), tuple(filter(None, pieces)))


def _fill(form: _Form, texts: Mapping[str, Texts], where: str) -> str:
    return "".join(
        piece if isinstance(piece, str) else _text_at(piece[0], form.text, texts, where)
        for piece in form.pieces
    )


def _text_at(name: str, text: str, texts: Mapping[str, Texts], where: str) -> str:
    """Return what a placeholder stands for within a text."""
    if name in ("{", "}"):
        raise TriggerError(f'{where}: lone "{name}" in "{text}"; write it twice')
    found = texts.get(name)
    if isinstance(found, str):
        return found
    output = texts.get(OUTPUT)
    if is_output_path(name) and isinstance(output, OutputValue):
        return output.text_at(name)
    if found is None:
        if _TYPED.fullmatch(f"{{{name}}}"):
            raise TriggerError(
                f'{where}: unknown placeholder {{{name}}} in "{text}"; only in an input, and '
                "as a text of its own, it makes a number"
            )
        raise TriggerError(f"{where}: unknown placeholder {{{name}}}; {known_names(name, texts)}")
    if isinstance(found, AbsentValue):
        raise StartRefused(_at(where, f"{{{name}}} {found.problem}"))
    value = found.value if isinstance(found, JsonValue) else found
    if isinstance(found, JsonValue) and not isinstance(value, list | Mapping):
        return value if isinstance(value, str) else json.dumps(value)
    kind = "an object" if isinstance(value, Mapping) else "a list"
    # Of one value among others, as those of a table's rows, only this one is refused.
    refusal = StartRefused if isinstance(found, JsonValue) else TriggerError
    raise refusal(
        _at(where, f'{{{name}}} in "{text}" is {kind}; it stands in an input alone, as a ')
        + "text of its own"
    )


def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise ValueError("a whole number")
    return int(text)


def _number(text: str) -> float:
    if not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
        raise ValueError("a number")
    return float(text)


def _at(where: str, problem: str) -> str:
    return f"{where}: {problem}" if where else problem


def _same(text: str) -> str:
    return text


def _words(text: str) -> list[str]:
    return [word for word in _SEPARATORS.split(text) if word]


_LIST: Final = "list"
_TYPES: Final[Mapping[str, Callable[[str], int | float | str | list[str]]]] = {
    "float": _number,
    "int": _integer,
    _LIST: _words,
    "text": _same,
}


def _text_of(found: Texts) -> str:
    """Return the text that a type is made of."""
    value = found.value if isinstance(found, JsonValue) else found
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))  # a column of numbers has 3.0 where 3 was meant
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _convert(form: _Form, texts: Mapping[str, Texts], where: str) -> Any:
    """Return what a placeholder with a type makes."""
    name, type_ = str(form.alone), form.type
    if name not in texts:
        known = known_names(name, texts)
        raise TriggerError(f"{where}: unknown placeholder {form.text}; {known}")
    if type_ not in _TYPES:
        raise TriggerError(
            f"{where}: unknown placeholder {form.text}: no type {type_!r}; "
            f"{known_names(type_, _TYPES)}"
        )
    found = texts[name]
    if type_ == _LIST and (items := _listed(found)) is not None:
        return items
    if isinstance(found, AbsentValue):
        raise StartRefused(_at(where, f"{{{name}}} {found.problem}"))
    text = _text_of(found)
    try:
        return _TYPES[type_](text)
    except ValueError as error:
        raise StartRefused(_at(where, f"{form.text}: {text!r} is not {error}")) from error


def _listed(found: Texts) -> list[Any] | None:
    """Return the list that a value is already: an empty one of what is absent; None of a text."""
    if isinstance(found, AbsentValue):
        return []
    value = found.value if isinstance(found, JsonValue) else found
    return list(value) if isinstance(value, list | tuple) else None
