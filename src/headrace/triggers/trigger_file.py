"""The keys of trigger files, declared: each table in a module of its own, composed here."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from headrace._internal.settings import Declared, Key, Place, Table, TomlDocument
from headrace.triggers.errors import TriggerError
from headrace.triggers.tables.after import AFTER, AfterTable
from headrace.triggers.tables.afterwards import AFTERWARDS, AfterwardsTable
from headrace.triggers.tables.every import EVERY, EveryTable
from headrace.triggers.tables.failure import FAILURE, FailureTable
from headrace.triggers.tables.kinds import TEXT
from headrace.triggers.tables.limits import LIMITS, LimitsTable
from headrace.triggers.tables.start import START, StartTable
from headrace.triggers.tables.watch import WATCH, WatchTable


@dataclass(frozen=True)
class TriggerTable:
    """The top table of a trigger file."""

    start: StartTable
    watch: WatchTable | None = None
    every: EveryTable | None = None
    after: AfterTable | None = None
    title: str | None = None
    limits: LimitsTable = field(default_factory=LimitsTable)
    failure: FailureTable = field(default_factory=FailureTable)
    afterwards: AfterwardsTable = field(default_factory=AfterwardsTable)


def _check_source(table: TriggerTable, place: Place) -> None:
    """Report a file that does not say exactly one thing that brings arrivals."""
    sources = [table.watch, table.every, table.after]
    if sum(source is not None for source in sources) != 1:
        place.report("needs one of [watch], [every] and [after], and not several")
    if table.watch is None and table.afterwards != AfterwardsTable():
        what = "a timer" if table.every is not None else "the end of a run"
        place.child("afterwards").refused(f"goes with watch: {what} has nothing to move or mark")


TRIGGER: Final = Table(
    {
        "title": Declared(
            "title",
            Key("What people see of the trigger.", default="the file's name"),
            TEXT,
            None,
        ),
        "watch": Declared("watch", Key("What is watched."), WATCH, None),
        "every": Declared("every", Key("When a run is started, instead of watch."), EVERY, None),
        "after": Declared(
            "after", Key("The runs whose ends start a run, instead of watch."), AFTER, None
        ),
        "start": Declared("start", Key("What is started."), START),
        "limits": Declared("limits", Key("How much is started, and when."), LIMITS, LimitsTable()),
        "failure": Declared(
            "failure", Key("What follows where a run fails."), FAILURE, FailureTable()
        ),
        "afterwards": Declared(
            "afterwards",
            Key("What is done with an arrival whose run has succeeded."),
            AFTERWARDS,
            AfterwardsTable(),
        ),
    },
    lambda values: TriggerTable(**values),
    _check_source,
)


def read_document(file: Path) -> TomlDocument:
    """Read a trigger file as TOML.

    Raises:
        TriggerError: it cannot be read, or is not TOML.
    """
    return TomlDocument.read_or_raise(file, TriggerError)
