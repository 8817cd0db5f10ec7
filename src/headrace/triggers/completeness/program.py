"""Completeness by a program of the project."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
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


def run_check(
    trigger: Trigger, location: Path, is_cancelled: Callable[[], bool] = lambda: False
) -> str:
    """Call the program of a trigger's ``check``.

    It runs in a process group of its own, which is killed with it when it takes too long, prints
    without end, or nobody waits for its answer any more.

    Args:
        trigger: the trigger.
        location: the arrival.
        is_cancelled: asked meanwhile whether the answer is of no use any more.

    Returns:
        what is missing, or "" if the arrival is complete.

    Raises:
        TriggerError: the program cannot be run, takes longer than a minute, prints more than
            10 MB, or does not answer as it must.
    """
    where = f"{trigger.file}: watch.check"
    # The Python that runs us has what the project's programs import.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        try:
            process = subprocess.Popen(
                [*trigger.check, str(location)],
                cwd=trigger.file.parent.parent,
                env={**os.environ, "PATH": path},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise TriggerError(f"{where}: {trigger.check[0]}: {reason}") from error
        try:
            problem = _wait_for_exit(process, (out.fileno(), err.fileno()), is_cancelled)
        finally:
            _kill(process)
        if problem:
            raise TriggerError(f"{where}: {problem} on {shown(str(location))}")
        complaint, missing = _last_line(err), _last_line(out)
    if process.returncode == 0:
        return ""
    if process.returncode != _NOT_YET or complaint:
        text = f": {complaint}" if complaint else ""
        raise TriggerError(
            f"{where}: ended with {process.returncode} on {shown(str(location))}{text}; "
            "it must end with 0 (complete) or 1 (not yet)"
        )
    return missing or f"{Path(trigger.check[-1]).name} to find it complete"


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
