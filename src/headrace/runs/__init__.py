"""Runs of a project's flows: start, find, follow, describe and retry them."""

from headrace.runs.describe import (
    Progress,
    Results,
    doing,
    failure_line,
    failure_words,
    next_steps,
    results_of,
    summary_of,
)
from headrace.runs.input_resolution import (
    resolve_input,
)
from headrace.runs.launch import (
    PreparedRun,
    RunOptions,
    check_input,
    is_current,
    prepare,
    send,
    start,
)
from headrace.runs.poller import (
    FINAL,
    RunFollower,
    RunView,
    StateView,
)

__all__ = [
    "FINAL",
    "PreparedRun",
    "Progress",
    "Results",
    "RunFollower",
    "RunOptions",
    "RunView",
    "StateView",
    "check_input",
    "doing",
    "failure_line",
    "failure_words",
    "is_current",
    "next_steps",
    "prepare",
    "resolve_input",
    "results_of",
    "send",
    "start",
    "summary_of",
]
