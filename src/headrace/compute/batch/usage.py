"""Use of a job: its processors, its start and end, and their product."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from .settings import JobSettings

# Slurm's form: 16(x3),8 are three nodes with 16 processors each, and one with 8.
_PART: Final = re.compile(r"(\d{1,9})(?:\(x(\d{1,9})\))?")


@dataclass(frozen=True)
class JobUsage:
    """Use of a job.

    Attributes:
        cores: processors that were allocated to it, as the scheduler counts them.
        started_at: when its script began, UTC, by the clock of its node.
        ended_at: when its script ended, by the same clock; of one that was killed, when that was
            seen, and not later than its time limit.
        core_hours: processors times hours; None where one of them is not known.
    """

    cores: int | None = None
    started_at: str = ""
    ended_at: str = ""
    core_hours: float | None = None


def read_usage(
    settings: JobSettings, host: dict[str, Any], ended_at: str, *, ended: bool
) -> JobUsage:
    """Return the use of a job from its records.

    Args:
        settings: settings of the job.
        host: where it ran: the record that its script left at its start.
        ended_at: when its script ended; empty where it left no such record.
        ended: whether it is known to have ended.
    """
    started = _moment(host.get("started_at"))
    if started is None:
        return JobUsage()
    cores = count_cores(str(host.get("cores", ""))) or settings.ntasks * settings.cpus_per_task
    end = _moment(ended_at) if ended_at else None
    if end is None and ended:
        end = min(time.time(), started + settings.seconds)
    if end is None:
        return JobUsage(cores, write_moment(started))
    hours = cores * max(0.0, end - started) / 3600.0
    return JobUsage(cores, write_moment(started), write_moment(end), round(hours, 6))


def count_cores(text: str) -> int | None:
    """Return the number of processors in a text; None where it has none.

    Args:
        text: a number, or numbers by node as Slurm writes them, such as ``16(x3),8``.
    """
    total = 0
    for part in text.split(","):
        match = _PART.fullmatch(part.strip())
        if match is None:
            return None
        total += int(match[1]) * int(match[2] or 1)
    return total or None


def write_moment(seconds: float) -> str:
    """Return a time as job records have it: UTC, to the millisecond."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def _moment(text: object) -> float | None:
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC).timestamp()
    except (ValueError, OverflowError):
        return None
