"""Signals that ask a program to stop, as a scheduler sends them before it kills."""

from __future__ import annotations

import signal
import subprocess
from types import FrameType, TracebackType
from typing import Final, Self

_ASKING: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2)


class StopSignals:
    """Notes signals that ask to stop while it is entered, and hands them on to a child.

    Attributes:
        requested: whether one came.
    """

    def __init__(self) -> None:
        self.requested = False
        self._child: subprocess.Popen[bytes] | None = None
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> Self:
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

    def wait_for(self, child: subprocess.Popen[bytes]) -> int:
        """Wait for a child, which is asked to stop when this process is.

        Returns:
            Its exit code; negative where a signal ended it.
        """
        self._child = child
        try:
            if self.requested:
                child.terminate()
            return child.wait()
        finally:
            self._child = None

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.requested = True
        if self._child is not None:
            self._child.terminate()
