"""The interface of completeness rules."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from headrace.triggers.arrival import Arrival
    from headrace.triggers.trigger import Trigger


@dataclass(frozen=True)
class Look:
    """Circumstances of one look at an arrival.

    Attributes:
        stable_inodes: whether inode numbers last on this file system.
        clock: monotonic time in s.
        report_problem: called with what holds the arrival back for long, in one line.
        is_cancelled: returns whether the answer is of no use any more.
        followed: whether all changes are reported by `PolledRule.record_change`, but for those in
            files that are still open for writing.
    """

    stable_inodes: bool
    clock: Callable[[], float]
    report_problem: Callable[[str], None]
    is_cancelled: Callable[[], bool] = lambda: False
    followed: bool = False


class CompletenessRule(Protocol):
    """One condition for an arrival to be complete; an object is made for each arrival.

    Inherit from it; only `missing_reason` has to be written. It is called by a worker thread, once
    the trigger's marker is there or the arrival has stopped changing, and it may take long. It is
    called again when the arrival has grown, when one of its `awaited_names` has appeared, else once
    an interval of the trigger.

    Args:
        value: value of the rule's key in the trigger file, as `parse` returned it.
        trigger: the trigger.
        arrival: the arrival that may be complete.
    """

    value: Any
    trigger: Trigger
    arrival: Arrival

    def __init__(self, value: Any, trigger: Trigger, arrival: Arrival) -> None:
        self.value = value
        self.trigger = trigger
        self.arrival = arrival

    @classmethod
    def parse(cls, value: Any) -> Any:
        """Validate the value of the rule's key, when the trigger file is read.

        Args:
            value: the TOML value.

        Returns:
            the value that the rule is made with.

        Raises:
            ValueError: it is wrong; the message says what it must be.
        """
        return value

    @abstractmethod
    def missing_reason(self, look: Look) -> str:
        """Say what is missing.

        Args:
            look: circumstances of the look.

        Returns:
            a few words for people; "" if the arrival is complete.

        Raises:
            Exception: it cannot be decided; the problem is reported and the rule called again.
        """
        ...

    @property
    def awaited_names(self) -> tuple[str, ...]:
        """Shell patterns of names at which the rule is to be evaluated again without delay.

        They are paths in the arrival's directory, ``*`` stops at ``/``; for an arrival that is a
        file, its own name. A name counts when it is created, moved there, or written and closed.
        Where the file system reports no changes, the rule is evaluated as it is without them.
        """
        return ()

    def is_unchanged(self, stable_inodes: bool) -> bool:
        """Tell whether a complete arrival is still as it was; called before its run is started.

        Args:
            stable_inodes: whether inode numbers last on this file system.
        """
        return True


class PolledRule(CompletenessRule):
    """A rule that is quick, and is evaluated at each look, in the thread of the trigger.

    Attributes:
        size: number of files and of bytes at the last look; (0, 0) where they are not counted.
        changed_at: monotonic time in s of the last change; None where that is not known.
        complete_at: monotonic time in s at which the arrival is complete if nothing changes.
        needs_changes: whether `record_change` is to be called with each change in the arrival.
    """

    size: tuple[int, int] = (0, 0)
    needs_changes: bool = False

    @property
    def changed_at(self) -> float | None:
        """Monotonic time in s of the last change."""
        return None

    @property
    def complete_at(self) -> float | None:
        """Monotonic time in s at which the arrival is complete if nothing changes."""
        return None

    def record_change(self, now: float) -> None:
        """Take note of a change that was reported and not looked at.

        Args:
            now: monotonic time of the report in s.
        """
