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

import uuid
from typing import Any, Final

ID_PARAMETER: Final = "web_input_id"
INPUT_TYPE: Final = "Selection"
TABLE_STYLE: Final = "Table"
# Where the answer stands in what AwaitWebInput gives.
RESPONSE: Final = "response"
# Name of the failure when nobody has answered in time.
EXPIRED: Final = "Flows.WebInputExpired"


def repeated_value(body: dict[str, Any]) -> str | None:
    """Return the first value that two options have; None where each has its own.

    Args:
        body: a body that fits the schema of CreateWebInput's parameters.
    """
    seen: set[str] = set()
    for option in body["Options"]:
        if option["Value"] in seen:
            return str(option["Value"])
        seen.add(option["Value"])
    return None


def context_of(body: dict[str, Any]) -> dict[str, Any]:
    """Return the context as the resource shows it.

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
    """Return the options as the resource shows them, each with an id of its own.

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
    """Return the id of the option of a web input that stands for a value."""
    return str(uuid.uuid5(uuid.UUID(web_input_id), value))


def input_schema(options: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the schema of the answer, as the resource shows it.

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
