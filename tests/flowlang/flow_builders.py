"""Small definitions for tests."""

from __future__ import annotations

from typing import Any

HELLO = "https://actions.globus.org/hello_world"
END = {"Type": "Pass", "End": True}


def flow(start: str = "A", **states: dict[str, Any]) -> dict[str, Any]:
    """A definition of these states."""
    return {"StartAt": start, "States": states}


def action(**more: Any) -> dict[str, Any]:
    """An Action that calls hello_world; members that are None are left out."""
    fields = {
        "Type": "Action",
        "ActionUrl": HELLO,
        "Parameters": {},
        "ResultPath": "$.r",
        "End": True,
    }
    return {
        key: value for key, value in {**fields, "End": True, **more}.items() if value is not None
    }


def document(status: str = "SUCCEEDED", **details: Any) -> dict[str, Any]:
    """An action's last status document."""
    return {"action_id": "a", "status": status, "creator_id": "urn:x", "details": details}
