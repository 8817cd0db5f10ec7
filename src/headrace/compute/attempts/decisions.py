"""Decisions after a failure: whether the job is run again, and what is changed for it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from ..batch.settings import JobSettings
from ..scheduler import Scheduler, SchedulerError, memory_amount, walltime_seconds
from .cause_names import FailureCause
from .failure_causes import Failure
from .record import Attempt, NextAttempt
from .settings import AttemptSettings

_LONGER: Final = 2
_MAX_PAUSE_SECONDS: Final = 1800.0


def decide_next(
    scheduler: Scheduler,
    settings: JobSettings,
    limits: AttemptSettings,
    failure: Failure,
    attempts: Sequence[Attempt],
    *,
    submitted: bool,
) -> NextAttempt:
    """Decide whether a failed job is run again, and what is changed for it.

    Args:
        scheduler: the scheduler.
        settings: of the job that has failed.
        limits: how often it is run, and what a further attempt may ask for.
        failure: its failure.
        attempts: the attempts so far, that one last.
        submitted: whether jobs are submitted; otherwise they run in an allocation that stays.
    """
    cause = failure.cause
    if not cause.transient:
        return NextAttempt(False, "not repeated: it would come again")
    last = attempts[-1]
    if cause.only_once and any(_ended_alike(each, last) for each in attempts[:-1]):
        return NextAttempt(False, f"not repeated: {cause} twice alike")
    if len(attempts) >= limits.attempts:
        return NextAttempt(False, f"attempt {len(attempts)} of {limits.attempts}")
    if cause is FailureCause.TIME_LIMIT:
        return _longer(scheduler, settings, limits, submitted)
    if cause is FailureCause.MEMORY:
        return _more_memory(settings, limits, submitted)
    if failure.nodes and submitted:
        options = scheduler.exclude_nodes(settings.options, failure.nodes)
        if tuple(options) != tuple(settings.options):
            return NextAttempt(True, f"without {', '.join(failure.nodes)}", failure.nodes)
    return NextAttempt(True, "the same again")


def changed_settings(
    scheduler: Scheduler, settings: JobSettings, attempts: Sequence[Attempt]
) -> JobSettings:
    """Return the settings of the attempt that follows some others.

    Args:
        scheduler: the scheduler.
        settings: of the first attempt.
        attempts: the attempts so far.
    """
    for each in attempts:
        settings = replace(
            settings,
            walltime=each.walltime or settings.walltime,
            memory=each.memory or settings.memory,
        )
    excluded = tuple(node for each in attempts for node in each.excluded)
    if not excluded:
        return settings
    return replace(settings, options=tuple(scheduler.exclude_nodes(settings.options, excluded)))


def pause_seconds(limits: AttemptSettings, failures: int) -> float:
    """Return the pause before the next attempt: twice as long each time."""
    first = walltime_seconds(limits.retry_pause) or 0.0
    return min(first * 2.0 ** (failures - 1), max(first, _MAX_PAUSE_SECONDS))


def _ended_alike(one: Attempt, other: Attempt) -> bool:
    return (one.cause, one.exit_code) == (other.cause, other.exit_code)


def _longer(
    scheduler: Scheduler, settings: JobSettings, limits: AttemptSettings, submitted: bool
) -> NextAttempt:
    now = settings.seconds
    longest = walltime_seconds(limits.max_walltime) if limits.max_walltime else None
    reason = f"{settings.walltime} is the longest time here"
    if longest is None:
        longest = math.inf
        if submitted:
            try:
                longest = scheduler.longest_walltime(settings)
            except SchedulerError:
                longest = now  # a job beyond the limit would wait for ever
                reason = "the longest time here is not known; set `max_walltime`"
    wanted = min(_LONGER * now, longest)
    if wanted > now:
        walltime = format_walltime(wanted)
        return NextAttempt(True, f"with {walltime}", walltime=walltime)
    if limits.resumes:
        return NextAttempt(True, "with the same time: it goes on where it stopped")
    return NextAttempt(False, f"not repeated: {reason}")


def _more_memory(settings: JobSettings, limits: AttemptSettings, submitted: bool) -> NextAttempt:
    if not submitted:
        return NextAttempt(False, "not repeated: the allocation has no more memory")
    amount = memory_amount(settings.memory)
    if amount is None:
        return NextAttempt(False, "not repeated: set `memory`, and the next has twice as much")
    wanted = min(2 * amount, memory_amount(limits.max_memory) or math.inf)
    if wanted <= amount:
        return NextAttempt(False, f"not repeated: {settings.memory} is the most memory here")
    memory = f"{math.floor(wanted)}M"
    return NextAttempt(True, f"with {memory} of memory", memory=memory)


def format_walltime(seconds: float) -> str:
    """Return a time limit as ``HH:MM:SS`` or ``D-HH:MM:SS``."""
    if math.isinf(seconds):
        return "UNLIMITED"
    minutes, rest = divmod(math.ceil(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"{f'{days}-' if days else ''}{hours:02d}:{minutes:02d}:{rest:02d}"
