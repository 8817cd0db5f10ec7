"""Processes that an earlier run of a member has left on this machine.

A worker and its supervisor that are killed at one moment leave a program that handles the kernel's
signal itself, or gets it before it is a program. It would write into the files of the next run.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from typing import Final

from .errors import MemberError

# In the environment of each command: the directory of its member.
DIRECTORY_VARIABLE: Final = "HEADRACE_SCRIPTS"
_PAUSE_SECONDS: Final = 0.01
_LONGEST_SECONDS: Final = 30.0


class Leftovers:
    """Processes of earlier runs, by the directories of their members; looked for once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: dict[str, list[int]] | None = None

    def end(self, directory: str) -> None:
        """Kill what an earlier run of a member has left, before it is run again.

        Args:
            directory: the member's directory, in which nothing was run now.

        Raises:
            MemberError: one of them does not end.
        """
        deadline = time.monotonic() + _LONGEST_SECONDS
        with self._lock:
            if self._found is None:
                self._found = {}
                for pid, place in _processes():
                    self._found.setdefault(place, []).append(pid)
            left = self._found.pop(directory, [])
        while left:
            for pid in left:
                _kill(pid, directory)
            # They have perhaps started others since they were looked for.
            left = [pid for pid, place in _processes() if place == directory]
            if left and time.monotonic() > deadline:
                message = f"process {left[0]} of an earlier run of it was killed and does not end"
                raise MemberError("never started", message)
            if left:
                time.sleep(_PAUSE_SECONDS)


def _kill(pid: int, directory: str) -> None:
    """Kill a process with its group, which a command leads: it cannot start others meanwhile."""
    with contextlib.suppress(OSError):
        group = os.getpgid(pid)
        # It may be another process by now.
        if _directory_of(pid) != directory:
            return
        if group != os.getpgrp():
            os.killpg(group, signal.SIGKILL)
        os.kill(pid, signal.SIGKILL)


def _processes() -> Iterator[tuple[int, str]]:
    try:
        names = [name for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208
    except OSError:  # outside Linux
        return
    for name in names:
        if int(name) != os.getpid() and (place := _directory_of(int(name))):
            yield int(name), place


def _directory_of(pid: int) -> str:
    prefix = f"{DIRECTORY_VARIABLE}=".encode()
    try:
        with open(f"/proc/{pid}/environ", "rb") as stream:  # noqa: PTH123
            variables = stream.read().split(b"\0")
    except OSError:  # it has ended, or is another user's
        return ""
    return next((os.fsdecode(v[len(prefix) :]) for v in variables if v.startswith(prefix)), "")
