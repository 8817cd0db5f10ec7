"""Settings of attempts, which stand beside those of the job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any, Final

from ..scheduler import BatchJobError, memory_amount, walltime_seconds

DEFAULT_ATTEMPTS: Final = 3


@dataclass(frozen=True, kw_only=True)
class AttemptSettings:
    """Number of attempts of a job, and what a further one may ask for.

    Raises:
        BatchJobError: a value is wrong.
    """

    attempts: Annotated[
        int, "How often it is run at most where node, time, memory or files failed it.", 1
    ] = DEFAULT_ATTEMPTS
    retry_pause: Annotated[
        str, "Pause before the second attempt, as walltime; twice as long before each further one."
    ] = "00:00:30"
    max_walltime: Annotated[
        str, "Longest time limit of a further attempt; the partition's where empty."
    ] = ""
    max_memory: Annotated[
        str, "Most memory of a further attempt; twice `memory` is asked for where empty."
    ] = ""
    resumes: Annotated[
        bool, "Whether the program goes on where an earlier job of the same work stopped."
    ] = False

    def __post_init__(self) -> None:
        attempts = self.attempts
        if not isinstance(attempts, int) or isinstance(attempts, bool) or attempts < 1:
            raise BatchJobError(f"attempts must be an integer of at least 1, not {attempts!r}")
        for name in ("retry_pause", "max_walltime"):
            value = getattr(self, name)
            empty = value == "" and name == "max_walltime"
            if not isinstance(value, str) or (not empty and walltime_seconds(value) is None):
                raise BatchJobError(f"{name} {value!r}: write it as HH:MM:SS")
        if self.max_memory and memory_amount(self.max_memory) is None:
            raise BatchJobError(f"max_memory {self.max_memory!r}: write it as 64G")

    @classmethod
    def split(cls, settings: Mapping[str, Any]) -> tuple[AttemptSettings, dict[str, Any]]:
        """Return the settings of attempts among some settings, and the others.

        Raises:
            BatchJobError: a value is wrong.
        """
        names = {each.name for each in fields(cls)}
        own = {name: value for name, value in settings.items() if name in names}
        others = {name: value for name, value in settings.items() if name not in names}
        return cls(**own), others
