"""State of triggers: what each watches and starts, whether it is watched, what limits it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from headrace._internal.heartbeat_files import HeartbeatRecord, read_heartbeats
from headrace.config.project_config import at_option
from headrace.project_status.trigger_status import TriggerState
from headrace.runs.describe import format_duration
from headrace.triggers.arrival_search import count_started, newest_arrival
from headrace.triggers.claims import is_watched
from headrace.triggers.errors import LedgerUnusable
from headrace.triggers.ledger_access import count_arrivals, count_waits, read_pause_reasons
from headrace.triggers.state_files import ledger_file
from headrace.triggers.trigger_loading import load_triggers_and_errors
from headrace.web.errors import PageMissing

if TYPE_CHECKING:
    from headrace.project import Project
    from headrace.triggers import Trigger
    from headrace.web.view import View

_HOUR: Final = timedelta(hours=1)

FEW: Final = 5_000
"""Arrivals up to which they are counted for each request."""


@dataclass(frozen=True)
class Watch:
    """The process that watches a trigger.

    Attributes:
        kind: the mark of its state.
        word: its state in one word.
        text: what that means, in one line.
    """

    kind: str
    word: str
    text: str = ""


@dataclass(frozen=True)
class ShownTrigger:
    """A trigger as its page shows it.

    Attributes:
        name: its name.
        trigger: its file, read; None where that is wrong or not there.
        problem: what is wrong with its file; "" for nothing.
        state: its arrivals, and whether it is paused.
        watch: the process that watches it.
        watches: what it watches, or when it is due, in one line.
        limits: its limits, each a line with how much of it is used.
    """

    name: str
    trigger: Trigger | None
    problem: str
    state: TriggerState
    watch: Watch
    watches: str = ""
    limits: list[str] = field(default_factory=list)

    @property
    def counts(self) -> list[tuple[str, str, int]]:
        """Arrivals by state as people see them, each with its mark."""
        found = {state: self.state.arrivals.get(state, 0) for state in KINDS}
        # Those that wait are in the ledger as seen, or as failed.
        found["waiting"] = waiting = sum(self.state.waits.values())
        for state in ("seen", "failed"):
            part = min(found[state], waiting)
            found[state], waiting = found[state] - part, waiting - part
        return [(state, KINDS[state], count) for state, count in found.items() if count]


KINDS: Mapping[str, str] = {
    "seen": "idle",
    "waiting": "wait",
    "starting": "busy",
    "started": "good",
    "failed": "bad",
    "refused": "bad",
    "skipped": "none",
    "removed": "none",
}
"""The mark of each state of arrivals."""


def ledger_of(project: Project, target: str) -> Path:
    """Return the file of the ledger of arrivals.

    Args:
        project: the project.
        target: where its runs are started.

    Raises:
        LedgerUnusable: there was one, and it is gone.
    """
    path = ledger_file(project, target)
    if not path.exists() and path.with_suffix(".known").exists():
        raise LedgerUnusable(
            f"{path}: the ledger of arrivals is missing, though there was one: put a copy of it "
            "back; no watch starts anything without it"
        )
    return path


def loaded_triggers(project: Project) -> tuple[dict[str, Trigger], dict[str, str]]:
    """Return the triggers of a project by name, and what is wrong with other files.

    Args:
        project: the project.
    """
    roots = {name: collection.root for name, collection in project.collections.items()}
    found, errors = load_triggers_and_errors(project.triggers_dir, roots)
    return {one.name: one for one in found}, {name: str(error) for name, error in errors.items()}


@dataclass(frozen=True)
class ArrivalCounts:
    """Numbers of arrivals.

    Attributes:
        by_trigger: by trigger and state; None while they are being counted for the first time.
        at: of when they are; None where they are of this moment.
    """

    by_trigger: Mapping[str, dict[str, int]] | None
    at: datetime | None = None


def count_shown(view: View) -> ArrivalCounts:
    """Count the arrivals of all triggers; of very many in the background, now and then.

    Args:
        view: the request.

    Raises:
        TriggerError: the ledger cannot be read.
    """
    path = ledger_of(view.project, view.target)
    if newest_arrival(path) <= FEW:
        return ArrivalCounts(count_arrivals(path))
    kept = view.site.kept.get(("arrivals", str(path)), lambda: count_arrivals(path))
    return ArrivalCounts(None) if kept is None else ArrivalCounts(kept.value, kept.at)


def show_triggers(view: View, counts: ArrivalCounts) -> list[ShownTrigger]:
    """Return all triggers of the project, by name.

    Args:
        view: the request.
        counts: the numbers of their arrivals.

    Raises:
        TriggerError: the ledger cannot be read.
    """
    project, target = view.project, view.target
    path = ledger_of(project, target)
    triggers, errors = loaded_triggers(project)
    heartbeats = read_heartbeats(path.parent, target)
    hosted = set(project.lock().at(target).timers) if target == "globus" else set()
    return [
        ShownTrigger(
            state.name,
            (trigger := triggers.get(state.name)),
            errors.get(state.name, "" if trigger else "its file is not there any more"),
            state,
            _watch(path, state.name, heartbeats, hosted, target),
            "" if trigger is None else _watches(trigger),
            [] if trigger is None else _limits(path, trigger),
        )
        for state in _states(project, path, counts.by_trigger or {})
    ]


def _states(
    project: Project, path: Path, counts: Mapping[str, dict[str, int]]
) -> Iterator[TriggerState]:
    paused, waits = read_pause_reasons(path), count_waits(path)
    names = {each.stem for each in project.triggers_dir.glob("*.toml")}
    for name in sorted({*names, *paused, *counts}):
        yield TriggerState(
            name, counts.get(name, {}), name in paused, paused.get(name, ""), waits.get(name, {})
        )


def show_trigger(view: View, counts: ArrivalCounts, name: str) -> ShownTrigger:
    """Return a trigger.

    Args:
        view: the request.
        counts: the numbers of arrivals.
        name: its name.

    Raises:
        PageMissing: there is none of this name.
        TriggerError: the ledger cannot be read.
    """
    for one in show_triggers(view, counts):
        if one.name == name:
            return one
    raise PageMissing(f"no trigger {name!r}; the page Triggers has those that there are")


def _watch(
    path: Path, name: str, heartbeats: list[HeartbeatRecord], hosted: set[str], target: str
) -> Watch:
    if name in hosted:
        return Watch("good", "hosted", "the hosted Timers service starts its runs")
    now = time.time()
    own = [each for each in heartbeats if _is_of(each, name)]
    state = {each: each.state(now) for each in own}
    if is_watched(path, name):
        wrong = [each for each in own if state[each] in ("late", "dead")]
        if wrong and not any(state[each] == "well" for each in own):
            age = format_duration(min(each.age(now) for each in wrong))
            return Watch("bad", "late", f"its watch has given no sign of life for {age}")
        problem = next((each.problem for each in own if each.problem and not each.stopped), "")
        return Watch("bad", "in trouble", problem) if problem else Watch("good", "watched")
    means = "nothing that arrives is noticed"
    died = [each for each in own if state[each] != "stopped"]
    if died:
        why = "".join(f": {each.problem}" for each in died if each.problem)
        age = format_duration(min(each.age(now) for each in died))
        text = f"its watch has died; its last sign of life was {age} ago{why}; {means}"
        return Watch("bad", "dead", text)
    text = f"no `headrace watch{at_option(target)}` works on it: {means}"
    service = f"headrace service install watch{at_option(target)}"
    return Watch("bad", "not watched", f"{text}; start it, or `{service}` for months")


def _is_of(heartbeat: HeartbeatRecord, name: str) -> bool:
    if heartbeat.name == "watch":
        return True
    return name in heartbeat.name.removeprefix("watch-").split("+") and heartbeat.name.startswith(
        "watch-"
    )


def _watches(trigger: Trigger) -> str:
    if trigger.every is not None:
        upcoming = trigger.every.next_after(datetime.now(UTC))
        then = f"next at {upcoming:%Y-%m-%d %H:%M} UTC" if upcoming else "it has ended"
        return f"due {trigger.every.text}; {then}"
    if trigger.after is not None:
        return trigger.after.text
    names = f"regex {trigger.regex}" if trigger.regex else trigger.pattern
    return f"each new {trigger.what} {names} in {trigger.directory}"


def _limits(path: Path, trigger: Trigger) -> list[str]:
    limits, now = trigger.limits, datetime.now(UTC)
    lines = []
    if limits.open_runs is not None or limits.starts_per_hour is not None:
        is_open, late = count_started(path, trigger.name, (now - _HOUR).isoformat())
        if limits.open_runs is not None:
            lines.append(f"{is_open:,} of {limits.open_runs:,} runs that may be open")
        if limits.starts_per_hour is not None:
            lines.append(f"{late:,} of {limits.starts_per_hour:,} starts in an hour")
    if limits.quiet_hours:
        end = limits.quiet.end(now)
        until = ""
        if end is not None:
            until = f"; quiet now, until {end.astimezone(limits.quiet.zone):%Y-%m-%d %H:%M}"
        lines.append(f"quiet hours {', '.join(limits.quiet_hours)}{until}")
    if limits.order != "arrival":
        lines.append(f"in the order of {limits.order}s")
    return lines
