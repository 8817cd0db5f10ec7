"""Resources of the batch jobs of each stage."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Final

from headrace._internal.settings import Declared, Key, ListOf, Table, Text, table_of

BATCH_STAGES = ("forward", "windows", "adjoint")
STAGES = (*BATCH_STAGES, "stage")
_WALLTIME = re.compile(r"(?:(\d+)-)?(\d{1,3}):(\d{2}):(\d{2})")


class _Walltime(Text):
    """A time limit."""

    def __init__(self) -> None:
        super().__init__(
            pattern=_WALLTIME.pattern, expected="a time such as 01:30:00 or 1-12:00:00"
        )


@dataclass(frozen=True)
class Resources:
    """Resources that a job of a stage asks for."""

    events_per_task: Annotated[int, Key("Events that one job works on.", minimum=1)] = 1
    seconds_per_event: Annotated[
        float | None,
        Key(
            "How long an event takes at most; with it the walltime is checked before anything is "
            "computed.",
            minimum=0.0,
            unit="s",
        ),
    ] = None
    walltime: Annotated[str, Key("Time limit of a job.", _Walltime())] = "00:30:00"
    nodes: Annotated[int, Key("Number of nodes.", minimum=1)] = 1
    ranks: Annotated[int, Key("Number of MPI ranks.", minimum=1)] = 1
    cpus_per_rank: Annotated[int, Key("Processors of a rank.", minimum=1)] = 1
    account: Annotated[str, Key("Account that is charged.")] = ""
    partition: Annotated[str, Key("Partition.")] = ""
    qos: Annotated[str, Key("Quality of service.")] = ""
    constraint: Annotated[str, Key("Node features.")] = ""
    memory: Annotated[str, Key("Memory of a node.", example='memory = "64G"')] = ""
    gpus: Annotated[int, Key("GPUs in all.", minimum=0)] = 0
    gres: Annotated[str, Key("Generic resources of a node, such as gpu:a100:2.")] = ""
    attempts: Annotated[
        int,
        Key("How often a job is run that its node, its time or its files failed.", minimum=1),
    ] = 3
    max_walltime: Annotated[
        str,
        Key(
            "Longest time limit of a further attempt; the partition's where empty.",
            example='max_walltime = "12:00:00"',
        ),
    ] = ""
    max_memory: Annotated[str, Key("Most memory of a further attempt.")] = ""
    options: Annotated[
        tuple[str, ...],
        Key(
            "Further options of sbatch.",
            ListOf(Text(pattern="(?s:--.*)"), "options of sbatch, each as --option=value"),
        ),
    ] = ()

    @property
    def cores(self) -> int:
        """Processors of a job."""
        return self.ranks * self.cpus_per_rank

    @property
    def seconds(self) -> float:
        """The walltime in seconds."""
        match = _WALLTIME.fullmatch(self.walltime)
        days, hours, minutes, seconds = (
            (int(part or 0) for part in match.groups()) if match else (0, 0, 0, 0)
        )
        return 86400.0 * days + 3600.0 * hours + 60.0 * minutes + seconds

    def job_settings(self) -> dict[str, Any]:
        """As settings of a batch job."""
        job: dict[str, Any] = {
            "walltime": self.walltime,
            "nodes": self.nodes,
            "ntasks": self.ranks,
            "cpus_per_task": self.cpus_per_rank,
            "attempts": self.attempts,
        }
        optional = ("account", "partition", "qos", "constraint", "memory", "gpus", "gres")
        for name in (*optional, "max_walltime", "max_memory"):
            if value := getattr(self, name):
                job[name] = value
        return job | ({"options": list(self.options)} if self.options else {})


RESOURCES: Final[Table[dict[str, Resources]]] = Table(
    {
        stage: Declared(stage, Key(f"Jobs of the stage {stage}."), table_of(Resources), Resources())
        for stage in STAGES
    },
    dict,
)
"""The table ``[resources]``; stages that are not named ask for little."""
