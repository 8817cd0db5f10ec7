"""Texts of a form's controls: those of a value, of defaults, and after a change of a list."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from headrace.web.views.input_form.shapes import UNSET, Shape, escape_step, shape_at

MAX_ITEMS: Final = 40
"""Items of a list that have controls of their own; longer ones are typed as JSON."""

Texts = Mapping[str, str]
"""What stands in the controls, by their names."""


@dataclass(frozen=True)
class Names:
    """Names of a project that an input may have in the place of ids.

    Attributes:
        collections: names of collections.
        endpoints: names of endpoints.
        functions: names of functions.
        by_id: kind (``collection``, ``endpoint`` or ``function``) and name by id.
    """

    collections: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    by_id: Mapping[str, tuple[str, str]] = field(default_factory=dict)


def texts_of(shape: Shape, value: Any, names: Names, pointer: str = "") -> dict[str, str]:
    """Return what stands in the controls of a place.

    Args:
        shape: its shape.
        value: its value; `UNSET` for what the schema has as defaults.
        names: names of the project.
        pointer: JSON pointer of the place.
    """
    found: dict[str, str] = {}
    _fill(found, shape, value, names, pointer, with_defaults=value is UNSET)
    return found


def with_new_item(shape: Shape, texts: Texts, pointer: str, names: Names) -> dict[str, str]:
    """Return the texts with one item more in a list.

    Args:
        shape: the shape of the input.
        texts: what stands in the controls.
        pointer: JSON pointer of the list.
        names: names of the project.
    """
    changed = dict(texts)
    found = shape_at(shape, pointer)
    count = item_count(texts, pointer)
    if found is not None and found.item is not None and count < MAX_ITEMS:
        changed[f"n:{pointer}"] = str(count + 1)
        changed |= texts_of(found.item, UNSET, names, f"{pointer}/{count}")
    return changed


def without_item(texts: Texts, pointer: str) -> dict[str, str]:
    """Return the texts without an item of a list.

    Args:
        texts: what stands in the controls.
        pointer: JSON pointer of the item.
    """
    parent, _, last = pointer.rpartition("/")
    count = item_count(texts, parent)
    index = int(last) if last.isdecimal() and len(last) < 6 else count
    if index >= count:
        return dict(texts)
    place = re.compile(rf"(\w:{re.escape(parent)}/)(\d+)(?=/|$)(.*)", re.DOTALL)
    changed: dict[str, str] = {}
    for name, text in texts.items():
        at = place.fullmatch(name)
        number = int(at[2]) if at else -1
        if at is None or number < index:
            changed[name] = text
        elif number > index:
            changed[f"{at[1]}{number - 1}{at[3]}"] = text
    changed[f"n:{parent}"] = str(count - 1)
    return changed


def item_count(texts: Texts, pointer: str) -> int:
    """Return how many items of a list have controls."""
    text = texts.get(f"n:{pointer}", "")
    return min(int(text), MAX_ITEMS) if text.isdecimal() and len(text) < 6 else 0


def json_text(value: Any) -> str:
    """Return a value as it is typed as JSON."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def _fill(
    found: dict[str, str],
    shape: Shape,
    value: Any,
    names: Names,
    pointer: str,
    *,
    with_defaults: bool,
) -> None:
    if value is UNSET and with_defaults:
        value = shape.default
    if shape.kind == "group":
        _fill_group(found, shape, value, names, pointer, with_defaults=with_defaults)
    elif shape.kind == "list":
        _fill_list(found, shape, value, names, pointer, with_defaults=with_defaults)
    elif shape.kind == "location":
        _fill_location(found, value, names, pointer)
    elif shape.kind == "name":
        _fill_name(found, value, names, pointer)
    elif shape.kind == "json":
        found[f"j:{pointer}"] = "" if value is UNSET else json_text(value)
    elif shape.kind == "choice":
        found[f"v:{pointer}"] = "" if value is UNSET else json.dumps(value)
    elif shape.kind == "switch":
        if value is not UNSET:
            found[f"v:{pointer}"] = "true" if value is True else "false"
    else:
        is_text = isinstance(value, str)
        found[f"v:{pointer}"] = value if is_text else "" if not _is_said(value) else _typed(value)


def _is_said(value: Any) -> bool:
    return value is not UNSET and value is not None


def _typed(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _fill_group(
    found: dict[str, str],
    shape: Shape,
    value: Any,
    names: Names,
    pointer: str,
    *,
    with_defaults: bool,
) -> None:
    given = value if isinstance(value, Mapping) else {}
    if not shape.is_required and value is not UNSET:
        found[f"g:{pointer}"] = "on"
    for key, member in shape.members:
        _fill(
            *(found, member, given.get(key, UNSET), names, f"{pointer}/{escape_step(key)}"),
            with_defaults=with_defaults or value is UNSET,
        )
    if shape.is_open:
        known = {key for key, _ in shape.members}
        further = {key: one for key, one in given.items() if key not in known}
        found[f"j:{pointer}"] = json_text(further) if further else ""


def _fill_list(
    found: dict[str, str],
    shape: Shape,
    value: Any,
    names: Names,
    pointer: str,
    *,
    with_defaults: bool,
) -> None:
    items = value if isinstance(value, list) else []
    if len(items) > MAX_ITEMS:
        found[f"j:{pointer}"] = json_text(items)
        return
    minimum = shape.schema.get("minItems", 0)
    blank = minimum if value is UNSET and shape.is_required and isinstance(minimum, int) else 0
    items = [*items, *[UNSET] * (min(blank, MAX_ITEMS) - len(items))]
    found[f"n:{pointer}"] = str(len(items))
    for index, item in enumerate(items):
        is_new = with_defaults or item is UNSET
        _fill(found, shape.items_shape, item, names, f"{pointer}/{index}", with_defaults=is_new)


def _fill_location(found: dict[str, str], value: Any, names: Names, pointer: str) -> None:
    given = value if isinstance(value, Mapping) else {}
    name, id_ = given.get("collection"), given.get("id")
    if isinstance(id_, str) and names.by_id.get(id_, ("", ""))[0] == "collection":
        name = names.by_id[id_][1]
    is_name = isinstance(name, str) and name in names.collections
    other = name if isinstance(name, str) else id_ if isinstance(id_, str) else ""
    path = given.get("path", "")
    found[f"c:{pointer}"] = str(name) if is_name else ""
    found[f"i:{pointer}"] = "" if is_name else other
    found[f"p:{pointer}"] = path if isinstance(path, str) else json_text(path)


def _fill_name(found: dict[str, str], value: Any, names: Names, pointer: str) -> None:
    chosen = ""
    if isinstance(value, Mapping) and len(value) == 1:
        ((kind, name),) = value.items()
        known = {"endpoint": names.endpoints, "function": names.functions}.get(str(kind), ())
        chosen = f"{kind}:{name}" if name in known else ""
    elif isinstance(value, str) and names.by_id.get(value, ("",))[0] in ("endpoint", "function"):
        chosen = ":".join(names.by_id[value])
    typed = value if isinstance(value, str) else _typed(value) if _is_said(value) else ""
    found[f"s:{pointer}"] = chosen
    found[f"v:{pointer}"] = "" if chosen else typed
