"""The keys of campaign files, declared: each table in a module of its own, composed here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from headrace._internal.settings import Declared, Key, Number, Place, Table, TomlDocument
from headrace.campaigns.errors import CampaignError
from headrace.campaigns.tables.grafts import AFTER, AfterTable
from headrace.campaigns.tables.keep import KEEP, KeepTable
from headrace.campaigns.tables.kinds import TEXT
from headrace.campaigns.tables.lanes import LANES, LaneTable
from headrace.campaigns.tables.limits import LIMITS, LimitsTable
from headrace.campaigns.tables.members import MEMBERS, MembersTable
from headrace.campaigns.tables.results import RESULTS, ResultsTable
from headrace.campaigns.tables.retries import RETRIES, RetriesTable
from headrace.campaigns.tables.steps import START, STEPS, StepTable


@dataclass(frozen=True)
class CampaignTable:
    """The top table of a campaign file."""

    title: str | None = None
    priority: float = 0.0
    members: MembersTable = field(default_factory=MembersTable)
    start: StepTable | None = None
    steps: tuple[StepTable, ...] = ()
    results: ResultsTable = field(default_factory=ResultsTable)
    lanes: Mapping[str, LaneTable] = field(default_factory=dict)
    limits: LimitsTable = field(default_factory=LimitsTable)
    retries: RetriesTable = field(default_factory=RetriesTable)
    after: AfterTable = field(default_factory=AfterTable)
    keep: KeepTable = field(default_factory=KeepTable)


def _check(table: CampaignTable, place: Place) -> None:
    """Report a file that starts nothing, or that says twice what it starts."""
    if table.start is None and not table.steps:
        place.report("needs [start], or several [[steps]]: the flow that each member goes through")
    if table.start is not None and table.steps:
        place.child("steps").child(0).refused("is instead of start; leave one of them out")
    if table.results.members is not None and all(
        not step.takes_list for step in (*table.steps, *([table.start] if table.start else []))
    ):
        place.child("results").child("members").refused(
            "goes with member, the template of one item of {members}"
        )


CAMPAIGN: Final = Table(
    {
        "title": Declared(
            "title",
            Key("What people see of the campaign.", default="the file's name"),
            TEXT,
            None,
        ),
        "priority": Declared(
            "priority",
            Key("Among campaigns: members of one with a higher number are started first."),
            Number(),
            0.0,
        ),
        "members": Declared(
            "members", Key("Where members come from, by key."), MEMBERS, MembersTable()
        ),
        "start": Declared("start", Key("The flow that each member goes through."), START, None),
        "steps": Declared(
            "steps", Key("Flows that each member goes through, one after another."), STEPS, ()
        ),
        "results": Declared(
            "results", Key("Where a run's output has results."), RESULTS, ResultsTable()
        ),
        "lanes": Declared("lanes", Key("Where members run."), LANES, {}),
        "limits": Declared("limits", Key("How much is started."), LIMITS, LimitsTable()),
        "retries": Declared("retries", Key("What is tried again."), RETRIES, RetriesTable()),
        "after": Declared("after", Key("Flows that ends start."), AFTER, AfterTable()),
        "keep": Declared("keep", Key("What is kept."), KEEP, KeepTable()),
    },
    lambda values: CampaignTable(**values),
    _check,
)


def read_document(file: Path) -> TomlDocument:
    """Read a campaign file as TOML.

    Raises:
        CampaignError: it cannot be read, or is not TOML.
    """
    return TomlDocument.read_or_raise(file, CampaignError)


def document_of(definition: Mapping[str, Any], name: str) -> TomlDocument:
    """Return a definition, as the ledger keeps it, as a document.

    Args:
        definition: the file's values.
        name: what messages call it.
    """
    return TomlDocument(name, definition)
