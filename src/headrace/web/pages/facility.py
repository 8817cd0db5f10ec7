"""The facility: whether it is well, its store, its processes, its log; check, copy, start, stop."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from headrace import __version__
from headrace._internal.files import private_directory
from headrace._internal.heartbeat_files import read_heartbeats
from headrace.errors import HeadraceError
from headrace.facility import (
    check_store,
    facility_status,
    log_path,
    start_facility,
    state_directory,
    stop_facility,
)
from headrace.project import facility_settings
from headrace.runs.poller import parse_time
from headrace.web.errors import NotHere
from headrace.web.page import Action, Done, Page, Part
from headrace.web.view import View
from headrace.web.views.last_lines import last_lines

_LOG_LINES: Final = 80
_STORE_SECONDS: Final = 2.0
_SHOWN_PROBLEMS: Final = 3
_COPIES: Final = "backups"


def _require_facility(view: View) -> None:
    if view.target != "local":
        raise NotHere(
            "the hosted services are kept by Globus: they have no store, log or health that can "
            "be asked for"
        )


def _load_state(view: View) -> Mapping[str, Any]:
    _require_facility(view)
    found = facility_status(view.site.root)
    actions = view.site.store.actions_of(view.address)
    seen = f"{found['pid'] if found else 0} {actions[0].id if actions else 0}"
    return {"found": found, "version": __version__, "actions": actions, "seen": seen}


def _load_store(view: View) -> Mapping[str, Any]:
    _require_facility(view)

    def read(before: Mapping[str, Any] | None) -> Mapping[str, Any]:
        status = view.ask(lambda services: services.read("/status"))
        moment = parse_time(status.get("time"))
        ahead = None if moment is None else (moment - datetime.now(UTC)).total_seconds()
        return {"status": status, "store": status.get("store") or {}, "ahead": ahead}

    return view.site.shared.get("facility", _STORE_SECONDS, read)


def _load_processes(view: View) -> Mapping[str, Any]:
    now = time.time()
    found = read_heartbeats(state_directory(view.site.root), view.target)
    return {"rows": [(each, each.state(now), each.age(now)) for each in found]}


def _load_log(view: View) -> Mapping[str, Any]:
    _require_facility(view)
    path = log_path(view.site.root)
    return {"path": path, "lines": last_lines(path, _LOG_LINES) if path.is_file() else []}


def _start(view: View) -> Done:
    _require_facility(view)
    project = view.project

    def work() -> Done:
        address = start_facility(project.root, facility_settings(project))
        return Done(f"the facility is started: {address.url}", subject="facility")

    return view.site.long_actions.begin("facility", "the facility is being started", work)


def _stop(view: View) -> Done:
    _require_facility(view)
    root = view.site.root

    def work() -> Done:
        words = "stopped: active runs go on when it is started again"
        return Done(f"the facility {words if stop_facility(root) else 'was not running'}")

    return view.site.long_actions.begin("facility", "the facility is being stopped", work)


def _check(view: View) -> Done:
    return _look_at_store(view, copies=False)


def _back_up(view: View) -> Done:
    return _look_at_store(view, copies=True)


def _look_at_store(view: View, *, copies: bool) -> Done:
    _require_facility(view)
    state = state_directory(view.site.root)

    def work() -> Done:
        export = None
        if copies:
            name = f"facility-{datetime.now(UTC):%Y%m%dT%H%M%S.%f}.db"
            export = private_directory(state / _COPIES) / name
        report = check_store(state / "facility.db", export)
        words = f"{report.size / 1e6:.1f} MB, {report.runs:,} runs"
        if not report.intact:
            unreadable = [f"run {run_id}: {reason}" for run_id, reason in report.unreadable_runs]
            problems = [*report.problems, *unreadable]
            more = len(problems) - _SHOWN_PROBLEMS
            shown = [*problems[:_SHOWN_PROBLEMS], *([f"and {more} more"] if more > 0 else [])]
            kept = f"; what can be read is in {report.exported}" if report.exported else ""
            raise HeadraceError(f"the store is damaged: {'; '.join(shown)}{kept}")
        done = f"copied to {report.exported}" if report.exported else "no damage"
        return Done(f"the store has been read: {words}; {done}", subject="store")

    doing = "the store is being copied" if copies else "the store is being checked"
    return view.site.long_actions.begin("store", doing, work)


PAGE: Final = Page(
    name="facility",
    path="/facility",
    title="Facility",
    template="facility/page.html",
    parts=(
        Part("state", "facility/state.html", _load_state, topics=("facility",), every=10.0),
        Part("store", "facility/store.html", _load_store, topics=("facility",), every=30.0),
        Part("processes", "facility/processes.html", _load_processes, every=10.0),
        Part("log", "facility/log.html", _load_log, every=15.0),
    ),
    actions=(
        Action("start", _start),
        Action("stop", _stop),
        Action("check", _check),
        Action("back_up", _back_up),
    ),
    menu="Facility",
    rank=800,
)
