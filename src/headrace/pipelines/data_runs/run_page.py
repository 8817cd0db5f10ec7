"""Page of one data run: how far it is, its segments, histograms and costs; run it again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from headrace.pipelines.data_runs.charts import histogram, rate_curve, segment_strip
from headrace.pipelines.data_runs.indexes import SegmentIndex
from headrace.pipelines.data_runs.known_runs import KnownRun, known_runs
from headrace.pipelines.data_runs.rates import RunRates
from headrace.pipelines.data_runs.run_list import status_row
from headrace.web.errors import NotAllowed, NotHere
from headrace.web.page import Action, Done, Page, Part
from headrace.web.pages.run.figures import result_figures

if TYPE_CHECKING:
    from headrace.datarun.hit_index.index_file import HitIndex
    from headrace.web.view import View

_ROWS: Final = 50
_FIRST_STATE: Final = "ListSegments"
_PACKAGE: Final = "headrace.pipelines.data_runs"

SEGMENT_KINDS: Final[Mapping[str, str]] = {
    "arrived": "none",
    "at the cluster": "idle",
    "in work": "busy",
    "failed": "bad",
    "fitted": "wait",
    "converted": "good",
}
"""Mark of each state of a segment."""


def channels_of(indexes: Mapping[int, SegmentIndex]) -> dict[str, int]:
    """Return names of the channels of a data run, in their order, and their numbers."""
    found = {
        (each.channel, each.name)
        for entry in indexes.values()
        if entry.index is not None
        for each in entry.index.header.channels
    }
    return {name: channel for channel, name in sorted(found)}


def index_note(indexes: Mapping[int, SegmentIndex]) -> str:
    """Return how far the indexes are, in words; empty where all are there."""
    missing = [entry for entry in indexes.values() if entry.index is None and not entry.problem]
    if missing:
        shares = [entry.share for entry in missing if entry.share]
        share = f", {shares[0]:.0%} of one is read" if shares else ""
        count = len(indexes) - len(missing)
        return f"{count} of {len(indexes)} segments have been read for this page{share}"
    problem = next((entry.problem for entry in indexes.values() if entry.problem), "")
    return f"not all segments are shown: {problem}" if problem else ""


def refuse_absent(run: KnownRun) -> None:
    """Raise where nothing of a data run is on this machine.

    Raises:
        NotHere: it is elsewhere, or gone.
    """
    if run.segments:
        return
    where = run.places.elsewhere
    raise NotHere(
        f"its segments are not on this machine: they are at {where}"
        if where
        else "none of its segments is on this machine any more"
    )


def _load(view: View) -> Mapping[str, Any]:
    run = known_runs(view).find(view)
    return {"title": f"Data run {run.status.name}", "address": run.address}


def _load_status(view: View) -> Mapping[str, Any]:
    known = known_runs(view)
    run = known.find(view)
    indexes = known.index_of(run)
    rates = RunRates.of(run, indexes)
    hours = None
    if run.run is not None:
        from headrace.runs.state_details import run_core_hours, state_details

        entries = known.entries(run.run)
        hours = run_core_hours(state_details(run.run, entries, view.project))
    return {
        "run": status_row(run.status),
        "address": run.address,
        "run_id": run.status.run_id,
        "may_run_again": run.run is not None and run.run.final,
        "failed": run.status.status == "FAILED",
        "results": run.status.results,
        "staging": str(run.places.staging or run.places.elsewhere),
        "rates": rates,
        "curve": rate_curve(rates.curve, "Events that were acquired") if rates.curve else None,
        "core_hours": hours,
        "note": index_note(indexes),
    }


def _load_segments(view: View) -> Mapping[str, Any]:
    run = known_runs(view).find(view)
    refuse_absent(run)
    after = view.query.get("segments_after", "")
    first = int(after) if after.isdecimal() and len(after) < 9 else -1
    behind = [each for each in run.segments if each.number > first]
    page = behind[:_ROWS]
    counts = Counter(each.state for each in run.segments)
    words = ", ".join(f"{count} {state}" for state, count in counts.items())
    older = page[-1].number if len(behind) > _ROWS else None
    final = run.run is not None and run.run.final
    return {
        "strip": segment_strip(
            [SEGMENT_KINDS[each.state] for each in run.segments],
            f"{len(run.segments)} segments in their order: {words}",
        ),
        "counts": [(state, SEGMENT_KINDS[state], count) for state, count in counts.items()],
        "rows": [
            {
                "number": each.number,
                "name": each.name,
                "state": each.state,
                "kind": SEGMENT_KINDS[each.state],
                "bytes": each.bytes,
                "facts": each.facts,
                "rate": _rate(each.facts),
            }
            for each in page
        ],
        "older": f"{run.address}?segments_after={older}" if older is not None else None,
        "address": run.address,
        "run_id": run.status.run_id,
        "may_fit_again": final and run.places.staging is not None,
    }


def _rate(facts: Mapping[str, Any]) -> float | None:
    hits, seconds = facts.get("hits"), facts.get("seconds")
    return hits / seconds if hits and seconds else None


def _load_histograms(view: View) -> Mapping[str, Any]:
    known = known_runs(view)
    run = known.find(view)
    refuse_absent(run)
    indexes = known.index_of(run)
    channels = channels_of(indexes)
    wanted = view.query.get("channel", "")
    channel = wanted if wanted in channels else next(iter(channels), None)
    found = [entry.index for entry in indexes.values() if entry.index is not None]
    return {
        "channels": list(channels),
        "channel": channel,
        "address": run.address,
        "charts": _charts(found, channels[channel]) if channel else [],
        "totals": _totals(found),
        "note": index_note(indexes),
    }


def _load_figures(view: View) -> Mapping[str, Any]:
    return result_figures(view, known_runs(view).find(view).run)


def _charts(indexes: list[HitIndex], channel: int) -> list[dict[str, Any]]:
    import numpy as np

    from headrace.datarun.hit_index.index_file import AXES, BINS

    total = np.zeros(BINS, np.int64)
    for index in indexes:
        for row, each in enumerate(index.header.channels):
            if each.channel == channel:
                total += index.histograms[row]
    charts, at = [], 0
    for axis in AXES:
        counts = total[at : at + axis.bins]
        at += axis.bins
        if counts.any():
            picture, rows = histogram(counts, axis.edges(), axis.label)
            charts.append(
                {"name": axis.name, "label": axis.label, "picture": picture, "rows": rows}
            )
    return charts


def _totals(indexes: list[HitIndex]) -> list[dict[str, Any]]:
    """Return hits, fits and two pulses of each channel."""
    totals: dict[str, list[int]] = {}
    for index in indexes:
        for each in index.header.channels:
            row = totals.setdefault(each.name, [0, 0, 0])
            row[0] += each.last - each.first
            row[1] += each.fitted
            row[2] += each.two
    return [
        {"name": name, "hits": hits, "fitted": fitted, "two": two}
        for name, (hits, fitted, two) in sorted(totals.items())
    ]


def _run_again(view: View) -> Done:
    run, ended = _ended_run(view)
    return _restarted(view, run, ended, "what has not changed is not done again")


def _go_on(view: View) -> Done:
    from headrace.runs.query import retry_run

    run, ended = _ended_run(view)
    new = view.ask(lambda services: retry_run(services, view.target, ended, request_id=view.once))
    return Done(f"{run.status.name} goes on as run {new['run_id']}", run.address, run.status.name)


def _fit_again(view: View) -> Done:
    run, ended = _ended_run(view)
    number = view.form.get("segment", "")
    segment = next((each for each in run.segments if str(each.number) == number), None)
    if segment is None:
        raise NotAllowed(f"{run.status.name} has no segment {number[:20]!r}")
    if run.places.staging is None:
        raise NotHere("the records of the fits are not on this machine: remove it there")
    record = f"{segment.name.removesuffix('.evt')}-fitted.evt.done.json"
    # Without its record the stage has not been done; the output is replaced when it is whole.
    try:
        (run.places.staging / "fitted" / record).unlink(missing_ok=True)
    except OSError as error:
        raise NotAllowed(f"{record} cannot be removed: {error.strerror}") from error
    return _restarted(view, run, ended, f"{segment.name} is fitted once more")


def _restarted(view: View, run: KnownRun, ended: str, note: str) -> Done:
    from headrace.runs.query import retry_run

    new = view.ask(
        lambda services: retry_run(
            services, view.target, ended, state=_FIRST_STATE, request_id=view.once
        )
    )
    message = f"{run.status.name} is processed again as run {new['run_id']}; {note}"
    return Done(message, run.address, run.status.name)


def _ended_run(view: View) -> tuple[KnownRun, str]:
    """Return the data run of a form, and its run of the flow: ended, and the one it showed."""
    run = known_runs(view).find(view)
    if run.run is None:
        raise NotAllowed(f"{run.status.name} has no run of the flow yet: its trigger starts it")
    if not run.run.final:
        raise NotAllowed(f"{run.status.name} is being processed: wait for its end, or cancel it")
    if view.form.get("run_id") != run.run.id:
        raise NotAllowed(f"{run.status.name} was processed again meanwhile: look at it once more")
    return run, run.run.id


PAGE = Page(
    name="data_run",
    path="/data-runs/{data_run}",
    title="Data run",
    template=f"{_PACKAGE}:run.html",
    load=_load,
    parts=(
        Part("status", f"{_PACKAGE}:status.html", _load_status, ("data_run", "runs"), 5.0),
        Part("segments", f"{_PACKAGE}:segments.html", _load_segments, ("data_run", "runs"), 10.0),
        Part("histograms", f"{_PACKAGE}:histograms.html", _load_histograms, ("data_run",), 10.0),
        Part("figures", "run/figures.html", _load_figures, ("data_run", "runs"), 60.0),
    ),
    actions=(
        Action("run_again", _run_again),
        Action("go_on", _go_on),
        Action("fit_again", _fit_again),
    ),
)
