"""Web inputs: questions that a run puts to people, and what their states take and give.

The documentation shows the resource, not the Parameters that make one. We take the members of the
resource that its maker decides about, in the resource's own shape::

    CreateWebInput   {"input_type"?: "selection",
                      "context": {"title", "presentation_style"?: "text", "text"?}, or {"title",
                                  "presentation_style": "table", "rows": [{"field", "value"}]},
                      "options": [{"label", "option_id"?, "description"?}, ...],
                      "roles"?: {"viewer_urns"?: [URN...], "respondent_urns"?: [URN...]}}
    AwaitWebInput    {"WebInputId": the id}

A CreateWebInput gives the resource (``$.Question.id``), an AwaitWebInput the closed resource with
two members more: ``response``, ``{"value": option_id}``, and ``respondent_urn``.
"""

from __future__ import annotations

from typing import Any, Final

from headrace.flowlang.errors import Entry
from headrace.flowlang.metadata import PRINCIPAL

ID_PARAMETER: Final = "WebInputId"
INPUT_TYPE: Final = "selection"
TEXT_STYLE: Final = "text"
TABLE_STYLE: Final = "table"
# Where the answer stands in what AwaitWebInput gives.
RESPONSE: Final = "response"
RESPONDENT: Final = "respondent_urn"

_MEMBERS: Final = ("input_type", "context", "options", "roles")
_CONTEXT: Final = {
    TEXT_STYLE: ("title", "presentation_style", "text"),
    TABLE_STYLE: ("title", "presentation_style", "rows"),
}


def creation_entries(body: Any) -> list[Entry]:
    """Returns what is wrong with the body of a CreateWebInput, as ``loc/msg/type`` entries."""
    found = _Entries()
    if found.object(
        [], body, ("input_type", "context", "options", "roles"), ("context", "options")
    ):
        if body.get("input_type", INPUT_TYPE) != INPUT_TYPE:
            found.add(["input_type"], f"the only type of input is {INPUT_TYPE!r}")
        if "context" in body:
            _context(found, body["context"])
        if "options" in body:
            _options(found, body["options"])
        if "roles" in body:
            _roles(found, body["roles"])
    return found.entries


def awaiting_entries(body: Any) -> list[Entry]:
    """Returns what is wrong with the body of an AwaitWebInput, as ``loc/msg/type`` entries."""
    found = _Entries()
    if found.object([], body, (ID_PARAMETER,), (ID_PARAMETER,)) and ID_PARAMETER in body:
        found.text([ID_PARAMETER], body[ID_PARAMETER])
    return found.entries


def options_of(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns the options as the resource shows them.

    An option without an ``option_id`` is known by its label, so that a Choice can ask for it.

    Args:
        body: a body without anything wrong in it.
    """
    return [
        {
            "option_id": option.get("option_id", option["label"]),
            "label": option["label"],
            "description": option.get("description"),
        }
        for option in body["options"]
    ]


def input_schema(body: dict[str, Any]) -> dict[str, Any]:
    """Returns the schema of the answer, as the resource shows it.

    Args:
        body: a body without anything wrong in it.
    """
    return {
        "$schema": "http://json-schema.org/draft-07/schema",
        "title": "Please select an option",
        "type": "string",
        "oneOf": [
            {
                "const": option["option_id"],
                "title": option["label"],
                "description": option["description"] or "",
            }
            for option in options_of(body)
        ],
    }


def _context(found: _Entries, context: Any) -> None:
    style = context.get("presentation_style", TEXT_STYLE) if isinstance(context, dict) else ""
    members = _CONTEXT.get(style) if isinstance(style, str) else None
    if members is None:
        if isinstance(context, dict):
            found.add(["context", "presentation_style"], "must be 'text' or 'table'")
        else:
            found.add(["context"], "value is not a valid dict", "type_error.dict")
        return
    required = ("title", "rows") if style == TABLE_STYLE else ("title",)
    found.object(["context"], context, members, required)
    for name in ("title", "text"):
        if name in context and name in members:
            found.text(["context", name], context[name])
    if style == TABLE_STYLE and "rows" in context:
        for number, row in enumerate(found.items(["context", "rows"], context["rows"])):
            where: list[Any] = ["context", "rows", number]
            if found.object(where, row, ("field", "value"), ("field", "value")):
                found.text([*where, "field"], row.get("field", ""), empty=True)


def _options(found: _Entries, options: Any) -> None:
    seen: set[str] = set()
    items = found.items(["options"], options)
    if isinstance(options, list) and not options:
        found.add(
            ["options"], "ensure this value has at least 1 items", "value_error.list.min_items"
        )
    for number, option in enumerate(items):
        where: list[Any] = ["options", number]
        if not found.object(where, option, ("option_id", "label", "description"), ("label",)):
            continue
        for name in option:
            if name in {"option_id", "label", "description"}:
                found.text([*where, name], option[name], empty=name == "description")
        name = option.get("option_id", option.get("label"))
        if isinstance(name, str) and name in seen:
            found.add(where, f"there are two options {name!r}")
        seen.add(str(name))


def _roles(found: _Entries, roles: Any) -> None:
    if not found.object(["roles"], roles, ("viewer_urns", "respondent_urns"), ()):
        return
    for role in ("viewer_urns", "respondent_urns"):
        for number, urn in enumerate(found.items(["roles", role], roles.get(role, []))):
            if not isinstance(urn, str) or not PRINCIPAL.fullmatch(urn):
                found.add(["roles", role, number], f'Unrecognized principal string: "{urn!s:.80}".')


class _Entries:
    """What is wrong, as it is found."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def add(self, loc: list[Any], message: str, kind: str = "value_error") -> None:
        """Notes a mistake."""
        self.entries.append({"loc": loc, "msg": message, "type": kind})

    def object(
        self, loc: list[Any], value: Any, names: tuple[str, ...], required: tuple[str, ...]
    ) -> bool:
        """Notes what is no object, unknown members and missing ones."""
        if not isinstance(value, dict):
            self.add(loc, "value is not a valid dict", "type_error.dict")
            return False
        for name in value:
            if name not in names:
                self.add([*loc, name], "extra fields not permitted", "value_error.extra")
        for name in required:
            if name not in value:
                self.add([*loc, name], "field required", "value_error.missing")
        return True

    def items(self, loc: list[Any], value: Any) -> list[Any]:
        """Returns an array's items; notes what is no array."""
        if isinstance(value, list):
            return value
        self.add(loc, "value is not a valid list", "type_error.list")
        return []

    def text(self, loc: list[Any], value: Any, empty: bool = False) -> None:
        """Notes what is no text."""
        if not isinstance(value, str):
            self.add(loc, "str type expected", "type_error.str")
        elif not value and not empty:
            message = "ensure this value has at least 1 characters"
            self.add(loc, message, "value_error.any_str.min_length")
