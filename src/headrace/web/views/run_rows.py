"""Rows of lists of runs: documents of a service become what a table shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from headrace.runs.failure_cause import failure_cause
from headrace.runs.poller import RunView
from headrace.runs.retry_chains import retried_run_id
from headrace.web.views.texts import shortened

_KINDS: Final[Mapping[str, str]] = {
    "ACTIVE": "busy",
    "INACTIVE": "wait",
    "SUCCEEDED": "good",
    "FAILED": "bad",
    "ENDED": "idle",
}


# Characters of a cause in a list; the page of the run has all of it.
_CAUSE: Final = 160


@dataclass(frozen=True)
class Status:
    """Status as pages show it.

    Attributes:
        word: the status in lower case, as the command line writes it.
        kind: ``good``, ``bad``, ``busy``, ``wait`` or ``idle``: its shape and colour.
    """

    word: str
    kind: str


def status_of(document: Mapping[str, Any]) -> Status:
    """Return the status of a run.

    Args:
        document: the run's document.
    """
    view = RunView(document)
    if view.cancelled:
        return Status("cancelled", "idle")
    if document.get("held_at") and not view.final:
        return Status("held", "wait")
    return Status(shortened(view.status.lower(), 30), _KINDS.get(view.status, "idle"))


@dataclass(frozen=True)
class RunRow:
    """A run in a list.

    Attributes:
        id: its id.
        status: its status.
        label: its label, or its flow's title.
        flow: title of its flow.
        started: when it was started, as the service writes it.
        seconds: how long it took, or has taken so far.
        cause: why it failed, or what it waits for; empty for others.
        retry_of: id of the run that it takes up; empty where it takes up none.
    """

    id: str
    status: Status
    label: str
    flow: str
    started: str
    seconds: float
    cause: str
    retry_of: str


def run_row(document: Mapping[str, Any]) -> RunRow:
    """Return the row of a run.

    Args:
        document: the run's document.
    """
    view = RunView(document)
    cause = failure_cause(document) if not view.cancelled else None
    return RunRow(
        view.id,
        status_of(document),
        shortened(view.label, 120),
        shortened(document.get("flow_title"), 120),
        str(document.get("start_time") or ""),
        view.elapsed(),
        shortened(cause.summary if cause else "", _CAUSE),
        retried_run_id(document) or "",
    )
