"""Controls of a form as templates show them: labels, texts, choices, what is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from headrace.web.views.input_form.reading import nearest
from headrace.web.views.input_form.shapes import UNSET, Shape, escape_step
from headrace.web.views.input_form.texts import MAX_ITEMS, Names, Texts, item_count

_LONG_TEXT: Final = 500
_BOUNDS: Final = (
    ("minimum", "at least {}"),
    ("exclusiveMinimum", "more than {}"),
    ("maximum", "at most {}"),
    ("exclusiveMaximum", "less than {}"),
    ("minLength", "at least {} characters"),
    ("maxLength", "at most {} characters"),
    ("minItems", "at least {} items"),
    ("maxItems", "at most {} items"),
)


@dataclass(frozen=True)
class Choice:
    """Choice of a menu.

    Attributes:
        value: what the browser sends.
        label: what people read.
        is_chosen: whether it is chosen now.
    """

    value: str
    label: str
    is_chosen: bool


@dataclass(frozen=True)
class Control:
    """Control of one place, or a group of controls.

    Attributes:
        kind: as `headrace.web.views.input_form.shapes.Shape.kind`; ``long text`` for several
            lines, ``box`` for a switch that is on or off.
        id: id of its element.
        pointer: JSON pointer of its place.
        label: its title.
        description: what the schema says of it.
        hint: bounds of what is taken.
        is_required: whether it must be given.
        text: what stands in it.
        other: of a location or name, the id that is typed in the place of a name.
        path: of a location, the path.
        choices: of a choice, a location or a name, by headings; a heading may be empty.
        members: controls of a group's members, or of a list's items.
        is_given: whether an optional group is given.
        is_open: whether a group may have further members; they stand in `text`, as JSON.
        may_grow: whether a list takes another item.
        problems: what is wrong with it.
    """

    kind: str
    id: str
    pointer: str
    label: str
    description: str = ""
    hint: str = ""
    is_required: bool = False
    text: str = ""
    other: str = ""
    path: str = ""
    choices: tuple[tuple[str, tuple[Choice, ...]], ...] = ()
    members: tuple[Control, ...] = ()
    is_given: bool = False
    is_open: bool = False
    may_grow: bool = False
    problems: tuple[str, ...] = ()

    def with_members(self) -> Iterator[Control]:
        """Yield itself, and all controls within it."""
        yield self
        for member in self.members:
            yield from member.with_members()


def input_controls(
    shape: Shape, texts: Texts, names: Names, problems: Mapping[str, Sequence[str]]
) -> Control:
    """Return the controls of an input.

    Args:
        shape: its shape.
        texts: what stands in them.
        names: names of the project.
        problems: what is wrong, by JSON pointer of the place; what is wrong at a place without a
            control is told at the one that holds it.
    """
    bare = _Maker(texts, names, {}).control(shape, "", "Input")
    places = [control.pointer for control in bare.with_members()]
    placed: dict[str, list[str]] = {}
    for pointer, messages in problems.items():
        at = nearest(pointer, places)
        inner = pointer.removeprefix(at).removeprefix("/")
        placed.setdefault(at, []).extend(f"{inner}: {one}" if inner else one for one in messages)
    return _Maker(texts, names, placed).control(shape, "", "Input") if placed else bare


class _Maker:
    def __init__(self, texts: Texts, names: Names, problems: Mapping[str, Sequence[str]]) -> None:
        self._texts = texts
        self._names = names
        self._problems = problems
        self._number = 0

    def control(self, shape: Shape, pointer: str, label: str) -> Control:
        self._number += 1
        common: dict[str, Any] = {
            "id": f"field-{self._number}",
            "pointer": pointer,
            "label": shape.title or label,
            "description": shape.description,
            "hint": _hint(shape.schema),
            "is_required": shape.is_required,
            "problems": tuple(self._problems.get(pointer, ())),
        }
        text = self._texts.get(f"v:{pointer}", "")
        if shape.kind == "group":
            members = [
                self.control(member, f"{pointer}/{escape_step(key)}", key)
                for key, member in shape.members
            ]
            return Control(
                "group",
                **common,
                text=self._texts.get(f"j:{pointer}", ""),
                members=tuple(members),
                is_given=bool(self._texts.get(f"g:{pointer}")),
                is_open=shape.is_open,
            )
        if shape.kind == "list" and f"j:{pointer}" not in self._texts:
            return self._list(shape, pointer, common)
        if shape.kind == "location":
            return Control(
                "location",
                **common,
                other=self._texts.get(f"i:{pointer}", ""),
                path=self._texts.get(f"p:{pointer}", ""),
                choices=(("", self._plain(self._names.collections, f"c:{pointer}")),),
            )
        if shape.kind == "name":
            return Control("name", **common, other=text, choices=self._name_choices(shape, pointer))
        if shape.kind in ("json", "list"):
            return Control("json", **common, text=self._texts.get(f"j:{pointer}", ""))
        if shape.kind == "choice":
            values = [(json.dumps(value), _shown(value)) for value in shape.choices]
            found = tuple(Choice(value, label, value == text) for value, label in values)
            return Control("choice", **common, text=text, choices=(("", found),))
        if shape.kind == "switch":
            is_box = shape.is_required or shape.default is not UNSET
            return Control("box" if is_box else "switch", **common, text=text)
        longest = shape.schema.get("maxLength", 0)
        is_long = "\n" in text or (isinstance(longest, int) and longest > _LONG_TEXT)
        return Control("long text" if is_long else shape.kind, **common, text=text)

    def _list(self, shape: Shape, pointer: str, common: Mapping[str, Any]) -> Control:
        count = item_count(self._texts, pointer)
        title = shape.items_shape.title
        items = [
            self.control(shape.items_shape, f"{pointer}/{index}", title) for index in range(count)
        ]
        most = shape.schema.get("maxItems", MAX_ITEMS)
        limit = min(most, MAX_ITEMS) if isinstance(most, int) else MAX_ITEMS
        return Control("list", **common, members=tuple(items), may_grow=count < limit)

    def _plain(self, values: Sequence[str], name: str) -> tuple[Choice, ...]:
        chosen = self._texts.get(name, "")
        return tuple(Choice(value, value, value == chosen) for value in values)

    def _name_choices(
        self, shape: Shape, pointer: str
    ) -> tuple[tuple[str, tuple[Choice, ...]], ...]:
        chosen = self._texts.get(f"s:{pointer}", "")
        groups = [
            ("Endpoints", "endpoint", self._names.endpoints),
            ("Functions", "function", self._names.functions),
        ]
        words = f"{pointer} {shape.title} {shape.description}".lower()
        if "function" in words and "endpoint" not in words:
            groups.reverse()
        return tuple(
            (
                heading,
                tuple(Choice(f"{kind}:{name}", name, chosen == f"{kind}:{name}") for name in found),
            )
            for heading, kind, found in groups
            if found
        )


def _hint(schema: Mapping[str, Any]) -> str:
    found = [
        words.format(schema[key])
        for key, words in _BOUNDS
        if isinstance(schema.get(key), int | float) and not isinstance(schema[key], bool)
    ]
    if schema.get("minLength") == 1:
        found = [each for each in found if each != "at least 1 characters"]
    return ", ".join(found)


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
