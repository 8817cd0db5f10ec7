"""Limits of a campaign over all its lanes: members under way, starts, core hours, licences."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from headrace.campaigns.driver.lanes import LaneLoad


class Rate(Protocol):
    """A number of starts within a time."""

    @property
    def count(self) -> int:
        """Runs that may be started within the time."""
        ...

    @property
    def seconds(self) -> float:
        """The time."""
        ...


class RecentStarts:
    """Times of the latest starts, by which a rate is kept.

    Args:
        rate: the rate; None where there is none.
        times: when runs were started before, in seconds since 1970.
    """

    def __init__(self, rate: Rate | None, times: Iterable[float] = ()) -> None:
        self._rate = rate
        self._times = deque(sorted(times))

    def room(self, now: float) -> int | None:
        """Return how many runs may be started now; None: any number.

        Args:
            now: the time, in seconds since 1970. Starts from the future, which a clock that was
                set back leaves behind, count as starts of now.
        """
        if self._rate is None:
            return None
        self._forget(now, self._rate.seconds)
        return max(0, self._rate.count - len(self._times))

    def wait(self, now: float) -> float:
        """Return the seconds until one more run may be started; 0 where one may now."""
        if self._rate is None or self.room(now):
            return 0.0
        # The start that must be forgotten first so that there is room for one.
        leaving = self._times[len(self._times) - self._rate.count]
        return max(0.0, min(leaving, now) + self._rate.seconds - now)

    def add(self, now: float, count: int = 1) -> None:
        """Count starts.

        Args:
            now: when, in seconds since 1970.
            count: how many.
        """
        if self._rate is not None:
            self._times.extend([now] * count)

    def _forget(self, now: float, seconds: float) -> None:
        if self._times and self._times[-1] > now:
            self._times = deque(min(moment, now) for moment in self._times)
        while self._times and self._times[0] <= now - seconds:
            self._times.popleft()


@dataclass(frozen=True)
class RunNeeds:
    """Share of the limits of a campaign that a run takes.

    Attributes:
        core_hours: what its first member is expected to cost; 0 where that is not told.
        licences: licences that it holds until it ends, by name.
    """

    core_hours: float = 0.0
    licences: Mapping[str, int] = field(default_factory=dict)


@dataclass
class StartBudget:
    """Room for starts at this moment; used up as starts are planned.

    Attributes:
        members: members that may be started; None: any number.
        runs: runs that may be started; None: any number.
        core_hours: core hours that are left, less those that runs under way are expected to cost;
            None: any number.
        licences: licences that are free over all lanes, by name; one that is not named is not
            limited.
    """

    members: int | None = None
    runs: int | None = None
    core_hours: float | None = None
    licences: dict[str, int] = field(default_factory=dict)

    @property
    def is_used_up(self) -> bool:
        """True where not one member more may be started."""
        return self.members == 0

    def refusal(self, needs: RunNeeds, lane: LaneLoad) -> str:
        """Return why a run is not started, in a few words; empty where it may be.

        Args:
            needs: what it takes.
            lane: where it would run.
        """
        if self.members == 0:
            return "as many members are under way as may be"
        if self.runs == 0:
            return "as many runs were started as may be in this time"
        if reason := self.core_hours_refusal(needs.core_hours):
            return reason
        for name, count in needs.licences.items():
            if count > self.licences.get(name, count):
                return f"no licence of {name} is free"
            there = lane.rules.licences.get(name)
            if there is not None and count > there - lane.licences_used.get(name, 0):
                return f"no licence of {name} is free in {lane.name}"
        return ""

    def core_hours_refusal(self, core_hours: float) -> str:
        """Return why a member is not started for its cost; empty where it may be.

        Args:
            core_hours: what it is expected to cost.
        """
        if self.core_hours is None:
            return ""
        if self.core_hours <= 0:
            return "the core hours are spent"
        return "its core hours are not left" if core_hours > self.core_hours else ""

    def take_run(self, needs: RunNeeds, lane: LaneLoad) -> None:
        """Count a run that is started, without its members."""
        if self.runs is not None:
            self.runs -= 1
        for name, count in needs.licences.items():
            if name in self.licences:
                self.licences[name] -= count
            lane.licences_used[name] = lane.licences_used.get(name, 0) + count

    def take_member(self, lane: LaneLoad, core_hours: float = 0.0) -> None:
        """Count a member of a run that is started.

        Args:
            lane: where.
            core_hours: what it is expected to cost.
        """
        if self.core_hours is not None:
            self.core_hours -= core_hours
        if self.members is not None:
            self.members -= 1
        lane.open_members += 1


def free_licences(limits: Mapping[str, int], used: Mapping[str, int]) -> dict[str, int]:
    """Return the licences that are free, none fewer than 0.

    Args:
        limits: how many there are, by name.
        used: how many runs under way hold.
    """
    return {name: max(0, count - used.get(name, 0)) for name, count in limits.items()}
