"""Causes of failures in words, from the details of a run's document."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def failure_in(details: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``state_name``, ``exception`` and ``cause`` of a run that failed.

    Args:
        details: of its document.
    """
    inner = details.get("details")
    found = inner if isinstance(inner, dict) and "exception" in inner else details
    if "exception" not in found:
        return {
            "state_name": None,
            "exception": details.get("code") or "FAILED",
            "cause": details.get("description"),
        }
    return {key: found.get(key) for key in ("state_name", "exception", "cause")}


def failure_line(failure: Mapping[str, Any]) -> str:
    """Return a failure in one line: cause, then exception and state.

    Args:
        failure: as `failure_in` returns it.
    """
    cause, exception = cause_text(failure["cause"]), _line(str(failure["exception"]))
    if not cause:
        cause, exception = exception, ""
    where = " in ".join(
        filter(None, [exception, failure["state_name"] and f"state {_line(failure['state_name'])}"])
    )
    return f"{cause} ({where})" if where else cause


def cause_texts(status: str, details: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return why a run failed or waits: the cause, and with it the error and the state.

    Args:
        status: of the run.
        details: of its document.

    Returns:
        None of a run that does neither.
    """
    if status == "FAILED":
        failure = failure_in(details)
        text = cause_text(failure["cause"]) or cause_text(failure["exception"])
        return text, failure_line(failure) or text
    if status == "INACTIVE":
        line = cause_text(details.get("description") or details.get("code"))
        return line, line
    return None


def cause_text(cause: Any) -> str:
    """Return the cause of a failure in one line: what happened, without what surrounds it.

    Args:
        cause: a text, a traceback, or the document of an action.
    """
    if isinstance(cause, Mapping):
        details = cause.get("details")
        inner = details if isinstance(details, Mapping) else cause
        for key in ("description", "nice_status_details", "error", "message", "exception", "cause"):
            if isinstance(inner.get(key), str) and inner[key]:
                return cause_text(inner[key])
        if isinstance(details, str):
            return cause_text(details)
        return _line(json.dumps(cause))
    if not isinstance(cause, str):
        return "" if cause is None else _line(json.dumps(cause))
    if "Traceback" in cause:
        # It says what happened below its frames, which are indented.
        lines = [line for line in cause.strip().splitlines() if line.strip()]
        frames = [number for number, line in enumerate(lines) if line[:1].isspace()]
        return _line(" ".join(lines[frames[-1] + 1 :] if frames else lines) or lines[-1])
    return _line(cause)


def _line(text: str) -> str:
    return " ".join(str(text).split())
