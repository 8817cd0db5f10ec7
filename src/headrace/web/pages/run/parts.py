"""Parts of a run's page: what it does now, its drawing, its states, their payloads, its log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from markupsafe import Markup

from headrace.flowlang.drawing import graph_of, run_path_of, to_svg
from headrace.runs import current_activity, failure_summary, results_of, summary_of
from headrace.runs.blockers import pending_reason
from headrace.runs.describe import entry_failure
from headrace.runs.retry_chains import read_retry_chains, retried_run_id
from headrace.runs.state_details import run_core_hours
from headrace.web.pages.run.reading import RunReading, read_definition, read_run, read_states
from headrace.web.rendering import relative_url
from headrace.web.view import View
from headrace.web.views.run_actions import action_facts, open_actions
from headrace.web.views.run_rows import run_row, status_of
from headrace.web.views.run_states import payload_change, spans_of
from headrace.web.views.texts import shortened
from headrace.web.views.value_tree import tree_of

_ENTRIES: Final = 50
# Of entries of a state that are shown with what they have.
_STATE_ENTRIES: Final = 10
_QUEUE_SECONDS: Final = 5.0


def load_page(view: View) -> Mapping[str, Any]:
    """Return the title and the id of the run."""
    reading = read_run(view)
    return {"title": shortened(reading.run.label, 120), "run_id": reading.run.id}


def load_now(view: View) -> Mapping[str, Any]:
    """Return what the run does or waits for."""
    reading = read_run(view)
    run, document = reading.run, reading.run.run
    results = results_of(run, view.project, view.target)
    return {
        "run_id": run.id,
        "status": status_of(document),
        "final": run.final,
        "flow": shortened(document.get("flow_title"), 120),
        "started": document.get("start_time"),
        "ended": document.get("completion_time"),
        "seconds": run.elapsed(),
        "tags": [shortened(tag, 100) for tag in document.get("tags") or ()],
        "state": run.current.name if run.current else "",
        "activity": "" if run.final else shortened(current_activity(run, view.target).text),
        "held_at": document.get("held_at") if not run.final else None,
        "asks": document.get("blocking_web_input_id"),
        "failure": shortened(failure_summary(run), 1_000) if run.status == "FAILED" else "",
        "retry_of": retried_run_id(document),
        "summary": [
            (shortened(name, 80), _value(value)) for name, value in summary_of(run).items()
        ][:20],
        "results": str(results) if results else "",
    }


def _value(value: Any) -> str:
    """Return a value of a summary: a number to six digits, an empty list as none."""
    if isinstance(value, float):
        return f"{value:.6g}"
    return shortened("none" if value in ([], {}) else value, 200)


def load_waits(view: View) -> Mapping[str, Any]:
    """Return the actions that are under way, and what keeps them from ending."""
    reading = read_run(view)
    why = view.site.shared.get(
        ("waits", reading.run.id), _QUEUE_SECONDS, lambda before: _pending_reason(view, reading)
    )
    return {"actions": open_actions(reading.run), "why": shortened(why, 1_000)}


def _pending_reason(view: View, reading: RunReading) -> str:
    if not reading.run.actions:
        return ""
    return view.ask(
        lambda services: pending_reason(
            view.project, view.target, services, reading.run, reading.entries
        )
    )


def load_drawing(view: View) -> Mapping[str, Any]:
    """Return the drawing of the flow, with the way of the run."""
    reading = read_run(view)
    definition = read_definition(view, reading)

    def address_of(state: str) -> str:
        return relative_url(view.address, f"{_address(reading)}?state={quote(state)}#state")

    drawn = to_svg(
        graph_of(definition), run_path_of(reading.entries), is_part=True, address_of=address_of
    )
    return {"drawing": Markup(drawn)}  # noqa: S704 - names are escaped in it


def load_states(view: View) -> Mapping[str, Any]:
    """Return the visits to states on the axis of time."""
    reading = read_run(view)
    states = read_states(view, reading)
    return {
        "run_id": reading.run.id,
        "spans": spans_of(reading.run, states),
        "visits": len(states),
        "core_hours": run_core_hours(states),
    }


def load_state(view: View) -> Mapping[str, Any]:
    """Return what the state that somebody chose got, made and said."""
    state = view.query.get("state", "")
    if not state:
        return {"state": ""}
    reading = read_run(view)
    run = reading.run
    output = run.output if run.status == "SUCCEEDED" else None
    own = [(n, each) for n, each in enumerate(reading.entries, 1) if _state(each) == state]
    last = own[-1][1] if own else {}
    details = last.get("details") or {}
    ended = details.get("output") or details.get("cause")
    facts = action_facts(state, ended.get("details") if isinstance(ended, Mapping) else None).facts
    return {
        "state": shortened(state, 120),
        "payload": payload_change(read_definition(view, reading), reading.entries, state, output),
        "facts": facts,
        "entries": [_entry(n, each) for n, each in own[-_STATE_ENTRIES:]],
        "earlier": max(0, len(own) - _STATE_ENTRIES),
    }


def _state(entry: Mapping[str, Any]) -> Any:
    return (entry.get("details") or {}).get("state_name")


def _entry(number: int, entry: Mapping[str, Any]) -> dict[str, Any]:
    details = entry.get("details") or {}
    shown = {
        name: details[name] for name in ("input", "output", "cause", "details") if name in details
    }
    return {**_entry_row(number, entry), "tree": tree_of(shown, 200) if shown else None}


def _entry_row(number: int, entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "number": number,
        "time": entry.get("time"),
        "code": shortened(entry.get("code"), 60),
        "state": shortened(_state(entry), 120),
        "text": shortened(entry_failure(entry) or entry.get("description"), 300),
        "is_failure": entry_failure(entry) is not None,
    }


def load_log(view: View) -> Mapping[str, Any]:
    """Return entries of the log, the newest first."""
    reading = read_run(view)
    entries, before = reading.entries, view.query.get("before", "")
    end = len(entries)
    if before.isdecimal() and len(before) < 10:
        end = min(end, int(before) - 1)
    first = max(0, end - _ENTRIES)
    rows = [_entry_row(n + 1, entries[n]) for n in range(end - 1, first - 1, -1)]
    address = _address(reading)
    return {
        "rows": rows,
        "count": len(entries),
        "older": f"{address}?before={first + 1}#log" if first else None,
        "newest": f"{address}#log" if end < len(entries) else None,
    }


def load_chain(view: View) -> Mapping[str, Any]:
    """Return the runs that the run takes up, and those that take it up."""
    reading = read_run(view)
    document = reading.run.run
    earlier = retried_run_id(document)
    chains = view.ask(
        lambda services: read_retry_chains(services, view.target, [document], with_succeeded=True)
    )
    attempts = chains.attempts_after(reading.run.id)
    return {
        "earlier": earlier,
        "state": shortened((document.get("retry_of") or {}).get("state"), 120),
        "rows": [run_row(each) for each in attempts[-_ENTRIES:]],
        "mended": chains.mended_by(reading.run.id) is not None,
    }


def _address(reading: RunReading) -> str:
    return f"runs/{reading.run.id}"
