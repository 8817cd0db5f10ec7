"""Names of the causes of failures of jobs; nothing else is imported for them."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class FailureCause(StrEnum):
    """Cause of a job's failure, in the words that people read."""

    NODE = "node lost"
    PREEMPTED = "preempted"
    TIME_LIMIT = "time limit"
    MEMORY = "out of memory"
    FILES = "file system"
    NETWORK = "network of the nodes"
    KILLED = "killed"
    CRASHED = "crashed"
    OUTPUTS_MISSING = "outputs missing"
    LOST = "lost"
    PROGRAM = "error of the program"
    CANCELLED = "cancelled"
    NEVER_STARTED = "never started"

    @property
    def transient(self) -> bool:
        """True where the same job may end otherwise another time."""
        return self not in _PERMANENT

    @property
    def only_once(self) -> bool:
        """True where it is an error of the program if it comes a second time."""
        return self in _ONLY_ONCE


_PERMANENT: Final = frozenset(
    {FailureCause.PROGRAM, FailureCause.CANCELLED, FailureCause.NEVER_STARTED}
)
_ONLY_ONCE: Final = frozenset(
    {FailureCause.MEMORY, FailureCause.CRASHED, FailureCause.OUTPUTS_MISSING}
)
