"""Triggers: exactly one run of a flow for each complete new thing in a watched directory."""

from headrace.triggers.arrival import Arrival, Identity
from headrace.triggers.errors import (
    LedgerBusy,
    LedgerUnusable,
    StartRefused,
    TriggerError,
    TriggerProblems,
)
from headrace.triggers.events import (
    Problem,
    Refused,
    Removed,
    Seen,
    Settling,
    Started,
    StartFailed,
    Starting,
    WatchEvent,
    Watching,
)
from headrace.triggers.ledger import Ledger, ask_again, read_ledger
from headrace.triggers.record import Record
from headrace.triggers.rule import Trigger, load_trigger, load_triggers
from headrace.triggers.starter import Starter
from headrace.triggers.template import PLACEHOLDERS, render_input
from headrace.triggers.watcher import Watcher

__all__ = [
    "PLACEHOLDERS",
    "Arrival",
    "Identity",
    "Ledger",
    "LedgerBusy",
    "LedgerUnusable",
    "Problem",
    "Record",
    "Refused",
    "Removed",
    "Seen",
    "Settling",
    "StartFailed",
    "StartRefused",
    "Started",
    "Starter",
    "Starting",
    "Trigger",
    "TriggerError",
    "TriggerProblems",
    "WatchEvent",
    "Watcher",
    "Watching",
    "ask_again",
    "load_trigger",
    "load_triggers",
    "read_ledger",
    "render_input",
]
