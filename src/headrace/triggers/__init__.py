"""Triggers: exactly one run of a flow for each complete new thing in a watched directory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace._internal.lazy_names import lazy_names

if TYPE_CHECKING:
    from headrace.triggers.arrival import Arrival, Identity
    from headrace.triggers.arrival_location import arrival_from_record
    from headrace.triggers.claims import TriggerClaims, is_watched
    from headrace.triggers.errors import (
        LedgerBusy,
        LedgerUnusable,
        StartRefused,
        TriggerError,
        TriggerProblems,
        TriggerWatched,
    )
    from headrace.triggers.events import (
        ArrivalFinished,
        ChainSet,
        CheckFinished,
        CheckStarted,
        Due,
        EndsRead,
        Incomplete,
        Problem,
        Refused,
        Removed,
        RunArrived,
        RunEnded,
        Seen,
        Started,
        StartFailed,
        Starting,
        TimerSet,
        TriggerHeld,
        Unwatched,
        Waiting,
        WatchEvent,
        Watching,
    )
    from headrace.triggers.existing_entries import ExistingEntries, find_existing_entries
    from headrace.triggers.launcher import RunClient
    from headrace.triggers.ledger import Ledger
    from headrace.triggers.ledger_access import read_ledger, read_paused
    from headrace.triggers.ledger_requests import (
        pause_triggers,
        replay_arrivals,
        request_runs,
        resume_triggers,
        retry_refused,
        skip_arrivals,
    )
    from headrace.triggers.manual_start import ManualStart, start_by_hand
    from headrace.triggers.named_arrival import NamedArrival, find_arrival
    from headrace.triggers.record import Record
    from headrace.triggers.template import PLACEHOLDERS, render_input
    from headrace.triggers.trigger import Trigger
    from headrace.triggers.trigger_loading import (
        directory_problem,
        load_trigger,
        load_triggers,
        load_triggers_and_errors,
    )
    from headrace.triggers.watcher import Watcher

__all__ = [
    "PLACEHOLDERS",
    "Arrival",
    "ArrivalFinished",
    "ChainSet",
    "CheckFinished",
    "CheckStarted",
    "Due",
    "EndsRead",
    "ExistingEntries",
    "Identity",
    "Incomplete",
    "Ledger",
    "LedgerBusy",
    "LedgerUnusable",
    "ManualStart",
    "NamedArrival",
    "Problem",
    "Record",
    "Refused",
    "Removed",
    "RunArrived",
    "RunClient",
    "RunEnded",
    "Seen",
    "StartFailed",
    "StartRefused",
    "Started",
    "Starting",
    "TimerSet",
    "Trigger",
    "TriggerClaims",
    "TriggerError",
    "TriggerHeld",
    "TriggerProblems",
    "TriggerWatched",
    "Unwatched",
    "Waiting",
    "WatchEvent",
    "Watcher",
    "Watching",
    "arrival_from_record",
    "directory_problem",
    "find_arrival",
    "find_existing_entries",
    "is_watched",
    "load_trigger",
    "load_triggers",
    "load_triggers_and_errors",
    "pause_triggers",
    "read_ledger",
    "read_paused",
    "render_input",
    "replay_arrivals",
    "request_runs",
    "resume_triggers",
    "retry_refused",
    "skip_arrivals",
    "start_by_hand",
]

__getattr__ = lazy_names(__name__)
