"""The schedulers that there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from .base import Scheduler
from .errors import BatchJobError
from .slurm import Slurm

SCHEDULERS: Final[Mapping[str, Callable[[], Scheduler]]] = {"slurm": Slurm}


def get_scheduler(name: str = "slurm") -> Scheduler:
    """Return a client of a scheduler.

    Args:
        name: a name in :data:`SCHEDULERS`.

    Raises:
        BatchJobError: there is none of that name.
    """
    try:
        return SCHEDULERS[name]()
    except KeyError:
        known = ", ".join(SCHEDULERS)
        raise BatchJobError(f"scheduler {name!r}: there is {known}") from None
