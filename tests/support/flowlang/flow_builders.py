"""Small definitions for tests."""

from __future__ import annotations

from typing import Any

HELLO = "https://actions.globus.org/hello_world"
OTHER = "https://provider.example.org/"
# What each provider needs at the least.
_TRANSFER = {
    "source_endpoint": "a",
    "destination_endpoint": "b",
    "DATA": [{"source_path": "/a", "destination_path": "/b"}],
}
_COMPUTE = {"endpoint_id": "e", "tasks": [{"function_id": "f"}]}
NEEDED: dict[str, dict[str, Any]] = {
    "https://transfer.actions.globus.org/transfer": _TRANSFER,
    "https://transfer.actions.globus.org/delete": {"endpoint": "a", "DATA": [{"path": "/a"}]},
    "https://transfer.actions.globus.org/ls": {"endpoint_id": "a"},
    "https://transfer.actions.globus.org/stat": {"endpoint_id": "a", "path": "/a"},
    "https://transfer.actions.globus.org/mkdir": {"endpoint_id": "a", "path": "/a"},
    "https://transfer.actions.globus.org/collection_info": {"endpoint_id": "a"},
    "https://compute.actions.globus.org/v3": _COMPUTE,
    "https://compute.actions.globus.org": {"endpoint": "e", "function": "f"},
}
END = {"Type": "Pass", "End": True}


def flow(start: str = "A", **states: dict[str, Any]) -> dict[str, Any]:
    """A definition of these states."""
    return {"StartAt": start, "States": states}


def action(**more: Any) -> dict[str, Any]:
    """An Action; members that are None are left out.

    It calls hello_world, or a provider of which nothing is known where it says what it asks.
    """
    default = OTHER if "Parameters" in more or "InputPath" in more else HELLO
    fields = {
        "Type": "Action",
        "ActionUrl": default,
        "Parameters": NEEDED.get(str(more.get("ActionUrl", HELLO)).rstrip("/"), {}),
        "ResultPath": "$.r",
        "End": True,
    }
    return {
        key: value for key, value in {**fields, "End": True, **more}.items() if value is not None
    }


def document(status: str = "SUCCEEDED", **details: Any) -> dict[str, Any]:
    """An action's last status document."""
    return {"action_id": "a", "status": status, "creator_id": "urn:x", "details": details}
