"""Status of a data run: its data, its speed and its lag, before and after it is processed."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from headrace.datarun.end_of_run import list_segments, run_end
from headrace.datarun.errors import DataRunError


@dataclass(frozen=True)
class DataRunStatus:
    """Present status of a data run.

    Attributes:
        name: its directory's name.
        status: ``TAKING DATA``, ``ARRIVED`` (it has ended, and has no run of the flow yet), or the
            status of its run of the flow.
        now: what is done, or missing, at this moment; why it failed, or will not start.
        segments: how many; None if unknown.
        bytes: of raw data; None if unknown.
        events: built events; None before they are known.
        traces: traces that were fitted; None before they are known.
        traces_per_second: how many of them a core fitted in a second, or a job of a site's
            program; None before it is known.
        ended: when the run ended at the detector, s since 1970-01-01 UTC; None if unknown.
        lag: s from there to the results, or until now; None if it has not ended.
        run_id: its run of the flow; None without one.
        results: where the results are; None without any.
        directory: the results on this machine; None if they are not here.
    """

    name: str
    status: str
    now: str = ""
    segments: int | None = None
    bytes: int | None = None
    events: int | None = None
    traces: int | None = None
    traces_per_second: float | None = None
    ended: float | None = None
    lag: float | None = None
    run_id: str | None = None
    results: str | None = None
    directory: Path | None = None

    def document(self) -> dict[str, Any]:
        """Return it as JSON shows it."""
        return {**vars(self), "directory": str(self.directory) if self.directory else None}


def unprocessed_run(name: str, directory: Path, blocker: str = "") -> DataRunStatus:
    """Return the status of a data run that has no run of the flow yet.

    Args:
        name: the data run.
        directory: its segments.
        blocker: why it will have none.
    """
    here = arrived_segments(directory)
    facts: dict[str, Any] = {"segments": len(here), "bytes": total_size(here)}
    warning = f"; {blocker}" if blocker else ""
    try:
        end = run_end(directory)
    except DataRunError as error:
        return DataRunStatus(name, "TAKING DATA", f"{error}{warning}", **facts)
    if not end.ended:
        return DataRunStatus(name, "TAKING DATA", f"waits for {end.missing}{warning}", **facts)
    ended = float(end.unix_time) if end.unix_time else None
    lag = beam_lag(ended, None, final=False)
    return DataRunStatus(
        name, "ARRIVED", blocker or "waits for its run to start", ended=ended, lag=lag, **facts
    )


def arrived_segments(directory: Path) -> list[Path]:
    """Return the segments of a data run that are there."""
    try:
        return list(list_segments(directory).values())
    except DataRunError:
        return []  # the status of the run itself says why


def end_time(directory: Path) -> float | None:
    """Return when a data run ended, s since 1970-01-01 UTC; None if unknown."""
    try:
        return run_end(directory).unix_time
    except DataRunError:
        return None


def total_size(segments: list[Path]) -> int:
    """Return the bytes of segments."""
    total = 0
    for path in segments:
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            continue  # moved away meanwhile
    return total


def fit_rate(summary: Mapping[str, Any]) -> float | None:
    """Return the traces that a core fitted in a second; None if unknown."""
    traces, seconds = summary.get("fitted"), summary.get("fit_seconds")
    return traces / seconds if traces and seconds else None


def beam_lag(ended: float | None, completed: datetime | None, final: bool) -> float | None:
    """Return the seconds from the end of a data run to its results, or until now.

    Args:
        ended: when it ended, s since 1970-01-01 UTC; None if unknown.
        completed: when its results were there; None without any.
        final: whether there is nothing to wait for.
    """
    if ended is None or (final and completed is None):
        return None
    until = completed.timestamp() if completed else time.time()
    return max(0.0, until - ended)
