"""Changes at a target, as they are told to whoever follows them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class ChangedRun:
    """A run that changed, as it is now."""

    run_id: str
    flow_id: str
    status: str


@dataclass(frozen=True)
class ChangedWebInput:
    """A web input that was asked or closed; ``status`` is ``open`` or ``closed``."""

    id: str
    run_id: str
    status: str


@dataclass(frozen=True)
class Silence:
    """Services that do not answer.

    Attributes:
        since: when they answered last, or were asked first.
        cause: why, in one line.
    """

    since: datetime
    cause: str


@dataclass(frozen=True)
class Changes:
    """Runs, flows and web inputs that changed after a number.

    Attributes:
        sequence: the number to go on from.
        complete: whether this is all that changed. Where it is not, because the number is of
            another store or too old, everything is to be read anew, after this answer.
        runs: the runs that changed, each once, as they are now.
        removed_run_ids: runs whose records were removed.
        flow_ids: flows that were made, changed or removed.
        web_inputs: web inputs that were asked or closed.
        other_runs: whether runs changed, or were removed, that are not named because only some
            were asked for.
        silence: that the services do not answer, and since when; nothing is known then.
    """

    sequence: int
    complete: bool = True
    runs: tuple[ChangedRun, ...] = ()
    removed_run_ids: tuple[str, ...] = ()
    flow_ids: tuple[str, ...] = ()
    web_inputs: tuple[ChangedWebInput, ...] = ()
    other_runs: bool = False
    silence: Silence | None = None

    @property
    def is_empty(self) -> bool:
        """True if nothing has changed."""
        parts = (self.runs, self.removed_run_ids, self.flow_ids, self.web_inputs)
        return self.complete and not self.other_runs and not any(parts)
