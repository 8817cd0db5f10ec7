"""Changes that people ask for: what was changed, what was left and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Change:
    """The answer to a request, which is one transaction.

    Attributes:
        id: its number in this ledger; 0 where nothing was changed.
        verb: what was asked for: hold, release, drop, retry, move, priority, pause, resume, drain,
            undrain, limit.
        subject: the lane or the value that was asked for; "" for none.
        changed: keys of the members that were changed, in the order of their numbers; empty for a
            request about the campaign or a lane.
        left: why members were left as they are, with their keys.
    """

    id: int
    verb: str
    subject: str = ""
    changed: tuple[str, ...] = ()
    left: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """True where nothing was changed."""
        return self.id == 0
