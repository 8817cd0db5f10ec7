"""Page of all data runs, with the one that is being taken."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from headrace.pipelines.data_runs.known_runs import known_runs
from headrace.pipelines.data_runs.rates import RunRates
from headrace.web.page import Page, Part

if TYPE_CHECKING:
    from headrace.datarun.status import DataRunStatus
    from headrace.web.view import View

_ROWS: Final = 50

STATUS_KINDS: Final[Mapping[str, str]] = {
    "TAKING DATA": "busy",
    "ARRIVED": "wait",
    "ACTIVE": "busy",
    "INACTIVE": "wait",
    "SUCCEEDED": "good",
    "FAILED": "bad",
}
"""Mark of each status."""


def status_row(run: DataRunStatus) -> dict[str, Any]:
    """Return a data run as templates show it."""
    return {
        "name": run.name,
        "address": f"data-runs/{quote(run.name, safe='')}",
        "status": run.status,
        "kind": STATUS_KINDS.get(run.status, "none"),
        "now": run.now,
        "segments": run.segments,
        "bytes": run.bytes,
        "events": run.events,
        "rate": run.traces_per_second,
        "lag": run.lag,
    }


def _load_current(view: View) -> Mapping[str, Any]:
    known = known_runs(view)
    runs = known.poll(view)
    taking = [run for run in runs if run.status == "TAKING DATA"]
    if not runs:
        return {"run": None}
    current = taking[0] if taking else runs[0]
    found = known.find_named(current.name)
    rates = RunRates.of(found, known.index_of(found)) if found else None
    return {"run": status_row(current), "is_taken": bool(taking), "rates": rates}


def _load_runs(view: View) -> Mapping[str, Any]:
    runs = known_runs(view).poll(view)
    before = view.query.get("before", "")
    behind = [run for run in runs if not before or run.name < before]
    page = behind[:_ROWS]
    older = page[-1].name if len(behind) > _ROWS else None
    return {
        "rows": [status_row(run) for run in page],
        "older": f"data-runs?before={quote(older, safe='')}" if older else None,
        "count": len(runs),
        "bytes": sum(run.bytes or 0 for run in runs),
        "done": sum(run.status == "SUCCEEDED" for run in runs),
    }


PAGE = Page(
    name="data_runs",
    path="/data-runs",
    title="Data runs",
    template="headrace.pipelines.data_runs:list.html",
    parts=(
        Part(
            "current",
            "headrace.pipelines.data_runs:current.html",
            _load_current,
            topics=("data_run", "runs"),
            every=5.0,
        ),
        Part(
            "runs",
            "headrace.pipelines.data_runs:runs.html",
            _load_runs,
            topics=("data_run", "runs"),
            every=10.0,
        ),
    ),
    menu="Data runs",
    rank=60,
)
