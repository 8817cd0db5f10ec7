"""Health of a lane: whether its endpoint answers, and when it is taken for lost."""

from __future__ import annotations

from typing import Final

from headrace.compute.attempts.cause_names import FailureCause

LOST_AFTER: Final = 600.0
"""Seconds without its endpoint after which a lane is lost."""
LOST_RUNS: Final = 5
"""Runs in a row that were lost there after which it is taken for lost, too."""
RETRY_AFTER: Final = 600.0
"""Seconds after which a lane whose runs were lost is tried again."""

_LOST: Final = frozenset({FailureCause.LOST.value, FailureCause.NODE.value})


class LaneHealth:
    """Health of a lane, from its endpoint and its latest runs.

    No answer says nothing: it is neither here nor lost by it.

    Args:
        lost_since: when the lane was lost, in seconds since 1970; None where it is not.
        lost_after: seconds without its endpoint after which it is lost.
        lost_runs: runs in a row that were lost after which it is.
        retry_after: seconds after which one whose runs were lost is tried again.
    """

    def __init__(
        self,
        lost_since: float | None = None,
        *,
        lost_after: float = LOST_AFTER,
        lost_runs: int = LOST_RUNS,
        retry_after: float = RETRY_AFTER,
    ) -> None:
        self.lost_since = lost_since
        self.problem = "" if lost_since is None else "its endpoint has been away"
        """What is the matter with its endpoint, as last told; empty where nothing is."""
        self._lost_after = lost_after
        self._lost_runs = lost_runs
        self._retry_after = retry_after
        self._away_since: float | None = lost_since
        self._row = 0
        self._by_runs = False

    @property
    def is_lost(self) -> bool:
        """True while it is lost."""
        return self.lost_since is not None

    def record_answer(self, now: float, problem: str) -> None:
        """Take what the service says of the endpoint.

        Args:
            now: the time, in seconds since 1970.
            problem: why it takes no tasks; empty where it does.
        """
        if problem:
            self.problem = problem
            # A clock that was set back lets the time begin anew.
            if self._away_since is None or self._away_since > now:
                self._away_since = now
            if self.lost_since is None and now - self._away_since >= self._lost_after:
                self.lost_since = now
                self._by_runs = False
            return
        self._away_since = None
        if self._by_runs and self.lost_since is not None:
            if 0 <= now - self.lost_since < self._retry_after:
                return
            # It is tried again: one more lost run in it is enough.
            self._row = self._lost_runs - 1
        self.problem, self.lost_since, self._by_runs = "", None, False

    def record_run(self, now: float, category: str) -> None:
        """Take how a run that was there has ended.

        Args:
            now: the time, in seconds since 1970.
            category: the category of its failure; empty where it did not fail.
        """
        self._row = self._row + 1 if category in _LOST else 0
        if self._row >= self._lost_runs and self.lost_since is None:
            self.problem = f"{self._row} runs in a row were lost there ({category})"
            self.lost_since, self._by_runs = now, True
