"""Schedulers by name: those of this package, and those of other installed packages."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from .base import Scheduler
from .errors import BatchJobError
from .external import adapt
from .flux import Flux
from .hyperqueue import HyperQueue
from .slurm import Slurm

ENTRY_POINT_GROUP: Final = "headrace.schedulers"
SCHEDULER_VARIABLE: Final = "HEADRACE_SCHEDULER"

BUILT_IN: Final[Mapping[str, Callable[[], Scheduler]]] = {
    "flux": Flux,
    "hq": HyperQueue,
    "slurm": Slurm,
}
# Words of `how` and `HEADRACE_JOBS` that name the scheduler that jobs are submitted to.
SCHEDULER_OF_HOW: Final[Mapping[str, str]] = {"sbatch": "slurm", "hq": "hq", "flux": "flux"}


def scheduler_names() -> list[str]:
    """Return the names of the schedulers that there are, sorted."""
    from importlib import metadata

    outside = metadata.entry_points(group=ENTRY_POINT_GROUP).names
    return sorted({*BUILT_IN, *outside})


def get_scheduler(name: str = "") -> Scheduler:
    """Return a client of a scheduler.

    Args:
        name: one of :func:`scheduler_names`; empty: the one that ``HEADRACE_SCHEDULER`` names,
            or Slurm.

    Raises:
        BatchJobError: there is none of that name, or several, or it cannot be imported.
    """
    name = name or os.environ.get(SCHEDULER_VARIABLE) or "slurm"
    if name in BUILT_IN:
        return BUILT_IN[name]()
    from importlib import metadata

    points = list(metadata.entry_points(group=ENTRY_POINT_GROUP, name=name))
    values = sorted({point.value for point in points})
    if not values:
        known = ", ".join(scheduler_names())
        raise BatchJobError(
            f"scheduler {name!r}: there is {known}; another one is a package with an entry point "
            f"{ENTRY_POINT_GROUP}, installed on this machine"
        )
    if len(values) > 1:
        raise BatchJobError(
            f"scheduler {name!r}: several packages define it, {' and '.join(values)}; "
            "uninstall all but one"
        )
    try:
        return adapt(points[0].load()(), name)
    except Exception as error:  # whatever the code of another package raises
        words = " ".join(str(error).split()) or type(error).__name__
        raise BatchJobError(
            f"scheduler {name!r}: {values[0]} cannot be used: {words}; repair or uninstall its "
            "package"
        ) from error


def usable_schedulers() -> list[Scheduler]:
    """Return a client of each scheduler; one that cannot be imported is left out."""
    found = []
    for name in scheduler_names():
        with contextlib.suppress(BatchJobError):
            found.append(get_scheduler(name))
    return found


def job_of_process(environment: Mapping[str, str], schedulers: Iterable[Scheduler]) -> str:
    """Return the batch job that a process runs in; empty where in none.

    Args:
        environment: the environment of the process.
        schedulers: the schedulers whose jobs are recognised.
    """
    allocations = (scheduler.allocation(environment) for scheduler in schedulers)
    return next((one.job_id for one in allocations if one is not None), "")
