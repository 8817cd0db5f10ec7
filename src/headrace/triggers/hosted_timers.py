"""Triggers that are timers, as timers of the hosted Timers service."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from headrace.deploy.timers import HostedTimer
from headrace.runs.input_resolution import resolve_input
from headrace.triggers.arrival import Arrival
from headrace.triggers.ledger_access import read_paused
from headrace.triggers.state_files import ledger_file
from headrace.triggers.tables.failure import FailureTable
from headrace.triggers.tables.limits import LimitsTable
from headrace.triggers.template import TIMER_PLACEHOLDERS, render_input
from headrace.triggers.timer_schedule import EVERY_DAY, TimerSchedule
from headrace.triggers.trigger import Trigger

if TYPE_CHECKING:
    from headrace.config.lock_file import Lock
    from headrace.project import Project

_OF_TICK: Final = re.compile(
    rf"\{{(?:{'|'.join(name for name in TIMER_PLACEHOLDERS if name != 'trigger')})(?::\w+)?\}}"
)
_DAY: Final = timedelta(days=1)


def hosted_timers(project: Project, triggers: Sequence[Trigger]) -> list[HostedTimer]:
    """Return the timers among some triggers as the service can have them.

    Args:
        project: the project.
        triggers: its triggers.
    """
    timers = [(one, one.every) for one in triggers if one.every is not None]
    paused = read_paused(ledger_file(project, "globus")) if timers else ()
    return [_hosted(project, one, every, one.name in paused) for one, every in timers]


def _hosted(
    project: Project, trigger: Trigger, schedule: TimerSchedule, is_paused: bool
) -> HostedTimer:
    interval = schedule.interval or (_DAY if schedule.days == EVERY_DAY else 7 * _DAY)
    wanted: dict[str, Any] = {"interval_seconds": int(interval.total_seconds())}
    if schedule.stop_after is not None:
        wanted["end"] = {"condition": "iterations", "iterations": schedule.stop_after}
    elif schedule.last_day is not None:
        end = datetime.combine(schedule.last_day, datetime.max.time(), schedule.zone)
        last = end.astimezone(UTC).isoformat(timespec="seconds")
        wanted["end"] = {"condition": "time", "datetime": last}
    template: dict[str, Any] = {
        "body": dict(trigger.input),
        "label": trigger.label,
        "tags": list(trigger.tags),
    }
    if _OF_TICK.search(trigger.label):
        template["label"] = trigger.title.replace("{", "{{").replace("}", "}}")
    left = _left(trigger, schedule, template)
    if not left:
        tick = Arrival(trigger.name, "", "", "", trigger.root)
        template = render_input(template, tick)
    summer, winter = (datetime(2027, month, 1, tzinfo=schedule.zone) for month in (7, 1))
    note = ""
    if schedule.interval is None and summer.utcoffset() != winter.utcoffset():
        note = "the service counts in UTC: from the next change of clocks it is an hour off"

    def body(lock: Lock) -> dict[str, Any]:
        return {**template, "body": resolve_input(project, lock, "globus", template["body"])}

    return HostedTimer(
        *(trigger.name, trigger.flow, wanted, lambda: _start(schedule), template, body),
        *(note, left, is_paused),
    )


def _start(schedule: TimerSchedule) -> str:
    upcoming = schedule.next_after(datetime.now(UTC)) or datetime.now(UTC)
    return upcoming.isoformat(timespec="seconds")


def _left(trigger: Trigger, schedule: TimerSchedule, template: dict[str, Any]) -> str:
    """Return why the service cannot have a timer; "" if it can."""
    found = _OF_TICK.search(f"{template['body']}{template['tags']}")
    if found:
        return f"its input has {found[0]}, and the service sends the same one each time"
    if trigger.limits != LimitsTable() or trigger.failure != FailureTable():
        return "the service knows no [limits] and no [failure]"
    if len(schedule.times) > 1 or len(schedule.days) not in (1, len(EVERY_DAY)):
        return "the service knows one interval, and not several times or days"
    return ""
