"""A flow whose middle fails until a directory is there, and what a person gives in its place."""

from __future__ import annotations

from typing import Any

SCHEMA = {
    "type": "object",
    "required": ["who", "collection"],
    "properties": {
        "who": {"type": "string"},
        "collection": {"type": "string"},
        "ballast": {"type": "string"},
    },
    "additionalProperties": False,
}

FLOW: dict[str, Any] = {
    "StartAt": "Greet",
    "States": {
        "Greet": {
            "Type": "Action",
            "ActionUrl": "https://actions.globus.org/hello_world",
            "Parameters": {"echo_string.$": "$.who"},
            "ResultPath": "$.greeting",
            "Next": "Look",
        },
        "Look": {
            "Type": "Action",
            "ActionUrl": "https://transfer.actions.globus.org/ls",
            "Parameters": {"endpoint_id.$": "$.collection", "path": "/later/"},
            "ResultPath": "$.listing",
            "Next": "Count",
        },
        "Count": {
            "Type": "ExpressionEval",
            "Parameters": {"files.=": "len(listing.details.DATA)"},
            "ResultPath": "$.count",
            "End": True,
        },
    },
}
