"""Choice of the lane that takes a member: by category, room, weight, and what people have said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol


class LaneRules(Protocol):
    """A lane, as the campaign file says it."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def weight(self) -> float:
        """Its share of the members under way."""
        ...

    @property
    def open(self) -> int | None:
        """Members that run there at most; None: any number."""
        ...

    @property
    def licences(self) -> Mapping[str, int]:
        """Licences that there are for runs there, by name."""
        ...

    def takes_category(self, category: str) -> bool:
        """Tell whether a member of a category may run there."""
        ...


class ReadyMember(Protocol):
    """A member that waits for a lane."""

    @property
    def category(self) -> str:
        """The kind of lanes that may take it; "" for none in particular."""
        ...

    @property
    def wanted_lane(self) -> str:
        """The lane where a person wants it; "" for any."""
        ...

    @property
    def avoided_lane(self) -> str:
        """The lane that it shall not have, if there is another; "" for none."""
        ...


@dataclass
class LaneLoad:
    """A lane, and what is under way there.

    Attributes:
        rules: what the campaign file says.
        open_members: members under way there.
        open_limit: the limit that a person has set meanwhile; None for that of the file.
        is_drained: whether nothing new is started there.
        problem: why it takes nothing, such as that its endpoint is away; empty where it does.
        licences_used: licences of runs under way there, by name.
    """

    rules: LaneRules
    open_members: int = 0
    open_limit: int | None = None
    is_drained: bool = False
    problem: str = ""
    licences_used: dict[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its name."""
        return self.rules.name

    @property
    def limit(self) -> int | None:
        """Members that run there at most; None: any number."""
        return self.rules.open if self.open_limit is None else self.open_limit

    @property
    def room(self) -> int | None:
        """Members that may be started there now; None: any number."""
        return None if self.limit is None else max(0, self.limit - self.open_members)

    @property
    def closed_reason(self) -> str:
        """The reason why nothing at all is started there; empty where there is none."""
        return self.problem or ("it is drained" if self.is_drained else "")

    def refusal(self, member: ReadyMember) -> str:
        """Return why a member is not started here, in a few words; empty where it may be."""
        if member.wanted_lane and member.wanted_lane != self.name:
            return f"it is wanted in {member.wanted_lane}"
        if not member.wanted_lane and not self.rules.takes_category(member.category):
            return f"it does not take {member.category or 'members without a category'}"
        if self.closed_reason:
            return self.closed_reason
        return f"it is full ({self.open_members} of {self.limit})" if self.room == 0 else ""


class LaneLoads:
    """The lanes of a campaign, among which members are shared.

    A lane's weight is its share of the members that are under way: a lane whose members wait long
    in a queue gets no more of them meanwhile, and after a restart the shares are as before.

    Args:
        loads: the lanes, in the order of the file.
    """

    def __init__(self, loads: Iterable[LaneLoad]) -> None:
        self._loads = {load.name: load for load in loads}

    def __iter__(self) -> Iterator[LaneLoad]:
        """Yield the lanes in the order of the file."""
        return iter(self._loads.values())

    def __getitem__(self, name: str) -> LaneLoad:
        """Return a lane by its name."""
        return self._loads[name]

    def __contains__(self, name: object) -> bool:
        """Return whether there is a lane of this name."""
        return name in self._loads

    def candidates(self, member: ReadyMember) -> list[LaneLoad]:
        """Return the lanes where a member may be started now, the best one first.

        Where it shall not be comes in question only if no lane besides takes members like it at
        all: one that is full at the moment is waited for.
        """
        taking = [
            load for load in self if load.refusal(member) == "" or self._is_full(load, member)
        ]
        others = [load for load in taking if load.name != member.avoided_lane]
        if others and not member.wanted_lane:
            taking = others
        free = [load for load in taking if load.room != 0]
        # Lanes of equal load in the file's order: `sorted` keeps it.
        return sorted(free, key=_load_after_start)

    def choose(self, member: ReadyMember) -> LaneLoad | None:
        """Return the lane where a member is to be started; None where it has to wait."""
        return next(iter(self.candidates(member)), None)

    def refusals(self, member: ReadyMember) -> dict[str, str]:
        """Return why each lane does not take a member now; lanes that may take it are left out."""
        found = {load.name: load.refusal(member) for load in self}
        if not any(reason == "" for reason in found.values()):
            return found
        able = {load.name for load in self.candidates(member)}
        avoided = {
            name: "its last attempt was there"
            for name, reason in found.items()
            if reason == "" and name not in able
        }
        return {name: reason for name, reason in found.items() if reason} | avoided

    @property
    def are_full(self) -> bool:
        """True where no lane can take any member more."""
        return all(load.closed_reason or load.room == 0 for load in self)

    @staticmethod
    def _is_full(load: LaneLoad, member: ReadyMember) -> bool:
        wanted = member.wanted_lane in ("", load.name)
        takes = bool(member.wanted_lane) or load.rules.takes_category(member.category)
        return wanted and takes and not load.closed_reason and load.room == 0


def _load_after_start(load: LaneLoad) -> float:
    """Return how full a lane would be with one member more, by its weight."""
    if load.rules.weight <= 0:
        return float("inf")
    return (load.open_members + 1) / load.rules.weight
