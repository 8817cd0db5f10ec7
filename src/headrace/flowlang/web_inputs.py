"""Web inputs: questions that a run puts to people, and what their states take and give.

The Parameters and results are those of the service's own example flows (globus-flows-examples,
August 2026); the resource that the API shows is that of globus-sdk's fixtures::

    CreateWebInput   {"InputType": "Selection",
                      "Context": {"Title", "PresentationStyle"?: "Text", "Text"?}, or {"Title",
                                  "PresentationStyle": "Table", "Rows": [{"Field", "Value"}]},
                      "Options": [{"Value", "Label", "Description"?}, ...],
                      "RespondentUrns"?: [URN...]}      gives {"web_input_id"}
    AwaitWebInput    {"web_input_id"}                   gives {"response": the option's Value}

An option's ``Value`` is what the flow sees; who answers names the option by an id of its own.
"""

from __future__ import annotations

import re
import uuid
from typing import Any, Final

from headrace.flowlang.errors import Entry

ID_PARAMETER: Final = "web_input_id"
INPUT_TYPE: Final = "Selection"
TEXT_STYLE: Final = "Text"
TABLE_STYLE: Final = "Table"
# Where the answer stands in what AwaitWebInput gives.
RESPONSE: Final = "response"
# Name of the failure when nobody has answered in time.
EXPIRED: Final = "Flows.WebInputExpired"

_CONTEXT: Final = {
    TEXT_STYLE: ("Title", "PresentationStyle", "Text"),
    TABLE_STYLE: ("Title", "PresentationStyle", "Rows"),
}
_OPTION: Final = ("Value", "Label", "Description")
# The service's own examples write `group` where roles of flows have `groups`.
_RESPONDENT: Final = re.compile(
    r"urn:globus:(auth:identity|groups?:id):[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    re.IGNORECASE,
)


def creation_entries(body: Any) -> list[Entry]:
    """Returns what is wrong with the body of a CreateWebInput, as ``loc/msg/type`` entries."""
    found = _Entries()
    required = ("InputType", "Context", "Options")
    if found.object([], body, (*required, "RespondentUrns"), required):
        if body.get("InputType", INPUT_TYPE) != INPUT_TYPE:
            found.add(["InputType"], f"the only type of input is {INPUT_TYPE!r}")
        if "Context" in body:
            _context(found, body["Context"])
        if "Options" in body:
            _options(found, body["Options"])
        if "RespondentUrns" in body:
            _respondents(found, body["RespondentUrns"])
    return found.entries


def awaiting_entries(body: Any) -> list[Entry]:
    """Returns what is wrong with the body of an AwaitWebInput, as ``loc/msg/type`` entries."""
    found = _Entries()
    if found.object([], body, (ID_PARAMETER,), (ID_PARAMETER,)) and ID_PARAMETER in body:
        found.text([ID_PARAMETER], body[ID_PARAMETER])
    return found.entries


def context_of(body: dict[str, Any]) -> dict[str, Any]:
    """Returns the context as the resource shows it.

    Args:
        body: a body without anything wrong in it.
    """
    context = body["Context"]
    shown = {"title": context["Title"]}
    if context.get("PresentationStyle") == TABLE_STYLE:
        rows = [{"field": row["Field"], "value": row["Value"]} for row in context["Rows"]]
        return {**shown, "presentation_style": "table", "rows": rows}
    return {**shown, "presentation_style": "text", "text": context.get("Text", "")}


def options_of(web_input_id: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns the options as the resource shows them, each with an id of its own.

    Args:
        web_input_id: id of the web input.
        body: a body without anything wrong in it.
    """
    return [
        {
            "option_id": option_id(web_input_id, option["Value"]),
            "label": option["Label"],
            "description": option.get("Description"),
        }
        for option in body["Options"]
    ]


def option_id(web_input_id: str, value: str) -> str:
    """Returns the id of the option of a web input that stands for a value."""
    return str(uuid.uuid5(uuid.UUID(web_input_id), value))


def input_schema(options: list[dict[str, Any]]) -> dict[str, Any]:
    """Returns the schema of the answer, as the resource shows it.

    Args:
        options: the options as the resource shows them.
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
            for option in options
        ],
    }


def _context(found: _Entries, context: Any) -> None:
    style = context.get("PresentationStyle", TEXT_STYLE) if isinstance(context, dict) else ""
    members = _CONTEXT.get(style) if isinstance(style, str) else None
    if members is None:
        if isinstance(context, dict):
            found.add(["Context", "PresentationStyle"], "must be 'Text' or 'Table'")
        else:
            found.add(["Context"], "value is not a valid dict", "type_error.dict")
        return
    required = ("Title", "Rows") if style == TABLE_STYLE else ("Title",)
    found.object(["Context"], context, members, required)
    for name in ("Title", "Text"):
        if name in context and name in members:
            found.text(["Context", name], context[name], empty=name == "Text")
    if style == TABLE_STYLE and "Rows" in context:
        for number, row in enumerate(found.items(["Context", "Rows"], context["Rows"])):
            where: list[Any] = ["Context", "Rows", number]
            if found.object(where, row, ("Field", "Value"), ("Field", "Value")):
                found.text([*where, "Field"], row.get("Field", ""), empty=True)


def _options(found: _Entries, options: Any) -> None:
    seen: set[str] = set()
    items = found.items(["Options"], options)
    if isinstance(options, list) and not options:
        found.add(
            ["Options"], "ensure this value has at least 1 items", "value_error.list.min_items"
        )
    for number, option in enumerate(items):
        where: list[Any] = ["Options", number]
        if not found.object(where, option, _OPTION, ("Value", "Label")):
            continue
        for name in ("Value", "Label"):
            if name in option:
                found.text([*where, name], option[name])
        if option.get("Description") is not None:
            found.text([*where, "Description"], option["Description"], empty=True)
        value = option.get("Value")
        if isinstance(value, str) and value in seen:
            found.add([*where, "Value"], f"there are two options of the value {value!r:.80}")
        seen.add(str(value))


def _respondents(found: _Entries, urns: Any) -> None:
    for number, urn in enumerate(found.items(["RespondentUrns"], urns)):
        if not isinstance(urn, str) or not _RESPONDENT.fullmatch(urn):
            text = f'Unrecognized principal string: "{urn!s:.80}".'
            found.add(["RespondentUrns", number], text)


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
