"""The life of one run: its events, where they lead to, and the log that they make."""

from headrace.flowlang.runs.events import Event, Kind
from headrace.flowlang.runs.log_entries import Entry, entries_of, log_of, run_details
from headrace.flowlang.runs.retry import Given, RetryError, entry_of, taken_up
from headrace.flowlang.runs.run_state import (
    ACTIVE,
    FAILED,
    INACTIVE,
    SUCCEEDED,
    TERMINAL,
    Phase,
    Position,
    apply,
    fold,
    restored,
)
from headrace.flowlang.runs.run_stepper import STATES_PER_TURN, Accepted, Caller, Refused, Traveller

__all__ = [
    "ACTIVE",
    "FAILED",
    "INACTIVE",
    "STATES_PER_TURN",
    "SUCCEEDED",
    "TERMINAL",
    "Accepted",
    "Caller",
    "Entry",
    "Event",
    "Given",
    "Kind",
    "Phase",
    "Position",
    "Refused",
    "RetryError",
    "Traveller",
    "apply",
    "entries_of",
    "entry_of",
    "fold",
    "log_of",
    "restored",
    "run_details",
    "taken_up",
]
