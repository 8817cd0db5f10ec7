"""A tick of a timer that a person names by its time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from headrace.triggers.arrival import Arrival, Identity
from headrace.triggers.errors import TriggerError
from headrace.triggers.ledger_access import read_ledger
from headrace.triggers.timer_schedule import TimerSchedule, tick_values
from headrace.triggers.trigger import Trigger


def find_tick(trigger: Trigger, words: str, ledger: Path) -> tuple[Arrival, Identity, int | None]:
    """Find a tick.

    Args:
        trigger: the trigger, which is a timer.
        words: ``next``, or its time, as the ledger has it or without the zone.
        ledger: the ledger's file; there may be none.

    Returns:
        the arrival, its identity, and the number of its record where it has one.

    Raises:
        TriggerError: the timer is not due then; or the ledger cannot be read.
    """
    schedule = trigger.every or TimerSchedule()
    tick = _moment(trigger, schedule, words)
    path = schedule.path(tick)
    records = read_ledger(ledger, trigger.name)
    known = next((record for record in reversed(records) if record.path == path), None)
    last = max((record.identity.born for record in records), default=0)
    count = known.identity.born if known else last + 1
    name = path.partition("/")[2]
    values = tick_values(name, count)
    arrival = Arrival(trigger.name, "", name, path, trigger.root / path, texts=values)
    if known is not None:
        arrival = replace(arrival, generation=known.generation)
    return arrival, Identity(int(tick.timestamp()), count), known.id if known else None


def _moment(trigger: Trigger, schedule: TimerSchedule, words: str) -> datetime:
    if words == "next":
        upcoming = schedule.next_after(datetime.now(UTC))
        if upcoming is None:
            raise TriggerError(f"trigger {trigger.name} is not due any more: see stop_after")
        return upcoming
    try:
        given = datetime.fromisoformat(words)
    except ValueError as error:
        raise TriggerError(
            f"trigger {trigger.name} is a timer: name `next`, or a time such as "
            f"2026-12-24T06:00, not {words!r}"
        ) from error
    moment = (given if given.tzinfo else given.replace(tzinfo=schedule.zone)).astimezone(UTC)
    if schedule.last_until(moment) != moment:
        upcoming = schedule.next_after(moment)
        then = f"; next at {schedule.path(upcoming).partition('/')[2]}" if upcoming else ""
        raise TriggerError(
            f"trigger {trigger.name} is due {schedule.text}, not at {given.isoformat()}{then}"
        )
    return moment
