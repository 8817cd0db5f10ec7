"""A look at seismograms as people read it: a table for each event, and its problems."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from headrace.cli.commands.data._fields import RECORD_FIELDS
from headrace.cli.termio.tables import table
from headrace.cli.termio.terminal import one_line, style

if TYPE_CHECKING:
    from headrace.cli.commands.data._inspection import Look
    from headrace.seismic.measurement.inspection_result import Decisions, Inspection
    from headrace.seismic.measurement.problem_summary import SharedProblem


def look_text(look: Look) -> str:
    """Return a look at events as text."""
    parts = [_event_text(event) for event in look.events]
    if len(look.events) > 1:
        problems = look.problems()
        if problems:
            parts.append(_heading("All events") + "\n" + _problems_text(problems))
    parts.append(_verdict(look))
    return "\n\n".join(parts)


def _event_text(event: Inspection) -> str:
    time = event.origin_time.isoformat().replace("+00:00", "Z") if event.origin_time else ""
    origin = f"origin {time or 'known'} by {event.origin_from}"
    origin = origin if event.origin_from else "origin unknown"
    lines = [f"{_heading(f'Event {event.event}')}: {one_line(origin)}"]
    lines.append(table(event.records, RECORD_FIELDS, "no seismograms"))
    lines.append(_decisions_text(event))
    if event.problems:
        lines.append(_problems_text(event.problems))
    return "\n".join(lines)


def _heading(text: str) -> str:
    return style(one_line(text), bold=True)


def _decisions_text(event: Inspection) -> str:
    found: Decisions = event.decisions
    what = [f"{found.pairs} traces of {found.stations} stations"]
    what.append(f"components {', '.join(found.components) or 'none'}")
    if found.resampled:
        what.append(f"{found.resampled} interpolated onto the synthetic's times")
    if found.quantities:
        what.append("as " + ", ".join(f"{name} ({n})" for name, n in found.quantities.items()))
    if found.amplitude_ratios:
        smallest, middle, largest = found.amplitude_ratios
        what.append(f"observed/synthetic {smallest:.3g} to {largest:.3g}, middle {middle:.3g}")
    verb = "Would be measured" if event.synthetic else "Can be measured once there are synthetics"
    return f"{verb}: {'; '.join(what)}"


def _problems_text(problems: Sequence[SharedProblem]) -> str:
    lines = []
    for number, problem in enumerate(problems, start=1):
        more = [f"{problem.count} times"] if problem.count > 1 else []
        more += [f"{len(problem.events)} events"] if len(problem.events) > 1 else []
        count = f" ({', '.join(more)})" if more else ""
        lines.append(f"{number:3}. {one_line(problem.text)}{count}")
        if problem.files:
            others = len(problem.files) - 1
            each = f", and {others} more of its name" if others else ""
            lines.append(f"     in {one_line(problem.files[0])}{each}:")
            lines.append(f"     {style(one_line(problem.line), bold=True)}")
    return "\n".join(lines)


def _verdict(look: Look) -> str:
    sound = [event for event in look.events if event.sound]
    alone = sum(not event.synthetic for event in sound)
    more = f", {alone} more once there are synthetics" if alone else ""
    judged = f"judged by {look.config}" if look.config else "judged without a configuration"
    ready = f"{len(sound) - alone} of {len(look.events)} events are ready to run{more}"
    return f"{ready}; {one_line(judged)}"
