"""Runs of a project's flows: start, find, follow, describe and retry them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace._internal.lazy_names import lazy_names

if TYPE_CHECKING:
    from headrace.runs.batch_start import BatchAnswer, BatchedRun, start_batch
    from headrace.runs.describe import (
        Progress,
        Results,
        current_activity,
        failure_message,
        failure_summary,
        next_steps,
        results_of,
        summary_of,
    )
    from headrace.runs.input_resolution import resolve_input
    from headrace.runs.launch import (
        PreparedRun,
        RunOptions,
        check_input,
        is_current,
        prepare,
        send,
        start,
    )
    from headrace.runs.poller import FINAL, RunPoller, RunView, StateView

__all__ = [
    "FINAL",
    "BatchAnswer",
    "BatchedRun",
    "PreparedRun",
    "Progress",
    "Results",
    "RunOptions",
    "RunPoller",
    "RunView",
    "StateView",
    "check_input",
    "current_activity",
    "failure_message",
    "failure_summary",
    "is_current",
    "next_steps",
    "prepare",
    "resolve_input",
    "results_of",
    "send",
    "start",
    "start_batch",
    "summary_of",
]

__getattr__ = lazy_names(__name__)
