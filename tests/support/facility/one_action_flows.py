"""Flows of one action, and their outputs."""

from __future__ import annotations

from typing import Any

TRANSFER = "https://transfer.actions.globus.org/"


def flow(*states: tuple[str, str, dict[str, Any]]) -> dict[str, Any]:
    """Returns a definition of Actions one after the other, each keeping its result."""
    document: dict[str, Any] = {}
    for number, (name, url, parameters) in enumerate(states):
        document[name] = {
            "Type": "Action",
            "ActionUrl": url,
            "Parameters": parameters,
            "ResultPath": f"$.{name}",
        }
        if number + 1 < len(states):
            document[name]["Next"] = states[number + 1][0]
        else:
            document[name]["End"] = True
    return {"StartAt": states[0][0], "States": document}


def output(run: dict[str, Any]) -> dict[str, Any]:
    assert run["status"] == "SUCCEEDED", run["details"]
    payload: dict[str, Any] = run["details"]["output"]
    return payload
