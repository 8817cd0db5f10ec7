"""A project's status as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from headrace.cli.termio.terminal import one_line, style
from headrace.config.project_config import at_option

if TYPE_CHECKING:
    from headrace.project_status import ProjectStatus
    from headrace.project_status.run_figures import RunFigures

_COLOURS = {"well": "green", "look": "yellow", "act": "red"}
_WIDTH = 12
_SHOWN = 5

Line = tuple[str, str]


def status_text(status: ProjectStatus) -> str:
    """Return a project's status as text: one word and its reason, then what is known."""
    word = style(status.word, fg=_COLOURS[status.word], bold=True)
    lines = [f"{word}: {one_line(status.reason)}"]
    before = ""
    for name, text in _lines(status):
        title = "" if name == before else f"{name}:"
        lines.append(f"{style(title.ljust(_WIDTH), bold=True)}{one_line(text)}")
        before = name
    return "\n".join(lines)


def _lines(status: ProjectStatus) -> Iterator[Line]:
    yield from _findings(status)
    yield from _waiting(status)
    yield from _failures(status)
    yield from _runs(status)
    yield from _core_hours(status)
    yield from _endpoints(status)
    yield from _triggers(status)
    if status.campaigns is None:
        yield "Campaigns", "unknown"
    for campaign in status.campaigns or ():
        yield "Campaigns", str(campaign)
    yield from _processes(status)
    for disk in status.disks:
        left = disk.problem or f"{(disk.free or 0) / 1e9:.1f} of {(disk.total or 0) / 1e9:,.0f} GB"
        yield "Disk", f"{', '.join(disk.uses)}: {left}{'' if disk.problem else ' left'}"


def _findings(status: ProjectStatus) -> Iterator[Line]:
    """Yield the findings that the first line does not have, and what each can be answered with."""
    for each in status.findings:
        if each.part in ("waiting", "failures"):
            continue
        if each.word != status.word:
            yield each.word.capitalize(), each.text
        if each.command:
            yield "See", each.command


def _waiting(status: ProjectStatus) -> Iterator[Line]:
    for run in (status.waiting or ())[:_SHOWN]:
        yield "Waiting", f"{run.label}: {run.reason}"
        yield "Waiting", f"  {run.command}"
    if status.waiting and len(status.waiting) > _SHOWN:
        yield (
            "Waiting",
            f"and {len(status.waiting) - _SHOWN} more: headrace run list{at_option(status.target)}",
        )


def _failures(status: ProjectStatus) -> Iterator[Line]:
    found = status.failures
    for group in (found.groups if found else ())[:_SHOWN]:
        flows = ", ".join(f"{name} {number:,}" for name, number in group.flows.items())
        yield "Failures", f"{group.runs:,} x {group.cause} ({flows})"
        show = f"headrace run show {group.example}{at_option(status.target)}"
        yield "Failures", f"  {group.command or show}"
    if found and len(found.groups) > _SHOWN:
        more = f"and {len(found.groups) - _SHOWN} more causes"
        yield (
            "Failures",
            f"{more}: headrace run why --since {found.started}{at_option(status.target)}",
        )
    if found and found.mended:
        yield "Failures", f"{found.mended:,} of the last day were mended"


def _runs(status: ProjectStatus) -> Iterator[Line]:
    runs = status.runs
    if runs is None:
        yield "Runs", "unknown"
        return
    counts = [
        f"{'at least ' if name in runs.truncated else ''}{number:,} {name.lower()}"
        for name, number in runs.counts.items()
        if number is not None
    ]
    missing = [name.lower() for name, number in runs.counts.items() if number is None]
    counts += [f"{', '.join(missing)}: not told at {status.target}"] if missing else []
    yield "Runs", ", ".join(counts)
    if runs.active:
        from headrace.project_status.run_figures import ACTIVITIES

        yield "Active", ", ".join(f"{n:,} {ACTIVITIES[name]}" for name, n in runs.active.items())
    if runs.tasks is None:
        yield "Tasks", f"not told at {status.target}"
    for endpoint, tasks in (runs.tasks or {}).items():
        yield "Tasks", f"{endpoint}: {_counts(tasks)}"
    yield from _finished(runs)
    if runs.store:
        size = f"{runs.store['database'] / 1e6:,.1f} MB, log {runs.store['log'] / 1e6:,.1f} MB"
        yield "Store", size


def _finished(runs: RunFigures) -> Iterator[Line]:
    if runs.finished is None:
        return
    minimum = "at least " if "finished" in runs.truncated else ""
    total = sum(runs.finished.values())
    text = f"{minimum}{total:,} runs ended"
    text += f": {_counts(runs.finished)}" if total else ""
    if runs.finished_by_endpoint:
        used = {name or "no endpoint": n for name, n in runs.finished_by_endpoint.items()}
        text += f"; by endpoint: {', '.join(f'{name} {n:,}' for name, n in used.items())}"
    elif runs.finished_by_endpoint is None and total:
        text += "; their endpoints are not told"
    yield "Last hour", text


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{n:,} {name.lower()}" for name, n in counts.items() if n) or "none"


def _core_hours(status: ProjectStatus) -> Iterator[Line]:
    figures = status.runs.core_hours if status.runs else None
    if figures is None:
        yield "Core hours", f"unknown: {status.unknown['core_hours']}"
        return
    day, week = figures["day"], figures["week"]
    if not week:
        yield "Core hours", "no task ended in the last 7 days"
    for endpoint, known in sorted(week.items()):
        text = "not told by its tasks"
        if known["core_hours"] is not None:
            last = day.get(endpoint)
            in_day = "not told" if last else "no task"
            if last and last["core_hours"] is not None:
                in_day = f"{last['core_hours']:,.3g}"
            text = f"{in_day} in 24 h, {known['core_hours']:,.3g} in 7 days"
            if silent := known["silent_tasks"]:
                text += f" ({silent:,} of {silent + known['tasks']:,} tasks told none)"
        yield "Core hours", f"{endpoint}: {text}"


def _endpoints(status: ProjectStatus) -> Iterator[Line]:
    if status.endpoints is None:
        yield "Endpoints", "unknown"
    for each in status.endpoints or ():
        service = "" if each["service"] == "unknown" else f", {each['service']} at the service"
        held = ", stopped by hand" if each["held"] else ""
        yield "Endpoints", f"{each['name']}: {each['state']}{service}{held}"


def _triggers(status: ProjectStatus) -> Iterator[Line]:
    if status.triggers is None:
        yield "Triggers", "unknown"
    for each in status.triggers or ():
        words = [f"{each.waiting:,} waiting", f"{each.arrivals.get('started', 0):,} started"]
        words += [f"{each.refused:,} refused"] if each.refused else []
        words += ["held" if each.reason else "paused"] if each.paused else []
        yield "Triggers", f"{each.name}: {', '.join(words)}"
        for reason, number in [*each.waits.items()][:_SHOWN]:
            yield "Triggers", f"  {number:,} held back: {reason}"


def _processes(status: ProjectStatus) -> Iterator[Line]:
    if status.services is None:
        yield "Services", "unknown"
    for service in status.services or ():
        yield "Services", f"{service.name}: {service.state} ({service.manager} on {service.host})"
    if status.services is not None and not status.services:
        yield "Services", "none is installed"
    for each in status.heartbeats:
        from headrace.runs.describe import format_duration

        age = format_duration(each.age(status.moment))
        doing = f": {each.activity}" if each.activity else ""
        state = each.state(status.moment)
        yield "Heartbeats", f"{each.name}: {state}, {age} ago on {each.host}{doing}"
