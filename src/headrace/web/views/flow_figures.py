"""Figures of a flow: how its last runs ended, and how long they were in each state."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from headrace.runs.poller import FINAL, StateView, states_of

_KNOWN_RUNS: Final = 2_000


@dataclass(frozen=True)
class StateFigures:
    """Figures of one state.

    Attributes:
        name: its name.
        type: its type, such as ``Action``.
        runs: runs that were in it.
        visits: how often they were.
        failures: visits that failed.
        median_seconds: median duration of a visit; None where none has ended.
        longest_seconds: the longest one.
    """

    name: str
    type: str
    runs: int
    visits: int
    failures: int
    median_seconds: float | None
    longest_seconds: float | None


@dataclass(frozen=True)
class Ends:
    """Ends of the last runs of a flow.

    Attributes:
        open: runs that go on or wait.
        succeeded: runs that have succeeded.
        failed: runs that have failed.
    """

    open: int
    succeeded: int
    failed: int

    @property
    def success_rate(self) -> float | None:
        """Share of those that have ended that have succeeded; None where none has ended."""
        ended = self.succeeded + self.failed
        return self.succeeded / ended if ended else None


class EndedRunStates:
    """Visits to states of runs that have ended, which do not change any more, for all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[str, tuple[StateView, ...]] = OrderedDict()

    def of(
        self, run_id: str, read_log: Callable[[], list[dict[str, Any]]]
    ) -> tuple[StateView, ...]:
        """Return the visits of a run.

        Args:
            run_id: the run, which has ended.
            read_log: reads its log, the oldest entry first; called where it is not known.
        """
        with self._lock:
            if run_id in self._known:
                self._known.move_to_end(run_id)
                return self._known[run_id]
        states = states_of(read_log())
        with self._lock:
            self._known[run_id] = states
            while len(self._known) > _KNOWN_RUNS:
                self._known.popitem(last=False)
        return states


def ends_of(runs: Iterable[Mapping[str, Any]]) -> Ends:
    """Return how runs ended.

    Args:
        runs: their documents.
    """
    statuses = [str(run.get("status")) for run in runs]
    return Ends(
        open=sum(status not in FINAL for status in statuses),
        succeeded=statuses.count("SUCCEEDED"),
        failed=sum(status in FINAL and status != "SUCCEEDED" for status in statuses),
    )


def state_figures(
    definition: Mapping[str, Any], runs: Sequence[Sequence[StateView]]
) -> list[StateFigures]:
    """Return figures of each state of a flow, in the definition's order.

    Args:
        definition: the flow's definition.
        runs: the visits of each run.
    """
    states = definition.get("States")
    found = []
    for name, raw in states.items() if isinstance(states, Mapping) else ():
        visits = [visit for run in runs for visit in run if visit.name == name]
        seconds = [
            (visit.finished_at - visit.started_at).total_seconds()
            for visit in visits
            if visit.finished_at is not None
        ]
        found.append(
            StateFigures(
                name,
                str(raw.get("Type", "")) if isinstance(raw, Mapping) else "",
                runs=sum(any(visit.name == name for visit in run) for run in runs),
                visits=len(visits),
                failures=sum(visit.failed for visit in visits),
                median_seconds=median(seconds) if seconds else None,
                longest_seconds=max(seconds, default=None),
            )
        )
    return found
