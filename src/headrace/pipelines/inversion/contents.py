"""Contents of the pages Inversions and Inversion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from headrace.errors import HeadraceError
from headrace.pipelines.inversion.iterations import STAGES, grid_rows, joined_works
from headrace.pipelines.inversion.misfit_curves import draw_misfit_curves
from headrace.pipelines.inversion.opened import (
    OpenedInversion,
    open_all,
    open_inversion,
    state_of,
)
from headrace.seismic.inversion.changes import changes_since
from headrace.seismic.inversion.status import forecast, misfit_evaluations
from headrace.seismic.inversion.steering import REDO_STAGES
from headrace.web import View

ROWS: Final = 50
"""Iterations, stations or events of a page."""

_KINDS: Final = {
    "running": "busy",
    "failed": "bad",
    "parked": "wait",
    "paused": "wait",
    "stopped": "bad",
    "finished": "good",
}


def load_list(view: View) -> Mapping[str, Any]:
    """Return a row for each inversion; one that cannot be read says why."""
    return {"rows": [_list_row(opened) for opened in open_all(view)]}


def _list_row(opened: OpenedInversion) -> dict[str, Any]:
    row: dict[str, Any] = {"name": opened.name, "label": opened.label, "problem": ""}
    last = opened.last
    summaries = opened.summaries
    known = [one for one in summaries if one["misfit"] is not None]
    row |= {
        "iteration": last.number if last else None,
        "outcome": (last.outcome or "not ended") if last else "not started",
        "kind": {"paused": "wait", "stopped": "bad", "finished": "good", "done": "good"}.get(
            last.outcome if last else "-", "busy" if last else "idle"
        ),
        "band": _band_now(opened),
        "first": known[0]["misfit"] if known else None,
        "misfit": (known[-1]["misfit_after"] or known[-1]["misfit"]) if known else None,
        "core_hours": sum(one["core_hours"] for one in summaries),
    }
    try:
        row |= {"title": opened.settings.title, "iterations": opened.settings.iterations}
    except HeadraceError as error:
        row |= {"title": "", "iterations": None, "problem": str(error)}
    return row


def load_inversion(view: View) -> Mapping[str, Any]:
    """Return what stands on the page besides its parts."""
    opened = open_inversion(view)
    values: dict[str, Any] = {
        "title": opened.label,
        "label": opened.label,
        "home": str(opened.home).encode("utf-8", "replace").decode(),
        "problem": "",
    }
    try:
        values |= {"title": opened.settings.title or opened.label}
    except HeadraceError as error:
        values["problem"] = str(error)
    return values


def load_changes(view: View) -> Mapping[str, Any]:
    """Return what the forms offer; what can be chosen changes as the inversion goes on."""
    opened = open_inversion(view)
    try:
        bands = [band.name for band in opened.settings.bands]
    except HeadraceError:
        bands = []  # the page tells why
    return {
        "seen": opened.seen,
        "bands": bands,
        "is_started": bool(opened.iterations),
        "last": opened.last.number if opened.last else 0,
        "stages": REDO_STAGES,
    }


def load_state(view: View) -> Mapping[str, Any]:
    """Return how the inversion stands, and what was asked of it."""
    opened = open_inversion(view)
    state = state_of(view, opened)
    summaries = opened.summaries
    last = opened.last
    changes = changes_since(opened.paths, summaries[-1]["iteration"]) if summaries else []
    return {
        "state": state.state,
        "kind": _KINDS.get(state.state, "idle"),
        "reason": state.reason,
        "run": state.run_id,
        "iteration": last.number if last else None,
        "most": opened.settings.iterations,
        "band": opened.band[0],
        "band_asked_for": opened.band[1],
        "steering": opened.steering,
        "events": opened.event_count(),
        "changes": changes,
        "forecast": forecast(opened.inversion, summaries, state.state),
        "is_started": last is not None and state.reason[:10] != "it has not",
        "seen": opened.seen,
        "can_see_staging": opened.staging is not None,
    }


def _band_now(opened: OpenedInversion) -> str:
    """Return the band of the newest iteration; empty where it cannot be read."""
    try:
        return opened.band[0]
    except HeadraceError:
        return ""  # the state's part tells why


def load_grid(view: View) -> Mapping[str, Any]:
    """Return the grid of iterations and stages, the newest 50 iterations or those before."""
    opened = open_inversion(view)
    shown, older = _page_of_iterations(view, opened)
    return {
        "name": opened.name,
        "stages": STAGES,
        "rows": grid_rows(shown, _event_count(opened)),
        "band": _band_now(opened),
        "older": older,
        "is_newest": "before" not in view.query,
    }


def _page_of_iterations(view: View, opened: OpenedInversion) -> tuple[list[Any], int | None]:
    before = view.query.get("before", "")
    iterations = opened.iterations
    if before.isdecimal() and len(before) < 10:
        iterations = [one for one in iterations if one.number < int(before)]
    shown = iterations[-ROWS:]
    return shown, shown[0].number if len(iterations) > len(shown) else None


def _event_count(opened: OpenedInversion) -> int:
    try:
        return opened.event_count()
    except HeadraceError:
        return 0  # how many should be is not known; the state's part tells why


def load_misfits(view: View) -> Mapping[str, Any]:
    """Return the drawing of all misfits, and their numbers."""
    opened = open_inversion(view)
    shown, older = _page_of_iterations(view, opened)
    rows = [one for one in reversed(shown) if one.summary]
    return {
        "name": opened.name,
        "drawing": draw_misfit_curves(misfit_evaluations(opened.summaries)),
        "rows": rows,
        "older": older,
    }


def load_bands(view: View) -> Mapping[str, Any]:
    """Return the bands, and how many iterations each has had."""
    opened = open_inversion(view)
    counts: dict[str, int] = {}
    for summary in opened.summaries:
        if summary["outcome"] in ("done", "finished"):
            counts[summary["band"]] = counts.get(summary["band"], 0) + 1
    return {
        "bands": opened.settings.bands,
        "counts": counts,
        "now": opened.band[0],
        "asked_for": opened.band[1],
    }


def load_costs(view: View) -> Mapping[str, Any]:
    """Return time and core hours of each stage."""
    opened = open_inversion(view)
    works = joined_works(one.stages for one in opened.iterations)
    try:
        limit = opened.settings.limits.core_hours
    except HeadraceError:
        limit = None
    order = [*(stage for stage in STAGES if stage in works), *sorted(set(works) - set(STAGES))]
    return {
        "stages": [(stage, works[stage]) for stage in order],
        "total": sum(work.core_hours for work in works.values()),
        "limit": limit,
    }


def load_history(view: View) -> Mapping[str, Any]:
    """Return the last commands."""
    return {"rows": list(reversed(open_inversion(view).history[-20:]))}
