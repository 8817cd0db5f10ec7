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
    Answered,
    Asking,
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
from headrace.triggers.existing_entries import FirstLook, first_looks
from headrace.triggers.launcher import Starter, arrival_of
from headrace.triggers.ledger import Ledger, ask_again, read_ledger
from headrace.triggers.ledger_known import is_watched
from headrace.triggers.record import Record
from headrace.triggers.template import PLACEHOLDERS, render_input
from headrace.triggers.trigger import (
    Trigger,
    load_all,
    load_trigger,
    load_triggers,
    missing_directory,
)
from headrace.triggers.watcher import Watcher

__all__ = [
    "PLACEHOLDERS",
    "Answered",
    "Arrival",
    "Asking",
    "FirstLook",
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
    "arrival_of",
    "ask_again",
    "first_looks",
    "is_watched",
    "load_all",
    "load_trigger",
    "load_triggers",
    "missing_directory",
    "read_ledger",
    "render_input",
]
