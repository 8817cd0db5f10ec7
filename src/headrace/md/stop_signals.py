"""Reasons to stop before the end: signals, as a scheduler sends them, and another start.

A node that a scheduler has given up may go on: its program would write into the files of the next
start. So each start writes its token into the leg's directory, and one that finds another's token
there ends at once, without a checkpoint. The next start waits for that: each holds a lock, its
engine's program with it. One that does not end, as on a suspended node, keeps its files for itself:
the next start goes on with copies of them.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType, TracebackType
from typing import Final, Self

from headrace._internal.atomic import atomic_replacement, write_atomic
from headrace.md.errors import MdError

_ASKING: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2)
# Time between two looks at the token, in s.
_LOOK: Final = 2.0
# Time that an earlier start has to find that it is no longer the owner, in s.
_GRACE: Final = 5 * _LOOK
_RETRY: Final = 0.05
_TOKEN: Final = "owner"  # noqa: S105 - the name of a file
_LOCK: Final = "owner.lock"


class StopSignals:
    """Notes signals that ask to stop while it is entered, and hands them on to a child.

    Args:
        directory: the leg's directory, which this start owns from now on.

    Attributes:
        requested: whether a signal came.
    """

    def __init__(self, directory: Path) -> None:
        self.requested = False
        self._file = directory / _TOKEN
        self._token = secrets.token_hex(8)
        self._lock = -1
        self._is_first = True
        self._looked = 0.0
        self._child: subprocess.Popen[bytes] | None = None
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> Self:
        self._lock = _opened(self._file.with_name(_LOCK))
        self._is_first = not self._file.exists()
        write_atomic(self._file, self._token)
        for each in _ASKING:
            self._before[each] = signal.signal(each, self._note)
        return self

    @property
    def inherited(self) -> tuple[int, ...]:
        """Descriptors that an engine's program is given: the lock is held until it ends, too."""
        return (self._lock,) if self._lock >= 0 else ()

    def take_over(self, directory: Path) -> None:
        """Wait for the end of an earlier start, or go on with copies of the files it writes into.

        On a file system without locks only the time is waited in which an earlier start finds that
        it is no longer the owner.

        Args:
            directory: directory of the files.

        Raises:
            MdError: another start has taken the leg's directory meanwhile, or a signal to stop
                came.
        """
        for path in directory.glob(".*.tmp"):
            path.unlink(missing_ok=True)  # of a start that was killed while it copied
        started = time.monotonic()
        while (held := self._holds_lock()) is not True:
            self.check_owner()
            waited = time.monotonic() - started
            if held is None and (self._is_first or waited > 2 * _LOOK):
                return
            if waited > _GRACE:
                break
            if self.requested:
                raise MdError(f"{self._file.parent}: asked to stop before the leg went on")
            time.sleep(_RETRY)
        self.check_owner()
        if held:
            return
        self._replace_lock()
        for path in sorted(directory.iterdir()):
            if path.is_file():
                with atomic_replacement(path) as temporary:
                    shutil.copyfile(path, temporary)

    def _holds_lock(self) -> bool | None:
        """Return whether the lock is held now; None where there are no locks."""
        if self._lock < 0:
            return None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            found = self._file.with_name(_LOCK).stat()
        except BlockingIOError:
            return False
        except OSError:
            return None
        if os.path.samestat(found, os.fstat(self._lock)):
            return True
        os.close(self._lock)  # replaced by one that went on with copies
        self._lock = _opened(self._file.with_name(_LOCK))
        return False

    def _replace_lock(self) -> None:
        """Hold a new lock in the place of one that a start holds which does not end."""
        place = self._file.with_name(_LOCK)
        with atomic_replacement(place) as temporary:
            temporary.touch()
            fresh = _opened(temporary)
            fcntl.flock(fresh, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(self._lock)
        self._lock = fresh

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for each, handler in self._before.items():
            signal.signal(each, handler)  # type: ignore[arg-type]
        self._before.clear()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def check_owner(self) -> None:
        """Do nothing while the leg's directory belongs to this start.

        Raises:
            MdError: another start has taken it.
        """
        try:
            token = self._file.read_text(encoding="utf-8")
        except OSError:
            return  # a file system that does not answer says nothing
        if token != self._token:
            raise MdError(f"{self._file.parent}: another start of the leg has taken over")

    def check_owner_at_times(self) -> None:
        """Do the same when the last look is 2 s ago; for loops that come by often.

        Raises:
            MdError: another start has taken the leg's directory.
        """
        if _elapsed() - self._looked >= _LOOK:
            self.check_owner()
            self._looked = _elapsed()

    def wait_for(self, child: subprocess.Popen[bytes]) -> int:
        """Wait for a child, which is asked to stop when this process is.

        Returns:
            Its exit code; negative where a signal ended it.

        Raises:
            MdError: another start has taken the leg's directory; the child was killed.
        """
        self._child = child
        try:
            if self.requested:
                child.terminate()
            while True:
                try:
                    return child.wait(_LOOK)
                except subprocess.TimeoutExpired:
                    self.check_owner()
        except MdError:
            child.kill()
            child.wait()
            raise
        finally:
            self._child = None

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.requested = True
        if self._child is not None:
            self._child.terminate()


def _opened(lock: Path) -> int:
    """Return a descriptor of a lock's file; -1 where it cannot be had."""
    try:
        return os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError:
        return -1


def _elapsed() -> float:
    """Return the seconds of a clock that goes on while the machine is suspended."""
    clock = time.CLOCK_BOOTTIME if sys.platform == "linux" else time.CLOCK_MONOTONIC
    return time.clock_gettime(clock)
