"""Resources of the batch jobs of each stage."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from headrace.seismic.inversion.toml_tables import Table

BATCH_STAGES = ("forward", "windows", "adjoint")
STAGES = (*BATCH_STAGES, "stage")
_KEYS = (
    *("events_per_task", "seconds_per_event", "walltime", "nodes", "ranks", "cpus_per_rank"),
    *("account", "partition", "qos", "constraint", "memory", "gpus", "options"),
)
_WALLTIME = re.compile(r"(?:(\d+)-)?(\d{1,3}):(\d{2}):(\d{2})")


@dataclass(frozen=True)
class Resources:
    """Resources that a job of a stage asks for.

    Attributes:
        events_per_task: events that one job works on.
        seconds_per_event: how long an event takes at most; with it the walltime is checked before
            anything is computed.
        walltime: ``HH:MM:SS``.
        nodes: number of nodes.
        ranks: number of MPI ranks.
        cpus_per_rank: processors of a rank.
        account: account that is charged.
        partition: partition.
        qos: quality of service.
        constraint: node features.
        memory: memory of a node.
        gpus: GPUs in all.
        options: further options in the scheduler's own words.
    """

    events_per_task: int = 1
    seconds_per_event: float | None = None
    walltime: str = "00:30:00"
    nodes: int = 1
    ranks: int = 1
    cpus_per_rank: int = 1
    account: str = ""
    partition: str = ""
    qos: str = ""
    constraint: str = ""
    memory: str = ""
    gpus: int = 0
    options: tuple[str, ...] = ()

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
        }
        for name in ("account", "partition", "qos", "constraint", "memory", "gpus"):
            if value := getattr(self, name):
                job[name] = value
        return job | ({"options": list(self.options)} if self.options else {})


def read_resources(document: Mapping[str, Any], source: str) -> dict[str, Resources]:
    """Read the table ``resources``.

    Args:
        document: the table.
        source: what messages call the file.

    Returns:
        Stage -> what it asks for; stages that are not named ask for little.

    Raises:
        ConfigError: a key is unknown or wrong.
    """
    top = Table(document, source, "resources.", STAGES)
    return {stage: _resources(top.table(stage, _KEYS)) for stage in STAGES}


def _resources(table: Table) -> Resources:
    walltime = table.text("walltime", "00:30:00")
    if not _WALLTIME.fullmatch(walltime):
        raise table.expected("walltime", "a time such as 01:30:00 or 1-12:00:00")
    options = table.texts("options", ())
    if any(not option.startswith("-") for option in options):
        raise table.expected("options", "options of the scheduler, each as --option=value")
    return Resources(
        events_per_task=table.integer("events_per_task", 1, minimum=1),
        seconds_per_event=table.optional("seconds_per_event", minimum=0.0),
        walltime=walltime,
        nodes=table.integer("nodes", 1, minimum=1),
        ranks=table.integer("ranks", 1, minimum=1),
        cpus_per_rank=table.integer("cpus_per_rank", 1, minimum=1),
        account=table.text("account", ""),
        partition=table.text("partition", ""),
        qos=table.text("qos", ""),
        constraint=table.text("constraint", ""),
        memory=table.text("memory", ""),
        gpus=table.integer("gpus", 0),
        options=options,
    )
