"""Flows that call a flow."""

from __future__ import annotations

from typing import Any


def outer(flow_id: str, **body: Any) -> dict[str, Any]:
    state = {
        "Type": "Action",
        "ActionUrl": f"https://flows.globus.org/flows/{flow_id}",
        "Parameters": body,
        "ResultPath": "$.inner",
        "End": True,
    }
    return {"StartAt": "Call", "States": {"Call": state}}
