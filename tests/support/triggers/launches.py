"""A launcher and a follower at a time that the test sets, with arrivals that are complete."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from headrace.triggers import Ledger, Trigger, WatchEvent, find_arrival
from headrace.triggers.launcher import RunLauncher
from headrace.triggers.record import Record
from headrace.triggers.run_follower import RunFollower
from headrace.triggers.run_service import Preflight
from headrace.triggers.start_gate import Held
from tests.support.triggers.run_service import MemoryRunService
from tests.support.triggers.trigger_watch import make_event

MOMENT = datetime(2026, 1, 14, 12, 0, tzinfo=UTC)


class Launches:
    """A launcher at a time that the test sets, with arrivals that are complete."""

    def __init__(
        self,
        trigger: Trigger,
        before: Launches | None = None,
        preflight: Preflight | None = None,
    ) -> None:
        self.trigger = trigger
        self.service = before.service if before else MemoryRunService()
        self.events: list[WatchEvent] = []
        self.now = before.now if before else MOMENT
        self.path = trigger.root / "ledger.db"
        self.ledger = Ledger(self.path, now=lambda: self.now)
        self.launcher = RunLauncher(
            *(self.ledger, self.service, self.events.append),
            initial_delay=1.0,
            maximum_delay=1.0,
            now=lambda: self.now,
            service=self.service,
            preflight=preflight,
        )

    def arrive(self, name: str) -> Record:
        named = find_arrival(self.trigger, make_event(self.trigger.directory / name), self.path)
        (record,) = self.ledger.record_seen(
            *(self.trigger.name, self.trigger.collection, named.root),
            [(named.arrival.path, named.identity)],
        )
        return record

    def launch(self, record: Record, *, by_hand: bool = False) -> float | Held | None:
        return self.launcher.launch(self.trigger, record.id, by_hand=by_hand)

    def launch_due(self) -> list[str]:
        """Launches what has no run and may have one now; returns the names of the arrivals."""
        names = []
        for record in self.ledger.records_without_run(self.trigger.name, self.trigger.collection):
            if record.not_before is None or record.not_before <= self.now:
                self.launch(record)
                names.append(record.path.split("/")[-2])
        return names

    def follow(self) -> None:
        """A follower, as a watch begins it, asks for the runs that are open."""
        RunFollower(
            *(self.trigger, self.ledger, self.service, self.events.append), clock=lambda: 0.0
        ).poll()

    def restart(self) -> None:
        """The watch is killed, and another one begins."""
        self.ledger.close()
        self.__init__(self.trigger, self)  # type: ignore[misc]

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]
