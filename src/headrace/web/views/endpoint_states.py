"""Endpoints as pages show them: their mark."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_GOOD: Final = frozenset({"running", "ready", "busy", "idle", "online"})
_BAD: Final = frozenset({"disconnected", "refused", "unknown", "no facility is running"})


def endpoint_mark(row: Mapping[str, Any]) -> tuple[str, str]:
    """Return the word for an endpoint's state, and its shape and colour.

    Args:
        row: its document, `headrace.endpoints.status.endpoint_document`.
    """
    state = str(row["state"])
    if row["warning"] or state in _BAD:
        return state, "bad"
    if row["drain"] or state in ("waiting for workers", "starting", "retiring"):
        return state, "wait"
    if row["kind"] == "elsewhere":
        return f"{state}; the service calls it {row['service']}", _service_kind(row["service"])
    return state, "good" if state in _GOOD else "idle"


def _service_kind(service: str) -> str:
    return {"online": "good", "offline": "bad"}.get(service, "idle")
