"""Resources that a job asks for, and what is submitted."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

from .errors import BatchJobError

# Minutes, MM:SS, HH:MM:SS, D-HH, D-HH:MM, D-HH:MM:SS.
_WALLTIME: Final = re.compile(
    r"(?:(?P<days>\d+)-)?(?P<first>\d+)(?::(?P<second>\d{1,2}))?(?::(?P<third>\d{1,2}))?"
)
_UNLIMITED: Final = ("UNLIMITED", "INFINITE")


@dataclass(frozen=True, kw_only=True)
class JobRequest:
    """Resources that a job asks for, in words of no particular scheduler.

    Each field's annotation says what it is; those of numbers, the smallest, too.

    Raises:
        BatchJobError: a value is wrong.
    """

    name: Annotated[str, "Name of the job in the queue."] = "headrace"
    nodes: Annotated[int, "Number of nodes.", 1] = 1
    ntasks: Annotated[int, "Number of MPI ranks in all.", 1] = 1
    cpus_per_task: Annotated[int, "Processors of a rank.", 1] = 1
    walltime: Annotated[str, "Time limit: HH:MM:SS, D-HH:MM:SS, MM:SS, minutes, or UNLIMITED."] = (
        "00:30:00"
    )
    account: Annotated[str, "Account that is charged."] = ""
    partition: Annotated[str, "Partition or queue; the cluster's default where empty."] = ""
    qos: Annotated[str, "Quality of service."] = ""
    constraint: Annotated[str, "Node features."] = ""
    gpus: Annotated[int, "GPUs in all.", 0] = 0
    gres: Annotated[str, "Generic resources of a node, such as gpu:a100:2."] = ""
    memory: Annotated[str, "Memory of a node, such as 64G."] = ""
    options: Annotated[Sequence[str], "Further options in the scheduler's own words."] = ()
    requeue: Annotated[
        bool, "Whether the job may run again after its node was lost or taken away."
    ] = False
    launcher: Annotated[
        str, "Program that starts the ranks: mpiexec, or the scheduler's own such as srun."
    ] = ""
    mpi: Annotated[str, "Value of srun's --mpi; the cluster's default where empty."] = ""

    def __post_init__(self) -> None:
        for name in ("nodes", "ntasks", "cpus_per_task"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise BatchJobError(f"{name} must be an integer of at least 1, not {value!r}")
        if not isinstance(self.gpus, int) or self.gpus < 0:
            raise BatchJobError(f"gpus must be an integer of at least 0, not {self.gpus!r}")
        if not isinstance(self.walltime, str) or walltime_seconds(self.walltime) is None:
            raise BatchJobError(f"walltime {self.walltime!r}: write it as HH:MM:SS")
        for name in ("name", "account", "partition", "qos", "constraint", "memory", "gres", "mpi"):
            value = getattr(self, name)
            if any(character.isspace() or not character.isprintable() for character in value):
                raise BatchJobError(f"{name} {value!r}: must be one word")
        for option in self.options:
            if "\n" in option:
                raise BatchJobError(f"option {option!r}: must be one line")

    @property
    def seconds(self) -> float:
        """The time limit; infinity where there is none."""
        return walltime_seconds(self.walltime) or math.inf

    def mpiexec_command(self) -> str:
        """Return the words that start a program on every rank with ``mpiexec``."""
        return f"mpiexec -n {self.ntasks}"


def walltime_seconds(text: str) -> float | None:
    """Read a time limit in one of the forms of ``walltime``, seconds; None where it is none."""
    if text.upper() in _UNLIMITED:
        return math.inf
    match = _WALLTIME.fullmatch(text)
    if match is None:
        return None
    first, second, third = (int(match[name] or 0) for name in ("first", "second", "third"))
    if match["days"] is not None:
        return int(match["days"]) * 86_400.0 + first * 3_600 + second * 60 + third
    if match["third"] is not None:
        return first * 3_600.0 + second * 60 + third
    return first * 60.0 + second


@dataclass(frozen=True)
class SubmissionRequest:
    """A script that is to be submitted.

    Attributes:
        script: the script, absolute; its header has the resources.
        tag: text by which the job is found in the queue: ``[A-Za-z0-9_.:-]``, at most 130
            characters.
        log: file for the scheduler's own messages about the job; appended to.
        environment: variables of the job.
        resources: resources of the job, as they stand in the script's header.
        array_size: number of members of an array, whose indices count from 0; 0: a single job.
        at_once: members that run at the same time at most.
    """

    script: Path
    tag: str
    log: Path
    environment: Mapping[str, str]
    resources: JobRequest
    array_size: int = 0
    at_once: int = 1
