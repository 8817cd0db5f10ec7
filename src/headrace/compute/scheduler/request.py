"""Resources that a job asks for, and what is submitted."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .errors import BatchJobError

# Minutes, MM:SS, HH:MM:SS, D-HH, D-HH:MM, D-HH:MM:SS.
_WALLTIME: Final = re.compile(
    r"(?:(?P<days>\d+)-)?(?P<first>\d+)(?::(?P<second>\d{1,2}))?(?::(?P<third>\d{1,2}))?"
)
_UNLIMITED: Final = ("UNLIMITED", "INFINITE")


@dataclass(frozen=True, kw_only=True)
class JobRequest:
    """Resources that a job asks for, in words of no particular scheduler.

    Attributes:
        name: name of the job in the queue.
        nodes: number of nodes.
        ntasks: number of MPI ranks in all.
        cpus_per_task: processors of a rank.
        walltime: time limit, ``HH:MM:SS``, ``D-HH:MM:SS``, ``MM:SS``, minutes, or ``UNLIMITED``.
        account: account that is charged.
        partition: partition or queue; the cluster's default where empty.
        qos: quality of service.
        constraint: node features.
        gpus: GPUs in all.
        memory: memory of a node, such as ``64G``.
        options: further options in the scheduler's own words.
        requeue: whether the scheduler may run the job again after its node was lost or taken away.
        launcher: program that starts the ranks, ``mpiexec`` or the scheduler's own, such as
            ``srun``; the scheduler's default where empty.
        mpi: value of srun's ``--mpi``; the cluster's default where empty.

    Raises:
        BatchJobError: a value is wrong.
    """

    name: str = "headrace"
    nodes: int = 1
    ntasks: int = 1
    cpus_per_task: int = 1
    walltime: str = "00:30:00"
    account: str = ""
    partition: str = ""
    qos: str = ""
    constraint: str = ""
    gpus: int = 0
    memory: str = ""
    options: Sequence[str] = ()
    requeue: bool = False
    launcher: str = ""
    mpi: str = ""

    def __post_init__(self) -> None:
        for name in ("nodes", "ntasks", "cpus_per_task"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise BatchJobError(f"{name} must be an integer of at least 1, not {value!r}")
        if not isinstance(self.gpus, int) or self.gpus < 0:
            raise BatchJobError(f"gpus must be an integer of at least 0, not {self.gpus!r}")
        if not isinstance(self.walltime, str) or walltime_seconds(self.walltime) is None:
            raise BatchJobError(f"walltime {self.walltime!r}: write it as HH:MM:SS")
        for name in ("name", "account", "partition", "qos", "constraint", "memory", "mpi"):
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
