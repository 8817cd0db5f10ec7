"""Cause of a run's failure, as lists of runs show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from headrace.runs.describe import cause_text, failure_summary
from headrace.runs.poller import RunView


@dataclass(frozen=True)
class FailureCause:
    """Cause of a failure, or of what a run waits for.

    Attributes:
        text: the cause in one line.
        exception: the name of the error; empty where none is known.
        state: the state it was in; likewise.
        summary: all three in one line, as ``run show`` has them.
    """

    text: str
    exception: str
    state: str
    summary: str


def failure_cause(document: Mapping[str, Any]) -> FailureCause | None:
    """Return why a run failed or waits; None of a run that does neither.

    Args:
        document: the run's document.
    """
    view = RunView(document)
    failure = view.failure()
    if failure is None:
        if view.status != "INACTIVE":
            return None
        details = document.get("details") or {}
        line = cause_text(details.get("description") or details.get("code"))
        return FailureCause(line, str(details.get("code") or ""), "", line)
    exception = cause_text(failure["exception"])
    text = cause_text(failure["cause"]) or exception
    state = str(failure["state_name"] or "")
    return FailureCause(text, exception, state, failure_summary(view) or text)
