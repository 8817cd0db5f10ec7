"""A project with a campaign, and members of which some are done, in its ledger."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from headrace.campaigns.campaign_access import ledger_path
from headrace.campaigns.campaign_loading import load_campaign
from headrace.campaigns.ledger import CampaignLedger
from headrace.campaigns.ledger.member import NewMember
from headrace.campaigns.ledger.start import AttemptEnd, NewStart
from headrace.config.lock_file import Deployed, DeployedFlow, Lock
from headrace.project import Project, load_project
from tests.support.ids import an_id
from tests.support.small_project import write_project

CAMPAIGN = """\
title = "NapA, replicas"

[members]
table = "napa.csv"
key = "{name}"
group = "{protein}"

[start]
flow = "say"
label = "{campaign} {key}"

[start.input]
word = "{name}"

[lanes.frontera]
endpoint = "machine"
open = 60

[lanes.desk]
endpoint = "machine"

[limits]
core_hours = 1000

[keep.results]
collection = "here"
path = "/campaigns/napa/"
"""


def write_campaign_project(root: Path, text: str = CAMPAIGN) -> Project:
    """Make the small project, its flow deployed, with the campaign ``napa`` of four members."""
    write_project(root)
    (root / "campaigns").mkdir()
    (root / "campaigns" / "napa.toml").write_text(text)
    rows = [{"name": f"r{n:03d}", "protein": "wild" if n < 3 else "k305a"} for n in range(1, 5)]
    write_rows(root / "campaigns" / "napa.csv", rows)
    project = load_project(root)
    project.write_lock(Lock({"local": Deployed({"say": DeployedFlow(an_id("say"), "", "")})}))
    return project


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write a table as people do."""
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


class CampaignHistory:
    """Members of a campaign in a ledger, and what becomes of them.

    Args:
        project: with the campaign's file.
        name: of the campaign.
        begin: the time at which it begins; each `pass_time` goes on from there.
        target: whose ledger it is.
    """

    def __init__(
        self,
        project: Project,
        name: str = "napa",
        begin: datetime | None = None,
        target: str = "local",
    ) -> None:
        self.project = project
        self.campaign = load_campaign(project, name)
        self.now = begin or datetime.now(UTC) - timedelta(minutes=30)
        self.path = ledger_path(project, target)
        self._runs = 0

    def pass_time(self, **how: float) -> None:
        """Let time go by."""
        self.now += timedelta(**how)

    def ledger(self) -> CampaignLedger:
        """Open the ledger, with the history's clock."""
        return CampaignLedger(self.path, now=lambda: self.now)

    def add(self, members: Iterable[NewMember]) -> None:
        """Add members, and start the campaign."""
        with self.ledger() as ledger, ledger.transaction() as tables:
            row = tables.campaigns.add(
                self.campaign.name,
                dict(self.campaign.definition),
                self.campaign.definition_sha,
                priority=self.campaign.priority,
            )
            tables.members.add(row.id, members, step=self.campaign.steps[0].name)
            tables.campaigns.set_state(row.id, "started")

    def start(self, keys: Sequence[str], lane: str = "frontera") -> int:
        """Start one run of members; return the number of the start."""
        with self.ledger() as ledger:
            with ledger.transaction() as tables:
                row = tables.campaigns.get(self.campaign.name)
                ids = tuple(tables.members.get(row.id, key).id for key in keys)
                step = self.campaign.steps[0]
                new = NewStart(step.flow, ids, lane=lane, step=step.name)
                [start] = tables.starts.begin(row.id, [new])
            self._runs += 1
            with ledger.transaction() as tables:
                tables.starts.mark_open(start.id, f"run-{self._runs}")
        return start.id

    def end(self, start: int, end: Callable[[int], AttemptEnd], core_hours: float = 1.0) -> None:
        """End the run of a start, each of its members as a function of its number says."""
        with self.ledger() as ledger, ledger.transaction() as tables:
            ends = [end(attempt.member) for attempt in tables.starts.attempts(start)]
            status = "SUCCEEDED" if all(each.done for each in ends) else "FAILED"
            tables.starts.end(start, status, ends, core_hours=core_hours)

    def done(self, keys: Sequence[str], lane: str = "frontera", **facts: Any) -> None:
        """Start members and let them be done, one after another."""
        for key in keys:
            self.end(self.start([key], lane), _done(facts, lane))

    def failed(
        self,
        keys: Sequence[str],
        cause: str,
        lane: str = "frontera",
        host: str = "",
        category: str = "error of the program",
    ) -> None:
        """Start members and let them fail for good."""
        for key in keys:
            self.end(self.start([key], lane), _failed(cause, category, host or f"{lane}-1"))


def _done(facts: Mapping[str, Any], lane: str) -> Callable[[int], AttemptEnd]:
    return lambda member: AttemptEnd(
        member, done=True, then="done", facts=facts, core_hours=1.0, host=f"{lane}-1"
    )


def _failed(cause: str, category: str, host: str) -> Callable[[int], AttemptEnd]:
    return lambda member: AttemptEnd(
        *(member, False, "failed"),
        cause=cause,
        cause_category=category,
        counted=True,
        core_hours=1.0,
        host=host,
    )
