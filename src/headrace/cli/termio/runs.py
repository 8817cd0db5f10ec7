"""Runs as people read them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headrace.cli.termio.tables import Field, paint, record
from headrace.cli.termio.terminal import one_line, style

if TYPE_CHECKING:
    from headrace.project import Project
    from headrace.runs import RunView
    from headrace.runs.retry_chains import RetryChains
    from headrace.runs.state_details import StateDetails


def moment(key: str) -> Any:
    """Return a function that takes a time out of a document."""

    def take(document: Mapping[str, Any]) -> Any:
        from headrace.runs.poller import parse_time

        return parse_time(document.get(key))

    return take


# Of inputs and outputs in a run's log.
_ENTRY_CHARACTERS = 120
LEFT_OUT = "more characters"
_SHOWN_JOBS = 3


def run_text(
    view: RunView,
    project: Project,
    target: str,
    why: str = "",
    states: Sequence[StateDetails] = (),
    chains: RetryChains | None = None,
) -> str:
    """Return one run in words.

    Args:
        view: the run.
        project: whose it is.
        target: where it runs.
        why: what it waits for.
        states: details of its states.
        chains: the runs that take it up.
    """
    from headrace.runs import current_activity, failure_summary, results_of, summary_of
    from headrace.runs.describe import format_duration
    from headrace.runs.state_details import run_core_hours

    run = view.run
    state = view.current.name if view.current else None
    done = [
        state.name for state in view.states if state.finished_at is not None and not state.failed
    ]
    failed = [state.name for state in view.states if state.failed]
    results = results_of(view, project, target)
    activity = current_activity(view, target).text
    now = f"{state}: {activity}" if state else activity
    summary = ", ".join(f"{key} {_value(value)}" for key, value in summary_of(view).items())
    fields = [
        Field("Run", lambda _: view.id),
        Field("Flow", lambda _: run.get("flow_title")),
        Field("Label", lambda _: run.get("label")),
        Field("Retry", lambda _: _taken_up(run.get("retry_of"))),
        Field("Tags", lambda _: run.get("tags")),
        Field("Status", lambda _: view.status),
        Field("Started", lambda _: moment("start_time")(run)),
        Field("Ended", lambda _: moment("completion_time")(run)),
        Field("Took" if view.final else "So far", lambda _: format_duration(view.elapsed())),
        Field("Cost", lambda _: _hours(run_core_hours(states))),
        Field("Done", lambda _: ", ".join(done)),
        Field("Failed", lambda _: ", ".join(failed)),
        Field("Now", lambda _: None if view.final else now),
        Field("Held", lambda _: _held(run)),
        Field("Why", lambda _: why),
        Field("Asks", lambda _: _asks(run.get("blocking_web_input_id"))),
        Field("Failure", lambda _: failure_summary(view)),
        Field("Retried", lambda _: _attempts(view.id, chains)),
        Field("Summary", lambda _: summary),
        Field("Results", lambda _: results),
    ]
    is_mended = chains is not None and chains.mended_by(view.id) is not None
    steps = [] if is_mended else _steps(view, target)
    return "\n".join([record(run, fields), *_state_lines(states), *steps])


def ending_text(view: RunView, project: Project, target: str) -> str:
    """Return in a few lines how a run ended and where its results are."""
    from headrace.runs import failure_summary, results_of, summary_of
    from headrace.runs.describe import format_duration

    lines = [f"{paint(view.status)} {view.label} in {format_duration(view.elapsed())}"]
    failure = failure_summary(view)
    if failure:
        lines.append(f"  failed: {failure}")
        lines += _steps(view, target)
    lines += [f"  {key}: {_value(value)}" for key, value in summary_of(view).items()]
    results = results_of(view, project, target)
    if results:
        lines.append(f"  results: {results}")
    return "\n".join(lines)


def entry_words(entry: Mapping[str, Any]) -> str:
    """Return what a log entry says beyond its code and state: failures in full, others shortened.

    Inputs and outputs that are shortened say how much is left out (:data:`LEFT_OUT`).

    Args:
        entry: the entry.
    """
    from headrace.runs.describe import entry_failure

    failure = entry_failure(entry)
    if failure is not None:
        return failure
    details = entry.get("details") or {}
    shown = next((details[key] for key in ("output", "input") if key in details), None)
    if isinstance(shown, Mapping) and "action_id" in shown:
        shown = {"status": shown.get("status"), "details": shown.get("details")}
    text = "" if shown is None else _value(shown)
    text = " ".join(text.split())
    left = len(text) - _ENTRY_CHARACTERS
    return text if left <= 0 else f"{text[:_ENTRY_CHARACTERS]}... ({left:,} {LEFT_OUT})"


def _steps(view: RunView, target: str) -> list[str]:
    from headrace.runs import next_steps

    return [f"  {words}: {command}" for words, command in next_steps(view, target)]


def _state_lines(states: Sequence[StateDetails]) -> list[str]:
    """Return a line for each visit to a state: name, time, outcome, jobs, last line printed."""
    from headrace.runs.describe import format_duration

    if not states:
        return []
    width = max(len(one_line(each.state)) for each in states)
    lines = [style("States:", bold=True)]
    for each in states:
        jobs = ", ".join(map(str, each.jobs[:_SHOWN_JOBS]))
        more = len(each.jobs) - _SHOWN_JOBS
        words = [jobs + (f" and {more} more" if more > 0 else "")] if jobs else []
        words += [f"last line: {each.last_line}"] if each.last_line else []
        took = format_duration(each.seconds)
        line = f"{one_line(each.state).ljust(width)}  {took:>8}  {each.status}"
        lines.append(f"  {line}{one_line('  ' + '; '.join(words)) if words else ''}".rstrip())
    return lines


def _hours(value: float | None) -> str | None:
    return None if value is None else f"{value:,.3g} core hours"


def _attempts(run_id: str, chains: RetryChains | None) -> str | None:
    attempts = chains.attempts_after(run_id) if chains is not None else []
    return ", ".join(f"by {each['run_id']}, {each['status']}" for each in attempts)


def _held(run: Mapping[str, Any]) -> str | None:
    if not run.get("held_at"):
        return None
    since = f"{str(run['held_at'])[:19]} UTC"
    return f"since {since}, after its present state; go on: headrace run release {run['run_id']}"


def _asks(web_input_id: str | None) -> str | None:
    return f"answer with: headrace web-input respond {web_input_id}" if web_input_id else None


def _taken_up(retry: Mapping[str, Any] | None) -> str | None:
    return f"of {retry['run_id']} at {retry['state']}" if retry else None


def _value(value: Any) -> str:
    if isinstance(value, str):
        return value
    # Seven digits are enough for people; the JSON format has them all.
    return f"{value:.7g}" if isinstance(value, float) else json.dumps(value)
