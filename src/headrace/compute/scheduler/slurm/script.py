"""Parts of a job's script that depend on Slurm."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from ..base import ScriptParts
from ..errors import BatchJobError
from ..request import JobRequest

_OWN_OPTIONS: Final = frozenset(
    {"--array", "--comment", "--error", "--open-mode", "--output", "--parsable", "--test-only"}
    | {"--wait", "--wrap"}
)
_SIGNAL: Final = re.compile(r"--signal=(?:R?B|BR):(\w+)")


def script_parts(request: JobRequest) -> ScriptParts:
    """Return ``#SBATCH`` lines, the ``srun`` or ``mpiexec``, and the signal of ``--signal``.

    Raises:
        BatchJobError: an option is one that headrace sets itself, or the launcher is unknown.
    """
    for option in request.options:
        if not option.startswith("--"):
            raise BatchJobError(f"option {option!r}: write it as --option=value")
        if option.partition("=")[0] in _OWN_OPTIONS:
            raise BatchJobError(f"option {option!r}: leave it out; headrace sets that itself")
    lines = [f"#SBATCH {_quoted(option)}" for option in _options(request)]
    return ScriptParts(lines, _launch_command(request), _shell_signal(request.options))


def _options(request: JobRequest) -> list[str]:
    chosen = {
        "account": request.account,
        "partition": request.partition,
        "qos": request.qos,
        "constraint": request.constraint,
        "mem": request.memory,
        "gpus": request.gpus,
        "gres": request.gres,
    }
    return [
        f"--job-name={request.name}",
        f"--nodes={request.nodes}",
        f"--ntasks={request.ntasks}",
        f"--cpus-per-task={request.cpus_per_task}",
        f"--time={request.walltime}",
        "--requeue" if request.requeue else "--no-requeue",
        *(f"--{name}={value}" for name, value in chosen.items() if value),
        *request.options,
    ]


def _launch_command(request: JobRequest) -> str:
    if request.launcher == "mpiexec":
        return request.mpiexec_command()
    if request.launcher not in ("", "srun"):
        raise BatchJobError(f"launcher {request.launcher!r}: must be srun or mpiexec")
    kind = f" --mpi={request.mpi}" if request.mpi else ""
    return f"srun --nodes={request.nodes} --ntasks={request.ntasks}{kind}"


def _shell_signal(options: Sequence[str]) -> str:
    """Return the signal that Slurm sends to the batch shell, which is not the user's script."""
    for option in options:
        if match := _SIGNAL.match(option):
            return match[1].upper().removeprefix("SIG")
    return ""


def _quoted(option: str) -> str:
    """Write an option for sbatch's own reading of ``#SBATCH`` lines."""
    if not set(option) & set(" \t\"'\\#"):
        return option
    escaped = option.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
