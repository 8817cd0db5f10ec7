"""Interface of the service that runs flows, as the driver asks it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from headrace.runs.run_outcomes import RunOutcome


@dataclass(frozen=True)
class RunRequest:
    """A run that is to be started.

    Attributes:
        tag: marks this start and no other; the run is found by it.
        flow: name of the flow.
        body: its input, in which names of collections and endpoints may stand.
        label: what the run is called.
        tags: further tags.
        profile: profile of ``headrace.toml`` under which the names are read; empty for the usual.
        may_be_sent: whether the request may have been sent before.
        since: when it can have been started at the earliest.
        waits_for_flow: whether a flow that is not deployed is waited for, and not a refusal.
    """

    tag: str
    flow: str
    body: Mapping[str, Any]
    label: str
    tags: tuple[str, ...] = ()
    profile: str = ""
    may_be_sent: bool = False
    since: datetime | None = None
    waits_for_flow: bool = True


@dataclass(frozen=True)
class RunAnswer:
    """Answer for a run that was to be started; without both, it is not known what became of it.

    Attributes:
        run_id: the run.
        problem: why it is refused for good, in one line.
    """

    run_id: str = ""
    problem: str = ""


@dataclass(frozen=True)
class EndedRun:
    """A run that has ended.

    Attributes:
        run_id: the run.
        outcome: how it ended.
        output: its output; None where it has none.
    """

    run_id: str
    outcome: RunOutcome
    output: Any = None


@dataclass(frozen=True)
class EndedPage:
    """Some runs that have ended.

    Attributes:
        runs: those that were wanted.
        until: when the last one of all ended, by the service's clock.
    """

    runs: Sequence[EndedRun] = field(default_factory=tuple)
    until: datetime | None = None


class RunService(Protocol):
    """Runs of flows at a target. An exception means that nobody answered: nothing is known then."""

    def start(self, requests: Sequence[RunRequest]) -> Sequence[RunAnswer]:
        """Start runs, each once, however often it is asked for.

        Args:
            requests: the runs.

        Returns:
            an answer for each, in their order. One that holds neither a run nor a problem is to be
            asked for again, with `RunRequest.may_be_sent`.
        """
        ...

    def ended(
        self,
        flows: Sequence[str],
        since: datetime,
        ours: Callable[[Sequence[str]], Collection[str]],
    ) -> Iterator[EndedPage]:
        """Yield the runs of some flows that have ended since a time, those that did first first.

        Args:
            flows: names of the flows.
            since: when they ended at the earliest, by the service's clock.
            ours: returns those of some runs that are wanted.
        """
        ...

    def open_runs(self, flows: Sequence[str]) -> set[str]:
        """Return the ids of all runs of some flows that have not ended."""
        ...

    def read(self, run_ids: Sequence[str]) -> list[EndedRun]:
        """Return those of some runs that have ended; one that is there no more is ``GONE``."""
        ...

    def waiting(self, flows: Sequence[str]) -> dict[str, str]:
        """Return the runs of some flows that wait for a person, each with what it waits for."""
        ...

    def cancel(self, run_ids: Sequence[str]) -> None:
        """Ask for the end of runs; those that have ended stay as they are."""
        ...

    def endpoint_problem(self, endpoint: str, profile: str) -> str:
        """Return why an endpoint takes no tasks now, in one line; empty where it does.

        Args:
            endpoint: its name.
            profile: profile of ``headrace.toml`` under which the name is read; "" for the usual.
        """
        ...
