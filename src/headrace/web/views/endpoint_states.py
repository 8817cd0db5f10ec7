"""Endpoints as pages show them: their mark, and whether one needs a look."""

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
    if row["kind"] == "elsewhere":
        # What is not on this machine is known by what the service says alone.
        state = f"{state}; the service calls it {row['service']}"
    if row["held"]:
        return f"{state}, by hand", "idle"
    if row["warning"] or state in _BAD or _is_down(row):
        return state, "bad"
    if row["drain"] or state in ("waiting for workers", "starting", "retiring"):
        return state, "wait"
    if row["kind"] == "elsewhere":
        return state, "good" if row["service"] == "online" else "wait"
    return state, "good" if state in _GOOD else "idle"


def needs_a_look(row: Mapping[str, Any]) -> bool:
    """Return whether an endpoint is not as one that works.

    Args:
        row: its document, `headrace.endpoints.status.endpoint_document`.
    """
    return bool(row["held"]) or endpoint_mark(row)[1] in ("bad", "wait")


def _is_down(row: Mapping[str, Any]) -> bool:
    if row["kind"] == "installed" and row["state"] == "stopped":
        return True
    return row["kind"] != "hosted" and row["service"] in ("offline", "not registered")
