"""Starting the run of an arrival that a person names, exactly once beside a watcher."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from headrace.config.project_config import at_option
from headrace.triggers.claims import TriggerClaims, is_watched
from headrace.triggers.errors import TriggerError
from headrace.triggers.events import Refused, Removed, Started, StartFailed, WatchEvent
from headrace.triggers.launcher import RunClient, RunLauncher
from headrace.triggers.ledger import Ledger
from headrace.triggers.ledger_access import read_arrival, read_paused
from headrace.triggers.ledger_requests import replay_arrivals, request_runs
from headrace.triggers.named_arrival import NamedArrival
from headrace.triggers.record import Record
from headrace.triggers.run_service import RunService
from headrace.triggers.state_files import target_of

# The watcher that is running reads requests once an interval of the trigger; so much on top (s).
_MARGIN: Final = 30.0
_POLL: Final = 0.1


@dataclass(frozen=True)
class ManualStart:
    """Outcome of a start.

    Attributes:
        run_id: the run.
        by_watcher: whether the watcher that is running has started it.
    """

    run_id: str
    by_watcher: bool


def start_by_hand(
    named: NamedArrival,
    ledger: Path,
    client: RunClient,
    *,
    again: bool = False,
    service: RunService | None = None,
) -> ManualStart:
    """Start the run of an arrival, whether it is complete or not, and record it in the ledger.

    A watcher that is running is asked to start it; neither it nor the next one starts another.

    Args:
        named: the arrival.
        ledger: the ledger's file.
        client: starts the run.
        again: start another run on an arrival that had one.
        service: has a failed run taken up, where that is due.

    Raises:
        TriggerError: it had its run; or the run cannot be started.
    """
    if named.trigger.every is not None:
        name = named.trigger.name
        raise TriggerError(
            f"trigger {name} is a timer: `headrace trigger run {name} TIME` starts the run of a "
            f"time that was skipped, `headrace start {named.trigger.flow}` one with an input of "
            "your own"
        )
    if named.trigger.after is not None:
        name = named.trigger.name
        raise TriggerError(
            f"trigger {name} follows ends of runs: `headrace trigger run {name} RUN` starts the "
            f"run on one that was skipped or refused, `headrace start {named.trigger.flow}` one "
            "with an input of your own"
        )
    if named.record is not None:
        _refuse_started(named, named.record, again)
    if is_watched(ledger, named.trigger.name):
        return ManualStart(_have_started(named, ledger, again), by_watcher=True)
    with TriggerClaims(ledger) as claims, Ledger(ledger, shared=True) as opened:
        claims.take([named.trigger.name])
        entry = (named.arrival.path, named.identity)
        where = (named.trigger.name, named.trigger.collection, named.root)
        (record,) = opened.record_seen(*where, [entry])
        # It may have had its run since it was looked at.
        _refuse_started(named, record, again)
        record = _request(record, ledger)
        return ManualStart(_launch(named, opened, record, client, service), by_watcher=False)


def _refuse_started(named: NamedArrival, record: Record, again: bool) -> None:
    if record.state == "started" and not again:
        raise TriggerError(
            f"{named.arrival.location}: had its run already: {record.run_id}; "
            "`--again` starts another"
        )


def _request(record: Record, ledger: Path) -> Record:
    """Ask for a run on an arrival, or for another one where it had one."""
    if record.state == "started":
        changed = replay_arrivals(ledger, [record.id])
    elif record.state == "starting":
        return record  # an attempt whose outcome nobody knows: it is looked up, and made again
    else:
        changed = request_runs(ledger, [record.id])
    if not changed:
        raise TriggerError(f"{record.path}: has gone, or its run was started at this moment")
    return changed[0]


def _launch(
    named: NamedArrival,
    ledger: Ledger,
    record: Record,
    client: RunClient,
    service: RunService | None,
) -> str:
    events: list[WatchEvent] = []
    launcher = RunLauncher(
        *(ledger, client, events.append), initial_delay=1.0, maximum_delay=300.0, service=service
    )
    launcher.launch(named.trigger, record.id, by_hand=True)
    where = named.arrival.location
    for event in events:
        match event:
            case Started(run_id=run_id):
                return run_id
            case Refused(reason=reason):
                raise TriggerError(f"{where}: its run is refused: {reason}")
            case StartFailed(reason=reason):
                raise TriggerError(
                    f"{where}: its run could not be started: {reason}; the next watch tries again"
                )
            case Removed():
                raise TriggerError(f"{where}: has gone, and no run was started")
    raise TriggerError(f"{where}: is not there now, and no run was started")


def _have_started(named: NamedArrival, ledger: Path, again: bool) -> str:
    """Have the watcher that is running start the run, and wait until it has."""
    trigger, where = named.trigger, named.arrival.location
    if named.record is None:
        raise TriggerError(
            f"{where}: the watch that is running has not seen it: try again in "
            f"{trigger.interval:g} s"
        )
    if trigger.name in read_paused(ledger):
        raise TriggerError(
            f"{where}: trigger {trigger.name} is paused, and the watch that is running starts "
            f"nothing; `headrace trigger resume {trigger.name}{at_option(target_of(ledger))}`"
        )
    latest = read_arrival(ledger, named.record.id)
    _refuse_started(named, latest, again)
    record = _request(latest, ledger)
    deadline = time.monotonic() + trigger.interval + _MARGIN
    while time.monotonic() < deadline:
        now = read_arrival(ledger, record.id)
        if now.state == "started" and now.run_id is not None:
            return now.run_id
        if now.state in ("refused", "removed") or (
            now.state == "failed" and now.attempts > record.attempts
        ):
            raise TriggerError(f"{where}: its run could not be started: {now.reason or now.state}")
        time.sleep(_POLL)
    raise TriggerError(
        f"{where}: its run was asked for, and the watch that is running has not started it; see "
        "what it says"
    )
