"""The interface of the service where the runs of arrivals are: how they ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from headrace.runs.run_outcomes import RunOutcome

if TYPE_CHECKING:
    from headrace.triggers.arrival import Arrival
    from headrace.triggers.trigger import Trigger


class Preflight(Protocol):
    """Checks what the run of an arrival needs; called from several threads."""

    def problem(self, trigger: Trigger, arrival: Arrival) -> str:
        """Say why the run of an arrival would fail, or that nobody knows; "" if it may begin."""
        ...

    def ask_ahead(self, trigger: Trigger, arrival: Arrival) -> None:
        """Have the answer ready soon, without waiting for it."""
        ...


class RunService(Protocol):
    """The service where runs are; called from several threads.

    Whatever it raises says that it has not answered.
    """

    def outcomes(self, run_ids: Sequence[str]) -> Mapping[str, RunOutcome]:
        """Ask how runs ended.

        Args:
            run_ids: the runs.

        Returns:
            the outcomes of those that have certainly ended, by their ids.
        """
        ...

    def find_retry(self, run_id: str) -> str | None:
        """Find the run that took up a failed run, whoever asked for it.

        Args:
            run_id: the failed run.

        Returns:
            the id of the run; None if it is certain that there is none.
        """
        ...

    def retry(self, run_id: str, tag: str) -> str:
        """Start a run that takes up a failed one.

        Args:
            run_id: the failed run.
            tag: the tag of its arrival, which names the request.

        Returns:
            the id of the new run.
        """
        ...
