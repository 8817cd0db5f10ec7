"""Runs as events: the state that results from them, the stepper, and the log.

Invariants: a state is the replay of its events and of nothing else; an event that was written keeps
its meaning. ``events`` has their kinds, ``run_state`` applies them, advances a run and makes new
ones, ``retry`` makes the events of a run that continues another, ``log_entries`` the
service's log, and ``log_replay`` reads a run from it.
"""

from headrace.flowlang.runs.events import Event, EventKind
from headrace.flowlang.runs.log_entries import (
    LogEntry,
    event_log_entries,
    run_details,
    run_log,
    started_entry,
)
from headrace.flowlang.runs.log_replay import LogReplayError, RunFromLog, read_run_from_log
from headrace.flowlang.runs.retry import RetryError, SuppliedResult, last_entry, start_retry
from headrace.flowlang.runs.run_state import (
    ACTIVE,
    FAILED,
    INACTIVE,
    MAX_STATES_PER_ADVANCE,
    SUCCEEDED,
    TERMINAL,
    Accepted,
    ActionStarter,
    Phase,
    Refused,
    RunState,
    RunStepper,
    apply,
    from_snapshot,
    replay,
)

__all__ = [
    "ACTIVE",
    "FAILED",
    "INACTIVE",
    "MAX_STATES_PER_ADVANCE",
    "SUCCEEDED",
    "TERMINAL",
    "Accepted",
    "ActionStarter",
    "Event",
    "EventKind",
    "LogEntry",
    "LogReplayError",
    "Phase",
    "Refused",
    "RetryError",
    "RunFromLog",
    "RunState",
    "RunStepper",
    "SuppliedResult",
    "apply",
    "event_log_entries",
    "from_snapshot",
    "last_entry",
    "read_run_from_log",
    "replay",
    "run_details",
    "run_log",
    "start_retry",
    "started_entry",
]
