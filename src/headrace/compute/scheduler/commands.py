"""Running one of the scheduler's commands: a clean environment, a deadline, its whole answer."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from .errors import SchedulerError

# Variables of Slurm's that say where the cluster is, or who asks. All others are filters and
# formats of the user's own (SQUEUE_STATES, SLURM_CLUSTERS ...), or of the job that asks.
_KEPT: Final = frozenset({"SLURM_CONF", "SLURM_CONF_SERVER", "SLURM_JWT"})
_DROPPED: Final = (
    *("SLURM_", "SBATCH_", "SALLOC_", "SRUN_", "SQUEUE_", "SACCT_"),
    *("SCANCEL_", "SCONTROL_", "SINFO_", "SLURMD_"),
)
_FORMATS: Final = {"LC_ALL": "C", "LANG": "C", "SLURM_TIME_FORMAT": "standard"}


@dataclass(frozen=True)
class CommandResult:
    """What a command answered.

    Attributes:
        code: its exit code; negative: the signal that ended it.
        stdout: its standard output.
        stderr: its standard error.
    """

    exit_code: int
    stdout: str
    stderr: str

    @property
    def error_text(self) -> str:
        """What it said on standard error, in one line."""
        return " ".join(self.stderr.split())


def is_filter(variable: str) -> bool:
    """Say whether a variable of the environment changes what the scheduler's commands do."""
    return variable.startswith(_DROPPED) and variable not in _KEPT


def command_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment for the scheduler's commands that answer a question."""
    kept = {name: value for name, value in environment.items() if not is_filter(name)}
    return {**kept, **_FORMATS}


def run_command(
    command: Sequence[str], environment: Mapping[str, str], seconds: float
) -> CommandResult | None:
    """Run a command to its end.

    Args:
        command: the command and its arguments.
        environment: its environment.
        seconds: how long it may take; then it is ended with all that it has started.

    Returns:
        None where it did not end in time.

    Raises:
        SchedulerError: it cannot be started.
    """
    try:
        process = subprocess.Popen(
            list(command),
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise SchedulerError(f"{command[0]}: {error.strerror}") from error
    with process:
        try:
            stdout, stderr = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            _end_group(process)
            return None
        except BaseException:
            _end_group(process)
            raise
    return CommandResult(process.returncode, stdout, stderr)


def _end_group(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
