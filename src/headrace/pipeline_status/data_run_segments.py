"""Status of each segment of a data run, from what stands on this machine's disks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from headrace.compute.stages import read_facts
from headrace.pipeline_status.data_runs import DataRunPlaces

_NAME: Final = re.compile(r"run-(\d+)-(\d+)\.evt")
_JOB: Final = re.compile(r"(fit|convert)-(\d+)(?:-|$)")

STATES: Final = ("arrived", "at the cluster", "in work", "failed", "fitted", "converted")
"""All states of a segment, in the order in which it goes through them."""


@dataclass(frozen=True)
class SegmentStatus:
    """Status of a segment.

    Attributes:
        number: of the segment.
        name: of its file, ``run-NNNN-SS.evt``.
        state: one of `STATES`.
        bytes: of raw data.
        raw: its file with raw data.
        fitted: its file with fits; None before they are made.
        facts: what the fit reported: ``seconds``, and of headrace's own ``hits``, ``fitted``,
            ``fit_seconds``, ``events``.
    """

    number: int
    name: str
    state: str
    bytes: int
    raw: Path
    fitted: Path | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def best_file(self) -> Path:
        """The file with fits, or with raw data as long as there is none."""
        return self.fitted or self.raw

    @property
    def is_fitted(self) -> bool:
        """True once its traces are fitted."""
        return self.fitted is not None


def list_segment_status(places: DataRunPlaces, *, is_active: bool) -> list[SegmentStatus]:
    """Return the status of all segments of a data run, in order of their numbers.

    Args:
        places: of the data run.
        is_active: whether its run of the flow goes on.
    """
    arrived = _segments(places.raw)
    staged = _segments(places.staging / "raw") if places.staging else {}
    fits = _outputs(places.staging, "fitted", "-fitted.evt")
    conversions = _outputs(places.staging, "converted", ".root")
    started = _started_jobs(places.staging)
    found = []
    for number in sorted({*arrived, *staged}):
        raw = staged.get(number) or arrived[number]
        fitted = fits.get(raw.stem)
        if raw.stem in conversions and fitted:
            state = "converted"
        elif number in started:
            state = "in work" if is_active else "fitted" if fitted else "failed"
        else:
            state = "fitted" if fitted else "at the cluster" if number in staged else "arrived"
        facts = read_facts(fitted) if fitted else {}
        size = _size(arrived.get(number)) or _size(staged.get(number))
        found.append(SegmentStatus(number, raw.name, state, size, raw, fitted, facts))
    return found


def _segments(directory: Path | None) -> dict[int, Path]:
    return {
        int(match[2]): path
        for path in _entries(directory)
        if (match := _NAME.fullmatch(path.name)) is not None
    }


def _outputs(staging: Path | None, folder: str, ending: str) -> dict[str, Path]:
    """Return the finished outputs of a stage by the names of their segments."""
    if staging is None:
        return {}
    entries = {path.name: path for path in _entries(staging / folder)}
    return {
        name.removesuffix(ending): path
        for name, path in entries.items()
        if name.endswith(ending) and f"{name}.done.json" in entries
    }


def _started_jobs(staging: Path | None) -> set[int]:
    """Return the segments of which a job has begun, and its output is not there yet."""
    if staging is None:
        return set()
    names = [path.name for path in _entries(staging / "unfinished")]
    return {int(match[2]) for name in names if (match := _JOB.match(name)) is not None}


def _entries(directory: Path | None) -> list[Path]:
    if directory is None:
        return []
    try:
        return list(directory.iterdir())
    except OSError:
        return []  # not made yet, or not mounted: there is nothing to be seen


def _size(path: Path | None) -> int:
    try:
        return path.stat().st_size if path is not None else 0
    except OSError:
        return 0  # moved away meanwhile
