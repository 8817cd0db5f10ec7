"""Rules that pause a campaign whose members fail: so many in a row, or a share of the last ones."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Protocol


class StopRule(Protocol):
    """A rule of ``limits.stop_when``."""

    @property
    def text(self) -> str:
        """The rule as it was written."""
        ...

    @property
    def failures(self) -> int:
        """Failures in a row; 0: the rule is of a share."""
        ...

    @property
    def share(self) -> float:
        """Share of failures above which it holds, from 0 to 1."""
        ...

    @property
    def last(self) -> int:
        """Number of the last ends that the share is of."""
        ...


class RecentEnds:
    """The latest ends of members and their legs, by which rules are kept.

    A leg that was accepted is a success, and a member that failed for good is a failure. Attempts
    that are tried again count for neither: a cluster that is switched off says nothing of the
    campaign.

    Args:
        rules: the rules.
        ends: the ends so far, the oldest first: True for a failure.
    """

    def __init__(self, rules: Sequence[StopRule], ends: Iterable[bool] = ()) -> None:
        self._rules = tuple(rules)
        self._ends: deque[bool] = deque(ends, maxlen=ends_needed(rules) or 1)

    def add(self, failed: bool) -> str:
        """Count an end, and return the rule that it makes hold.

        Args:
            failed: whether the member failed for good.

        Returns:
            why the campaign is to be paused, in one line; empty where it is not.
        """
        self._ends.append(failed)
        if not failed:
            return ""
        return next(filter(None, map(self._holds, self._rules)), "")

    def copy(self) -> RecentEnds:
        """Return the same ends, which are counted further for themselves."""
        return RecentEnds(self._rules, self._ends)

    def clear(self) -> None:
        """Forget the ends so far: somebody has had the campaign resumed."""
        self._ends.clear()

    def _holds(self, rule: StopRule) -> str:
        ends = list(self._ends)
        if rule.failures:
            row = ends[-rule.failures :]
            if len(row) == rule.failures and all(row):
                return f"{rule.failures} members failed in a row (stop_when: {rule.text})"
            return ""
        last = ends[-rule.last :]
        # Of fewer it is not known yet what the share of so many is.
        if len(last) < rule.last or sum(last) <= rule.share * rule.last:
            return ""
        return f"{sum(last)} of the last {rule.last} that ended failed (stop_when: {rule.text})"


def ends_needed(rules: Iterable[StopRule]) -> int:
    """Return how many of the latest ends rules look at; 0 where there are none."""
    return max((rule.failures or rule.last for rule in rules), default=0)
