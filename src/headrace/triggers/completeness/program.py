"""Completeness by a program of the project."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from headrace._internal.terminal_text import terminal_text as shown
from headrace.triggers.completeness.rule import CompletenessRule, Look
from headrace.triggers.errors import TriggerError

if TYPE_CHECKING:
    from headrace.triggers.trigger import Trigger

_TIMEOUT = 60.0
_NOT_YET = 1
# Of what a program prints, the last line is read; one that prints more is ended.
_MAX_OUTPUT = 10_000_000
_TAIL = 65_536


class ProgramRule(CompletenessRule):
    """A program of the project says whether an arrival is complete.

    The program is called in the project's directory, with the arrival's path as its last argument.
    Exit code 0 means complete; 1 means not yet, and the last line of its standard output says what
    is missing. Anything else, and anything on its standard error, is a mistake of the program.
    """

    def missing_reason(self, look: Look) -> str:
        """Call the program.

        Raises:
            TriggerError: as `run_check`.
        """
        return run_check(self.trigger, self.arrival.location, look.is_cancelled)


@dataclass(frozen=True)
class ProgramAnswer:
    """Answer of a program.

    Attributes:
        code: its exit code.
        output: the last line of its standard output.
        complaint: the last line of its standard error.
    """

    code: int
    output: str
    complaint: str


def run_check(
    trigger: Trigger, location: Path, is_cancelled: Callable[[], bool] = lambda: False
) -> str:
    """Call the program of a trigger's ``check``.

    Args:
        trigger: the trigger.
        location: the arrival.
        is_cancelled: asked meanwhile whether the answer is of no use any more.

    Returns:
        what is missing, or "" if the arrival is complete.

    Raises:
        TriggerError: as `call_program`; or it does not answer as it must.
    """
    where = f"{trigger.file}: watch.check"
    root = trigger.file.parent.parent
    answer = call_program(trigger.check, root, location, where, is_cancelled)
    if answer.code == 0:
        return ""
    if answer.code != _NOT_YET or answer.complaint:
        text = f": {answer.complaint}" if answer.complaint else ""
        raise TriggerError(
            f"{where}: ended with {answer.code} on {shown(str(location))}{text}; "
            "it must end with 0 (complete) or 1 (not yet)"
        )
    return answer.output or f"{Path(trigger.check[-1]).name} to find it complete"


def call_program(
    command: Sequence[str],
    directory: Path,
    location: Path,
    where: str,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> ProgramAnswer:
    """Call a program of the project that judges a file or directory.

    It runs in a process group of its own, which is killed with it when it takes too long, prints
    without end, or nobody waits for its answer any more.

    Args:
        command: the program with its arguments.
        directory: the project's, in which it runs.
        location: what it judges, its last argument.
        where: what names it in errors, such as the file and the key.
        is_cancelled: asked meanwhile whether the answer is of no use any more.

    Raises:
        TriggerError: the program cannot be run, takes longer than a minute, or prints more than
            10 MB.
    """
    # The Python that runs us has what the project's programs import.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        try:
            process = subprocess.Popen(
                [*command, str(location)],
                cwd=directory,
                env={**os.environ, "PATH": path},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise TriggerError(f"{where}: {command[0]}: {reason}") from error
        try:
            problem = _wait_for_exit(process, (out.fileno(), err.fileno()), is_cancelled)
        finally:
            _kill(process)
        if problem:
            raise TriggerError(f"{where}: {problem} on {shown(str(location))}")
        return ProgramAnswer(process.returncode, _last_line(out), _last_line(err))


def _wait_for_exit(
    process: subprocess.Popen[bytes], outputs: tuple[int, int], is_cancelled: Callable[[], bool]
) -> str:
    """Wait for a program's end; return what is wrong with it if it must be ended."""
    deadline = time.monotonic() + _TIMEOUT
    pause = 0.005
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(pause)
            return ""
        if is_cancelled():
            return "given up"
        if time.monotonic() >= deadline:
            return f"no answer within {_TIMEOUT:.0f} s"
        if sum(os.fstat(output).st_size for output in outputs) > _MAX_OUTPUT:
            return f"more than {_MAX_OUTPUT // 1_000_000} MB printed"
        pause = min(2 * pause, 0.2)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a program that has not ended, and all that it has started."""
    if process.poll() is not None:
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _last_line(output: IO[bytes]) -> str:
    output.seek(0, os.SEEK_END)
    output.seek(max(0, output.tell() - _TAIL))
    text = output.read().decode(errors="replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return shown(lines[-1][:300]) if lines else ""
