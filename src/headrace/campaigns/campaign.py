"""Campaign: a table of members, and the flows that each of them goes through."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headrace._internal.near_names import known_names
from headrace.campaigns.errors import CampaignError
from headrace.campaigns.tables.grafts import GraftTable
from headrace.campaigns.tables.keep import KeepTable
from headrace.campaigns.tables.lanes import LaneTable
from headrace.campaigns.tables.limits import LimitsTable
from headrace.campaigns.tables.members import MembersTable
from headrace.campaigns.tables.results import ResultsTable
from headrace.campaigns.tables.retries import RetriesTable
from headrace.campaigns.tables.steps import StepTable

Step = StepTable
"""A flow that each member goes through, and what a run of it gets."""

Lane = LaneTable
"""An endpoint with a limit, on which members run."""

Graft = GraftTable
"""A flow that the end of a leg, a member, a group or the campaign starts."""


@dataclass(frozen=True)
class Campaign:
    """Campaign, as its file says it.

    Attributes:
        name: the file's name without its ending.
        file: the campaign file.
        title: what people see of it.
        priority: among campaigns; higher is started first.
        members: where members come from, and what is read of each row.
        steps: the flows that each member goes through, in their order; one at least.
        lanes: where members run, in the file's order; one at least.
        limits: how much is started over all lanes, and what stops it.
        retries: what is tried again.
        grafts: flows that ends start, each with what it starts after.
        results: where a run's output has results.
        keep: what is kept, and where results are shown.
        definition: the file's values, as JSON, from which the campaign can be made again.
    """

    name: str
    file: Path
    title: str
    priority: float
    members: MembersTable
    steps: tuple[Step, ...]
    lanes: tuple[Lane, ...]
    limits: LimitsTable = field(default_factory=LimitsTable)
    retries: RetriesTable = field(default_factory=RetriesTable)
    grafts: tuple[Graft, ...] = ()
    results: ResultsTable = field(default_factory=ResultsTable)
    keep: KeepTable = field(default_factory=KeepTable)
    definition: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def definition_json(self) -> str:
        """The file's values as JSON, the same text for the same values."""
        return json.dumps(self.definition, sort_keys=True, ensure_ascii=False)

    @property
    def definition_sha(self) -> str:
        """The SHA-256 of the file's values, in hexadecimal."""
        return hashlib.sha256(self.definition_json.encode()).hexdigest()

    @property
    def table_file(self) -> Path | None:
        """The file with a row for each member; None where members come otherwise."""
        table = self.members.table
        return None if table is None else self.file.parent / table

    @property
    def flows(self) -> tuple[str, ...]:
        """Names of the flows that it starts, those of grafts after those of steps."""
        steps, grafts = [one.flow for one in self.steps], [one.flow for one in self.grafts]
        return tuple(dict.fromkeys((*steps, *grafts)))

    def step_named(self, name: str) -> int:
        """Return the number, from 0, of a step.

        Raises:
            CampaignError: there is none of this name; the message lists the known ones.
        """
        for number, step in enumerate(self.steps):
            if step.name == name:
                return number
        known = known_names(name, [step.name for step in self.steps])
        raise CampaignError(f"campaign {self.name} has no step {name!r}; {known}")

    def lane(self, name: str) -> Lane:
        """Return a lane.

        Raises:
            CampaignError: there is none of this name; the message lists the known ones.
        """
        for lane in self.lanes:
            if lane.name == name:
                return lane
        known = known_names(name, [lane.name for lane in self.lanes])
        raise CampaignError(f"campaign {self.name} has no lane {name!r}; {known}")

    def lanes_for(self, category: str) -> tuple[Lane, ...]:
        """Return the lanes that may take members of a category, in the file's order."""
        return tuple(lane for lane in self.lanes if lane.takes_category(category))
