"""Reasons to stop before the end: signals, as a scheduler sends them, and another start.

A node that a scheduler has given up may go on: its program would write into the files of the next
start. So each start writes its token into the leg's directory, and one that finds another's token
there ends at once, without a checkpoint.
"""

from __future__ import annotations

import secrets
import signal
import subprocess
from pathlib import Path
from types import FrameType, TracebackType
from typing import Final, Self

from headrace._internal.atomic import write_atomic
from headrace.md.errors import MdError

_ASKING: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2)
# Time between two looks at the token, in s.
_LOOK: Final = 2.0
_TOKEN: Final = "owner"  # noqa: S105 - the name of a file


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
        self._child: subprocess.Popen[bytes] | None = None
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> Self:
        write_atomic(self._file, self._token)
        for each in _ASKING:
            self._before[each] = signal.signal(each, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for each, handler in self._before.items():
            signal.signal(each, handler)  # type: ignore[arg-type]
        self._before.clear()

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
