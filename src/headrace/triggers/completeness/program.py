"""Asking a program of the project whether an arrival is complete."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from headrace._internal.terminal_text import terminal_text as shown
from headrace.triggers.errors import TriggerError
from headrace.triggers.trigger import Trigger

_TIMEOUT = 60.0
_NOT_YET = 1
# Of what a program prints, the last line is read; one that prints more is ended.
_MAX_OUTPUT = 10_000_000
_TAIL = 65_536


@dataclass
class Check:
    """What a trigger's ``check`` says of one arrival.

    The program is called in the project's directory, with the arrival's path as its last argument.
    Exit code 0 means complete; 1 means not yet, and the last line of its standard output says what
    is missing. Anything else, and anything on its standard error, is a mistake of the program.

    Attributes:
        trigger: the trigger; without a ``check`` everything is complete.
        location: the arrival.
    """

    trigger: Trigger
    location: Path
    _asked_at: float = field(default=float("-inf"), init=False)
    _stamp: tuple[int, int] | None = field(default=None, init=False)
    _lack: str = field(default="", init=False)

    def missing_reason(self, stamp: tuple[int, int], now: float) -> str | None:
        """Say what is missing, if that is known; what looks the same is asked once an interval.

        Args:
            stamp: number of files and bytes of the arrival.
            now: monotonic time in s.

        Returns:
            what is missing, or "" if the arrival is complete; None: the program is to be asked.
        """
        if not self.trigger.check:
            return ""
        if stamp != self._stamp or now - self._asked_at >= self.trigger.interval:
            return None
        return self._lack

    def store(self, stamp: tuple[int, int], now: float, missing: str) -> None:
        """Keep an answer; after a mistake of the program there is none, and it is asked again.

        Args:
            stamp: what the arrival looked like when the program was asked.
            now: monotonic time in s.
            missing: what is missing, or "".
        """
        self._stamp, self._asked_at, self._lack = stamp, now, missing


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
            words = error.strerror if isinstance(error, OSError) else str(error)
            raise TriggerError(f"{where}: {trigger.check[0]}: {words}") from error
        try:
            problem = _watch_over(process, (out.fileno(), err.fileno()), is_cancelled)
        finally:
            _end(process)
        if problem:
            raise TriggerError(f"{where}: {problem} on {shown(str(location))}")
        complaint, told = _last_line(err), _last_line(out)
    if process.returncode == 0:
        return ""
    if process.returncode != _NOT_YET or complaint:
        words = f": {complaint}" if complaint else ""
        raise TriggerError(
            f"{where}: ended with {process.returncode} on {shown(str(location))}{words}; "
            "it must end with 0 (complete) or 1 (not yet)"
        )
    return told or f"{Path(trigger.check[-1]).name} to find it complete"


def _watch_over(
    process: subprocess.Popen[bytes], outputs: tuple[int, int], ended: Callable[[], bool]
) -> str:
    """Wait for a program's end; return what is wrong with it if it must be ended."""
    deadline = time.monotonic() + _TIMEOUT
    pause = 0.005
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(pause)
            return ""
        if ended():
            return "given up"
        if time.monotonic() >= deadline:
            return f"no answer within {_TIMEOUT:.0f} s"
        if sum(os.fstat(output).st_size for output in outputs) > _MAX_OUTPUT:
            return f"more than {_MAX_OUTPUT // 1_000_000} MB printed"
        pause = min(2 * pause, 0.2)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kills a program that has not ended, and all that it has started."""
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
