"""The keys of trigger files, declared: each table in a module of its own, composed here."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from headrace._internal.settings import Declared, Key, Table, TomlDocument
from headrace.triggers.errors import TriggerError
from headrace.triggers.tables.afterwards import AFTERWARDS, AfterwardsTable
from headrace.triggers.tables.failure import FAILURE, FailureTable
from headrace.triggers.tables.kinds import TEXT
from headrace.triggers.tables.limits import LIMITS, LimitsTable
from headrace.triggers.tables.start import START, StartTable
from headrace.triggers.tables.watch import WATCH, WatchTable


@dataclass(frozen=True)
class TriggerTable:
    """The top table of a trigger file."""

    watch: WatchTable
    start: StartTable
    title: str | None = None
    limits: LimitsTable = field(default_factory=LimitsTable)
    failure: FailureTable = field(default_factory=FailureTable)
    afterwards: AfterwardsTable = field(default_factory=AfterwardsTable)


TRIGGER: Final = Table(
    {
        "title": Declared(
            "title",
            Key("What people see of the trigger.", default="the file's name"),
            TEXT,
            None,
        ),
        "watch": Declared("watch", Key("What is watched."), WATCH),
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
)


def read_document(file: Path) -> TomlDocument:
    """Read a trigger file as TOML.

    Raises:
        TriggerError: it cannot be read, or is not TOML.
    """
    return TomlDocument.read_or_raise(file, TriggerError)
