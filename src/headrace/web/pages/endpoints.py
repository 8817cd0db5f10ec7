"""Endpoints of the project: how each is, what its workers do, what was monitored."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from headrace.endpoints.monitor import check_heartbeat
from headrace.endpoints.monitor.heartbeat import heartbeat_file
from headrace.endpoints.status import endpoint_documents
from headrace.errors import HeadraceError
from headrace.web.page import Page, Part
from headrace.web.view import View
from headrace.web.views.endpoint_states import endpoint_mark

_NO_AGE: Final = float("inf")


def documents(view: View, names: Sequence[str] | None = None) -> tuple[list[dict[str, Any]], str]:
    """Return what is known of endpoints, and why the services were not asked where they were not.

    Args:
        view: the request.
        names: the endpoints; all by default.
    """
    project, target = view.project, view.target
    try:
        rows = view.ask(lambda services: endpoint_documents(project, target, services, names))
    except HeadraceError as error:
        return endpoint_documents(project, target, None, names), str(error)
    return rows, ""


def monitored(view: View) -> Mapping[str, Any]:
    """Return the monitor's last check: ``age_seconds``, ``host``, ``endpoints``; or ``problem``.

    ``is_absent`` where it has never run.

    Args:
        view: the request.
    """
    path = heartbeat_file(view.project)
    if not path.exists():
        return {"is_absent": True, "problem": "", "endpoints": ()}
    try:
        found = check_heartbeat(path, _NO_AGE, time.time(), target=view.target)
    except HeadraceError as error:
        return {"is_absent": False, "problem": str(error), "endpoints": ()}
    return {"is_absent": False, "problem": "", **found}


def _load_table(view: View) -> Mapping[str, Any]:
    rows, problem = documents(view)
    marks = {row["name"]: endpoint_mark(row) for row in rows}
    return {"rows": rows, "marks": marks, "problem": problem}


def _load_monitor(view: View) -> Mapping[str, Any]:
    return {"monitor": monitored(view)}


PAGE: Final = Page(
    name="endpoints",
    path="/endpoints",
    title="Endpoints",
    template="endpoints/list.html",
    parts=(
        Part("table", "endpoints/table.html", _load_table, topics=("endpoints",), every=10.0),
        Part("monitor", "endpoints/monitor.html", _load_monitor, topics=("endpoints",), every=30.0),
    ),
    menu="Endpoints",
    rank=500,
)
