"""Commands of schedulers: run with a deadline, to their complete answers."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .errors import Refusal, SchedulerError, SubmissionRefused


@dataclass(frozen=True)
class CommandResult:
    """Answer of a command.

    Attributes:
        exit_code: its exit code; negative: the signal that ended it.
        stdout: its standard output.
        stderr: its standard error.
    """

    exit_code: int
    stdout: str
    stderr: str

    @property
    def error_text(self) -> str:
        """Its standard error, in one line."""
        return " ".join(self.stderr.split())


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


def run_submission(
    command: Sequence[str], environment: Mapping[str, str], seconds: float
) -> CommandResult:
    """Run a command that submits a job.

    Args:
        command: the command and its arguments.
        environment: its environment.
        seconds: how long it may take; then it is ended with all that it has started.

    Raises:
        SubmissionRefused: it cannot be started, or did not end in time.
    """
    try:
        answer = run_command(command, environment, seconds)
    except SchedulerError as error:
        raise SubmissionRefused(str(error), Refusal.UNAVAILABLE) from error
    if answer is None:
        raise SubmissionRefused(
            f"{command[0]} did not answer within {seconds:.0f} s", Refusal.UNANSWERED
        )
    return answer


def _end_group(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
