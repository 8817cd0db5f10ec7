"""A driver of campaigns with a scripted service, in a time of its own, that may be killed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from headrace._internal.closing import ClosedOnExit
from headrace.campaigns.campaign_loading import read_campaign
from headrace.campaigns.driver.driven_campaign import DrivenCampaign, HealthMaker, lane_health
from headrace.campaigns.driver.driver import CampaignDriver
from headrace.campaigns.driver.driver_parts import DriverPace, DriverParts
from headrace.campaigns.driver.events import CampaignEvent
from headrace.campaigns.ledger import (
    Attempt,
    CampaignLedger,
    LedgerTables,
    Member,
    NewMember,
    Start,
)
from tests.support.campaigns.scripted_runs import ScriptedRuns

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Killed(BaseException):
    """The process has been killed."""


class KilledLedger(CampaignLedger):
    """A ledger whose process is killed at one of its commits: just before it, or just after."""

    kill_at: int | None = None
    before = False
    commits = 0

    @contextmanager
    def transaction(self) -> Iterator[LedgerTables]:
        with super().transaction() as tables:
            yield tables
            changes = tables.database.total_changes
            counts = changes != getattr(self, "_changes", 0)
            self._changes = changes
            if counts:
                self.commits += 1
            if counts and self.commits == self.kill_at and self.before:
                raise Killed
        if counts and self.commits == self.kill_at:
            raise Killed


class CampaignWorld(ClosedOnExit):
    """Campaigns, a service and a driver.

    Args:
        directory: where the ledger and the campaign files are.
    """

    def __init__(self, directory: Path, *, pace: DriverPace | None = None) -> None:
        self.directory = directory
        self.time = START
        self.seconds = 0.0
        self.pace = pace or DriverPace(clock_error=timedelta(seconds=5))
        self.service = ScriptedRuns(lambda: self.time)
        self.events: list[CampaignEvent] = []
        self.make_health: HealthMaker = lane_health
        self.path = directory / "campaigns.local.db"
        self.ledger = KilledLedger(self.path, now=lambda: self.time)
        self._driver: CampaignDriver | None = None

    def close(self) -> None:
        self.ledger.close()

    def write(self, text: str, name: str = "napa") -> Path:
        folder = self.directory / "campaigns"
        folder.mkdir(exist_ok=True)
        file = folder / f"{name}.toml"
        file.write_text(text)
        return file

    def begin(self, text: str, *members: NewMember | str, name: str = "napa") -> int:
        """Write a campaign, give it members, and start it."""
        campaign = read_campaign(self.write(text, name))
        with self.ledger.transaction() as tables:
            row = tables.campaigns.add(
                name, campaign.definition, campaign.definition_sha, priority=campaign.priority
            )
            each = (NewMember(one) if isinstance(one, str) else one for one in members)
            tables.members.add(row.id, each, step=campaign.steps[0].name)
            tables.campaigns.set_state(row.id, "started")
        return row.id

    @property
    def driver(self) -> CampaignDriver:
        if self._driver is None:
            parts = DriverParts(
                lambda name: self.directory / "campaigns" / f"{name}.toml",
                self._members_file,
                self.pace,
                self.make_health,
                lambda: self.time,
                lambda: self.seconds,
            )
            self._driver = CampaignDriver(self.ledger, self.service, parts, self.events.append)
        return self._driver

    def restart(self) -> None:
        """Begin anew with what is on the disk, as after a kill."""
        self._driver = None
        self.ledger.close()
        self.ledger = KilledLedger(self.path, now=lambda: self.time)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.time += timedelta(seconds=seconds)
        self.seconds += seconds

    def drive(self, passes: int = 1) -> None:
        """Have the driver do what there is to do now, some times over."""
        for _ in range(passes):
            self.wait(max(0.01, self.driver.run_once()))

    def drive_until(self, condition: Callable[[], bool], passes: int = 5000) -> None:
        """Have the driver work, and time pass, until something holds."""
        for _ in range(passes):
            if condition():
                return
            self.drive()
        raise AssertionError(f"after {passes} passes: {self.states()}, {self.driver.problems}")

    def drive_to_end(self, name: str = "napa") -> None:
        self.drive_until(lambda: self.state(name) == "ended")

    def state(self, name: str = "napa") -> str:
        with self.ledger.transaction() as tables:
            return tables.campaigns.get(name).state

    def states(self, name: str = "napa") -> dict[str, str]:
        """Return the states of all members by their keys."""
        rows = self.query(
            "SELECT key, state FROM members WHERE campaign = "
            "(SELECT id FROM campaigns WHERE name = ?) ORDER BY id",
            name,
        )
        return {str(key): str(state) for key, state in rows}

    def member(self, key: str, name: str = "napa") -> Member:
        with self.ledger.transaction() as tables:
            return tables.members.get(tables.campaigns.get(name).id, key)

    def attempts(self, key: str, name: str = "napa") -> list[Attempt]:
        member = self.member(key, name)
        with self.ledger.transaction() as tables:
            return tables.starts.attempts_of(member.id)

    def starts(self) -> list[Start]:
        with self.ledger.transaction() as tables:
            ids = [row[0] for row in tables.database.execute("SELECT id FROM starts ORDER BY id")]
            return tables.starts.read(ids)

    def query(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Look at the ledger as another process does."""
        database = sqlite3.connect(self.path)
        try:
            return database.execute(sql, values).fetchall()
        finally:
            database.close()

    def change(self, sql: str, *values: Any) -> None:
        """Change the ledger as another process does."""
        database = sqlite3.connect(self.path)
        try:
            with database:
                database.execute(sql, values)
        finally:
            database.close()

    def events_of(self, kind: type[CampaignEvent]) -> list[Any]:
        """Return the events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]

    def _members_file(self, driven: DrivenCampaign, subject: str) -> tuple[Path, str]:
        path = self.directory / "grafts" / f"{driven.name}-{subject or 'all'}.csv"
        return path, str(path)
