"""Triggers: exactly one run of a flow for each complete new thing in a watched directory."""

from headrace.triggers.arrival import Arrival, Identity
from headrace.triggers.errors import LedgerBusy, TriggerError
from headrace.triggers.events import (
    Problem,
    Removed,
    Seen,
    Settling,
    Started,
    StartFailed,
    Starting,
    WatchEvent,
    Watching,
)
from headrace.triggers.ledger import Ledger, read_ledger
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
    "Problem",
    "Record",
    "Removed",
    "Seen",
    "Settling",
    "StartFailed",
    "Started",
    "Starter",
    "Starting",
    "Trigger",
    "TriggerError",
    "WatchEvent",
    "Watcher",
    "Watching",
    "load_trigger",
    "load_triggers",
    "read_ledger",
    "render_input",
]
