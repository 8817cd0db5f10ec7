"""Result of an event's inspection: each record, what a run would do, and what is wrong."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from headrace.seismic.measurement.event_origin import EventOrigin
from headrace.seismic.measurement.problem_summary import SharedProblem

OBSERVED, SYNTHETIC = "observed", "synthetic"


@dataclass(frozen=True)
class InspectedRecord:
    """One record of an event, in one file or several.

    Attributes:
        side: `OBSERVED` or `SYNTHETIC`.
        file: name of its first file.
        id: ``NET.STA.LOC.CHA``; empty of a file that cannot be used.
        format: what the file is, whatever its name says.
        pieces: how many traces it was joined from.
        quantity: what it measures; None if nothing says so.
        quantity_from: what says so.
        unit: ``counts``, or empty where nothing says that it is one.
        start: time of its first sample: UTC, or s after the origin; empty if unknown.
        seconds: from the first to the last sample; None if it was not read.
        dt: sampling interval, s; None if it was not read.
        peak: largest absolute value; None where neither header nor samples were read for it.
        used: whether it would be measured.
        use: what it is compared with, or why it is not; empty where problems say that.
        problems: which of the event's problems it has, counted from 1.
    """

    side: str
    file: str
    id: str = ""
    format: str = ""
    pieces: int = 1
    quantity: str | None = None
    quantity_from: str = ""
    unit: str = ""
    start: str = ""
    seconds: float | None = None
    dt: float | None = None
    peak: float | None = None
    used: bool = False
    use: str = ""
    problems: tuple[int, ...] = ()


@dataclass(frozen=True)
class Decisions:
    """Decisions of a run about the event, before it is made.

    Attributes:
        components: those that would be measured.
        stations: how many have one of them.
        pairs: how many traces would be measured.
        resampled: how many of them would be interpolated onto the synthetic's times.
        quantities: what they are compared as, with how many.
        amplitude_ratios: least, middle and largest of observed over synthetic in the period band;
            empty without any.
    """

    components: tuple[str, ...] = ()
    stations: int = 0
    pairs: int = 0
    resampled: int = 0
    quantities: Mapping[str, int] = field(default_factory=dict)
    amplitude_ratios: tuple[float, ...] = ()


@dataclass(frozen=True)
class Inspection:
    """Inspection of an event.

    Attributes:
        event: its name.
        observed: directory of the recorded seismograms.
        synthetic: directory of the computed seismograms; None where only records are there yet.
        origin: when and where it was; None where no file states it.
        origin_time: when it was, by whatever states it; None if nothing does.
        origin_from: what states the origin time.
        records: each file of both sides.
        decisions: what a run would do.
        problems: all that there are.
        failed: whether a run of it could measure nothing.
    """

    event: str
    observed: Path
    synthetic: Path | None
    origin: EventOrigin | None
    origin_time: datetime.datetime | None
    origin_from: str
    records: tuple[InspectedRecord, ...]
    decisions: Decisions
    problems: tuple[SharedProblem, ...]
    failed: bool

    @property
    def sound(self) -> bool:
        """True if a run would succeed, with nothing left that must be decided."""
        return not self.failed and not any(problem.decide for problem in self.problems)
