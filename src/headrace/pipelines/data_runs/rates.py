"""Rates of a data run: those of the acquisition, those of the fits, and the backlog between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from headrace.pipelines.data_runs.indexes import SegmentIndex

if TYPE_CHECKING:
    from headrace.pipelines.data_runs.known_runs import KnownRun

_POINTS: Final = 120


@dataclass(frozen=True)
class RunRates:
    """Rates of a data run, as far as its segments tell them.

    Attributes:
        number: number of the run, as the acquisition wrote it; None if unknown.
        title: of the run.
        events: events that were acquired.
        hits: hits in them.
        seconds: run time, s; None if unknown.
        acquired: events a second of run time; None if unknown.
        fitted: events whose traces are fitted.
        fit_rate: events that one job fits in a second; None before one is done.
        fit_seconds: time of all jobs of fits, s.
        jobs: jobs at a time that keep up with the acquisition; None if unknown.
        backlog_bytes: raw data that are not fitted.
        backlog: run time of what is not fitted, s; None if unknown.
        backlog_fit: time in which one job fits it, s; None if unknown.
        curve: (time of the run in s, events a second there).
        indexed: segments that are indexed.
        segments: all segments.
        problems: places that cannot be read.
        messages: the first problems.
    """

    number: int | None
    title: str
    events: int
    hits: int
    seconds: float | None
    acquired: float | None
    fitted: int
    fit_rate: float | None
    fit_seconds: float
    jobs: int | None
    backlog_bytes: int
    backlog: float | None
    backlog_fit: float | None
    curve: Sequence[tuple[float, float]]
    indexed: int
    segments: int
    problems: int
    messages: Sequence[str]

    @classmethod
    def of(cls, run: KnownRun, indexes: Mapping[int, SegmentIndex]) -> RunRates:
        """Return the rates of a data run.

        Args:
            run: the data run.
            indexes: of its segments.
        """
        known = {
            number: found.index.header
            for number, found in indexes.items()
            if found.index is not None
        }
        headers = list(known.values())
        counts = sorted(point for header in headers for point in header.counts)
        events = sum(header.events for header in headers)
        seconds = _seconds(counts, headers)
        complete = len(headers) == len(run.segments)
        acquired = _ratio(counts[-1][1] if counts else events if complete else None, seconds)
        done = [each for each in run.segments if each.is_fitted]
        fitted = [known[each.number].events for each in done if each.number in known]
        took = [float(each.facts.get("seconds") or 0) for each in done if each.number in known]
        fit_seconds = sum(float(each.facts.get("seconds") or 0) for each in done)
        fit_rate = _ratio(sum(fitted), sum(took))
        waiting = sum(each.bytes for each in run.segments if not each.is_fitted)
        in_all = sum(each.bytes for each in run.segments)
        left = None if not in_all or seconds is None else seconds * waiting / in_all
        return cls(
            number=next((header.run for header in headers if header.run is not None), None),
            title=next((header.title for header in headers if header.title), ""),
            events=events,
            hits=sum(header.hits for header in headers),
            seconds=seconds,
            acquired=acquired,
            fitted=sum(fitted),
            fit_rate=fit_rate,
            fit_seconds=fit_seconds,
            jobs=-int(-acquired // fit_rate) if acquired and fit_rate else None,
            backlog_bytes=waiting,
            backlog=left,
            backlog_fit=left * acquired / fit_rate if left and acquired and fit_rate else None,
            curve=_curve(counts),
            indexed=len(headers),
            segments=len(run.segments),
            problems=sum(header.problems for header in headers),
            messages=[text for header in headers for text in header.first_problems][:5],
        )


def _seconds(counts: Sequence[tuple[float, int]], headers: Sequence[object]) -> float | None:
    """Return how long the run is: by its begin and end, else by the last count of events."""
    begins = [begin for header in headers if (begin := getattr(header, "begin", None))]
    ends = [end for header in headers if (end := getattr(header, "end", None))]
    if begins and ends and max(ends) > min(begins):
        return float(max(ends) - min(begins))
    return counts[-1][0] if counts and counts[-1][0] > 0 else None


def _ratio(amount: float | None, seconds: float | None) -> float | None:
    return amount / seconds if amount and seconds else None


def _curve(counts: Sequence[tuple[float, int]]) -> list[tuple[float, float]]:
    step = -(-len(counts) // _POINTS) or 1
    kept = [(0.0, 0), *counts[step - 1 :: step]]
    return [
        (after, (more - events) / (after - before))
        for (before, events), (after, more) in pairwise(kept)
        if after > before and more >= events
    ]
