"""Value of what was typed into a form, and what is wrong with it, place by place."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from headrace._internal.json_check import InvalidValue, load_json
from headrace._internal.json_schema import value_problems
from headrace.config.errors import ProjectError
from headrace.runs.input_values import Setting, with_settings
from headrace.web.views.input_form.shapes import UNSET, Shape, escape_step
from headrace.web.views.input_form.texts import Names, Texts, item_count, texts_of

_NAME_WORDS: Final = frozenset({"endpoint", "function", "directory", "project_on", "options_of"})
_NEEDED: Final = "is needed"
_BOTH: Final = "choose a name or give an id, not both"


@dataclass
class TypedInput:
    """Input as it was typed.

    Attributes:
        value: the input, names not resolved; without what could not be read.
        problems: what is wrong, by JSON pointer of the place.
    """

    value: Any = None
    problems: dict[str, list[str]] = field(default_factory=dict)

    def add_problem(self, pointer: str, message: str) -> None:
        """Note that something is wrong at a place."""
        self.problems.setdefault(pointer, []).append(message)


def read_input(shape: Shape, texts: Texts, names: Names) -> TypedInput:
    """Return the input that was typed.

    Args:
        shape: its shape.
        texts: what stands in the controls.
        names: names of the project.
    """
    reader = _Reader(texts, names)
    value = reader.read(shape, "")
    reader.found.value = {} if value is UNSET else value
    return reader.found


def add_schema_problems(
    found: TypedInput, schema: Mapping[str, Any], resolve: Callable[[Any], Any]
) -> None:
    """Resolve the names of an input, check it, and note what is wrong beside each place.

    Args:
        found: the input, and what is wrong already.
        schema: its JSON schema.
        resolve: gives what stands for a value with names; raises ProjectError.
    """
    resolved = _resolved(found, found.value, "", resolve)
    known = set(found.problems)
    for problem in value_problems(dict(schema), resolved):
        pointer = "".join(f"/{escape_step(str(step))}" for step in problem.path)
        if any(_is_within(pointer, each) for each in known if each):
            continue
        if problem.rule == "required" and any(each.rpartition("/")[0] == pointer for each in known):
            continue  # told beside the member already
        found.add_problem(pointer, problem.message)


class _Reader:
    def __init__(self, texts: Texts, names: Names) -> None:
        self._texts = texts
        self._names = names
        self.found = TypedInput()

    def read(self, shape: Shape, pointer: str) -> Any:
        """Return the value of a place; `UNSET` where it has none."""
        if shape.kind == "group":
            return self._group(shape, pointer)
        if shape.kind == "list":
            return self._list(shape, pointer)
        if shape.kind == "location":
            return self._location(shape, pointer)
        if shape.kind == "json":
            return self._json(shape, pointer)
        text = self._texts.get(f"v:{pointer}", "")
        if shape.kind == "switch":
            is_box = shape.is_required or shape.default is not UNSET
            return text == "true" if text or is_box else UNSET
        if shape.kind == "name" and self._texts.get(f"s:{pointer}"):
            if text:
                self.found.add_problem(pointer, _BOTH)
            kind, _, name = self._texts[f"s:{pointer}"].partition(":")
            return {kind: name}
        if not text:
            return self._blank(shape, pointer)
        if shape.kind == "choice":
            return self._choice(shape, pointer, text)
        return self._scalar(shape, text)

    def _blank(self, shape: Shape, pointer: str) -> Any:
        if not shape.is_required:
            return UNSET
        if "string" in shape.types and not value_problems(dict(shape.schema), ""):
            return ""
        self.found.add_problem(pointer, _NEEDED)
        return UNSET

    def _choice(self, shape: Shape, pointer: str, text: str) -> Any:
        for value in shape.choices:
            if json.dumps(value) == text:
                return value
        self.found.add_problem(pointer, "is none of the choices")
        return UNSET

    @staticmethod
    def _scalar(shape: Shape, text: str) -> Any:
        name = _name_in(text)
        if name is not None:
            return name
        if shape.types == {"string"}:
            return text
        setting = Setting(("value",), text.strip())
        return with_settings({}, [setting], {"properties": {"value": dict(shape.schema)}})["value"]

    def _group(self, shape: Shape, pointer: str) -> Any:
        if not shape.is_required and not self._is_given(shape, pointer):
            return UNSET
        value = {}
        for key, member in shape.members:
            one = self.read(member, f"{pointer}/{escape_step(key)}")
            if one is not UNSET:
                value[key] = one
        further = self._parsed(pointer) if shape.is_open else UNSET
        if further is not UNSET:
            if isinstance(further, dict):
                return {**further, **value}
            self.found.add_problem(pointer, "further members are a JSON object: {...}")
        return value

    def _is_given(self, shape: Shape, pointer: str) -> bool:
        """Return whether an optional group is ticked, or anything in it differs from defaults."""
        if self._texts.get(f"g:{pointer}"):
            return True
        before = texts_of(shape, UNSET, self._names, pointer)
        places = (f"{pointer}/", pointer)
        typed = {
            name: text
            for name, text in self._texts.items()
            if name[:2] != "g:" and (name[2:].startswith(places[0]) or name[2:] == places[1])
        }
        before.pop(f"g:{pointer}", None)
        switched_off = {name for name, text in before.items() if text == "false"}
        return any(
            typed.get(name, "") != before.get(name, "")
            for name in typed.keys() | (before.keys() - switched_off)
            if name[:2] != "g:"
        )

    def _list(self, shape: Shape, pointer: str) -> Any:
        if f"j:{pointer}" in self._texts:
            return self._json(shape, pointer)
        count = item_count(self._texts, pointer)
        if not count and not shape.is_required and shape.default is UNSET:
            return UNSET
        items = [self.read(shape.items_shape, f"{pointer}/{index}") for index in range(count)]
        return [item for item in items if item is not UNSET]

    def _location(self, shape: Shape, pointer: str) -> Any:
        name, id_, path = (self._texts.get(f"{each}:{pointer}", "").strip() for each in "cip")
        if not name and not id_ and not path:
            if shape.is_required:
                self.found.add_problem(pointer, _NEEDED)
            return UNSET
        if not name and not id_:
            self.found.add_problem(pointer, "choose a collection, or give the id of another one")
            return UNSET
        if name and id_:
            self.found.add_problem(pointer, _BOTH)
        return {"collection": name, "path": path} if name else {"id": id_, "path": path}

    def _json(self, shape: Shape, pointer: str) -> Any:
        value = self._parsed(pointer)
        is_wrong = pointer in self.found.problems
        if value is UNSET and shape.is_required and not is_wrong:
            if pointer:
                self.found.add_problem(pointer, _NEEDED)
            else:
                value = {}
        return value

    def _parsed(self, pointer: str) -> Any:
        text = self._texts.get(f"j:{pointer}", "")
        if not text.strip():
            return UNSET
        try:
            return load_json(text, "value")
        except InvalidValue as error:
            self.found.add_problem(pointer, str(error).removeprefix("value: "))
            return UNSET


def _name_in(text: str) -> dict[str, Any] | None:
    """Return the name that stands for a text, such as ``{"project_on": "cluster"}``."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        value = load_json(text, "value")
    except InvalidValue:
        return None
    is_name = isinstance(value, dict) and len(value) == 1 and not _NAME_WORDS.isdisjoint(value)
    return value if is_name else None


def _resolved(found: TypedInput, value: Any, pointer: str, resolve: Callable[[Any], Any]) -> Any:
    """Resolve names place by place, so that what is wrong with one is told beside it."""
    if isinstance(value, dict) and not _is_name(value):
        return {
            key: _resolved(found, one, f"{pointer}/{escape_step(key)}", resolve)
            for key, one in value.items()
        }
    if isinstance(value, list):
        return [
            _resolved(found, one, f"{pointer}/{index}", resolve) for index, one in enumerate(value)
        ]
    try:
        return resolve(value)
    except ProjectError as error:
        found.add_problem(pointer, str(error))
        return value


def _is_name(value: Mapping[str, Any]) -> bool:
    return set(value) == {"collection", "path"} or (
        len(value) == 1 and not _NAME_WORDS.isdisjoint(value)
    )


def _is_within(pointer: str, other: str) -> bool:
    return pointer == other or pointer.startswith(f"{other}/")


def nearest(pointer: str, places: Iterable[str]) -> str:
    """Return the innermost of some places that holds a place; empty for the input as such.

    Args:
        pointer: JSON pointer of the place.
        places: pointers of the others.
    """
    return max((each for each in places if _is_within(pointer, each)), key=len, default="")
