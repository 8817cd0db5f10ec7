"""What a job asks for."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .errors import BatchJobError

# Slurm's forms: minutes, MM:SS, HH:MM:SS, D-HH, D-HH:MM, D-HH:MM:SS.
_WALLTIME = re.compile(
    r"(?:(?P<days>\d+)-)?(?P<first>\d+)(?::(?P<second>\d{1,2}))?(?::(?P<third>\d{1,2}))?"
)
_UNLIMITED = ("UNLIMITED", "INFINITE")
_SECRET = re.compile(r"TOKEN|SECRET|PASSW|CREDENTIAL|API_?KEY|PRIVATE|COOKIE|AUTHORIZATION", re.I)
# What a job must not inherit from the job or the step that submits it.
_PARENT_JOB_PREFIXES = (
    *("SLURM_", "SBATCH_", "SRUN_", "PMI_", "PMIX_"),
    *("OMPI_", "PRTE_", "HYDRA_", "MPICH_"),
)
# Names that the job's directory has for itself.
_FILES = frozenset(
    {"submitted.sh", "command", "environment.json", "submission.json", "host.json", "states.jsonl"}
    | {"stdout", "stderr", "exit_code", "outcome.json", "members.txt", "members", "ended", "arrays"}
    | {"owner", "exit_codes", "slurm.log"}
)
_OWN_OPTIONS = frozenset(
    {"--array", "--comment", "--error", "--open-mode", "--output", "--parsable", "--test-only"}
    | {"--wait", "--wrap"}
)
_KEPT = ("SLURM_CONF", "SLURM_CONF_SERVER")


@dataclass(frozen=True)
class JobSettings:
    """What a job asks for and how it is run.

    Attributes:
        script: the job script, absolute; run by what its first line says, or by bash.
        arguments: its arguments.
        name: name of the job in the queue.
        nodes: number of nodes.
        ntasks: number of MPI ranks in all.
        cpus_per_task: processors of a rank.
        walltime: time limit, ``HH:MM:SS``, ``D-HH:MM:SS`` or another of Slurm's forms.
        account: account that is charged.
        partition: partition; the cluster's default where empty.
        qos: quality of service.
        constraint: node features.
        gpus: GPUs in all.
        memory: memory of a node, such as ``64G``.
        options: further options of sbatch, each as ``--option=value``.
        requeue: whether Slurm may run the job again after its node was lost or taken away.
        launcher: ``srun`` or ``mpiexec``: what ``$HEADRACE_LAUNCH`` starts ranks with.
        mpi: value of srun's ``--mpi``; the cluster's default where empty.
        environment: variables for the job, beside those of the worker.
        outputs: files that the job must leave, absolute or relative to the working directory; a
            job that leaves one out, or empty, has failed.
        container: ``apptainer:IMAGE``, ``shifter:IMAGE`` or ``podman-hpc:IMAGE``.
        binds: directories of this machine by their places in the container.
        patience: how long a submission is tried again that the cluster does not take at the
            moment, in the forms of ``walltime``.
    """

    script: Path
    arguments: Sequence[str] = ()
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
    launcher: str = "srun"
    mpi: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    outputs: Sequence[str] = ()
    container: str = ""
    binds: Mapping[str, str] = field(default_factory=dict)
    patience: str = "7-00:00:00"

    def __post_init__(self) -> None:
        if not self.script.is_absolute() or not self.script.is_file():
            raise BatchJobError(f"{self.script}: no such job script; give its absolute path")
        for name in ("nodes", "ntasks", "cpus_per_task"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise BatchJobError(f"{name} must be a whole number of at least 1, not {value!r}")
        if self.script.name in _FILES:
            raise BatchJobError(f"{self.script}: another name, please; this one is the job's own")
        if not isinstance(self.gpus, int) or self.gpus < 0:
            raise BatchJobError(f"gpus must be a whole number, not {self.gpus!r}")
        for name in ("walltime", "patience"):
            value = getattr(self, name)
            if not isinstance(value, str) or walltime_seconds(value) is None:
                raise BatchJobError(f"{name} {value!r}: write it as HH:MM:SS")
        if self.launcher not in ("srun", "mpiexec"):
            raise BatchJobError(f"launcher {self.launcher!r}: must be srun or mpiexec")
        for name in ("name", "account", "partition", "qos", "constraint", "memory", "mpi"):
            value = getattr(self, name)
            if any(character.isspace() or not character.isprintable() for character in value):
                raise BatchJobError(f"{name} {value!r}: must be one word")
        for option in self.options:
            if not option.startswith("--") or "\n" in option:
                raise BatchJobError(f"option {option!r}: write it as --option=value")
            if option.partition("=")[0] in _OWN_OPTIONS:
                raise BatchJobError(f"option {option!r}: leave it out; headrace sets that itself")

    def sbatch_options(self) -> list[str]:
        """Return the options for sbatch."""
        chosen = {
            "account": self.account,
            "partition": self.partition,
            "qos": self.qos,
            "constraint": self.constraint,
            "mem": self.memory,
            "gpus": self.gpus,
        }
        return [
            f"--job-name={self.name}",
            f"--nodes={self.nodes}",
            f"--ntasks={self.ntasks}",
            f"--cpus-per-task={self.cpus_per_task}",
            f"--time={self.walltime}",
            "--requeue" if self.requeue else "--no-requeue",
            *(f"--{name}={value}" for name, value in chosen.items() if value),
            *self.options,
        ]

    def launch_command(self) -> str:
        """Return the words that start a program on every rank."""
        if self.launcher == "mpiexec":
            return f"mpiexec -n {self.ntasks}"
        kind = f" --mpi={self.mpi}" if self.mpi else ""
        return f"srun --nodes={self.nodes} --ntasks={self.ntasks}{kind}"


def walltime_seconds(text: str) -> float | None:
    """Read a time limit in one of Slurm's forms, seconds; None where it is none of them."""
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


def job_environment(settings: JobSettings) -> dict[str, str]:
    """Return the environment of a job: this process's, without secrets and traces of its job."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if (name in _KEPT or not name.startswith(_PARENT_JOB_PREFIXES)) and not _SECRET.search(name)
    }
    return {
        **inherited,
        "HEADRACE_LAUNCH": settings.launch_command(),
        "HEADRACE_NODES": str(settings.nodes),
        "HEADRACE_RANKS": str(settings.ntasks),
        "HEADRACE_SCRIPTS": str(settings.script.parent),
        **{str(name): str(value) for name, value in settings.environment.items()},
    }


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment as the job's directory keeps it: without secrets."""
    return {name: value for name, value in sorted(environment.items()) if not _SECRET.search(name)}
