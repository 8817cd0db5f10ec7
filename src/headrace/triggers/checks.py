"""Asking a program of the project whether an arrival is complete."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from headrace.triggers.errors import TriggerError
from headrace.triggers.rule import Trigger

_TIMEOUT = 60.0
_NOT_YET = 1


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

    def lack(self, stamp: tuple[int, int], now: float) -> str:
        """Say what is missing; an arrival that looks the same is asked about once an interval.

        Args:
            stamp: number of files and bytes of the arrival.
            now: monotonic time in s.

        Returns:
            what is missing, or "" if the arrival is complete.

        Raises:
            TriggerError: the program cannot be run, or does not answer as it must.
        """
        if not self.trigger.check:
            return ""
        if stamp != self._stamp or now - self._asked_at >= self.trigger.interval:
            self._lack = ask(self.trigger, self.location)
            # Only an answer counts: after a mistake of the program it is asked again.
            self._stamp, self._asked_at = stamp, now
        return self._lack


def ask(trigger: Trigger, location: Path) -> str:
    """Call the program of a trigger's ``check``.

    Args:
        trigger: the trigger.
        location: the arrival.

    Returns:
        what is missing, or "" if the arrival is complete.

    Raises:
        TriggerError: the program cannot be run, takes longer than a minute, or does not answer as
            it must.
    """
    where = f"{trigger.file}: watch.check"
    # The Python that runs us has what the project's programs import.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    try:
        done = subprocess.run(
            [*trigger.check, str(location)],
            cwd=trigger.file.parent.parent,
            env={**os.environ, "PATH": path},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT,
            check=False,
        )
    except OSError as error:
        raise TriggerError(f"{where}: {trigger.check[0]}: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise TriggerError(f"{where}: no answer on {location} within {_TIMEOUT:.0f} s") from error
    complaint = _last_line(done.stderr)
    if done.returncode == 0:
        return ""
    if done.returncode != _NOT_YET or complaint:
        told = f": {complaint}" if complaint else ""
        raise TriggerError(
            f"{where}: ended with {done.returncode} on {location}{told}; "
            "it must end with 0 (complete) or 1 (not yet)"
        )
    return _last_line(done.stdout) or f"{Path(trigger.check[-1]).name} to find it complete"


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""
