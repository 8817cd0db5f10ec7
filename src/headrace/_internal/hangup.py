"""SIGHUP, which means two things: the terminal has hung up, or settings are to be read again."""

from __future__ import annotations

import os
import signal
import termios
from collections.abc import Callable
from types import FrameType
from typing import Any


def reload_on_hangup(
    end: Callable[[int, FrameType | None], Any], reload: Callable[[], Any]
) -> None:
    """Call one function at SIGHUP where the process's terminal has hung up, else another one.

    A SIGHUP that is ignored, as under ``nohup``, stays so.

    Args:
        end: a signal handler, called where the process has lost its terminal.
        reload: returns at once; called between two instructions of the main thread.
    """
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        return
    terminal = _controlling_terminal()

    def hang_up(number: int, frame: FrameType | None) -> None:
        if terminal is not None and _has_hung_up(terminal):
            end(number, frame)
        else:
            reload()

    signal.signal(signal.SIGHUP, hang_up)


def _controlling_terminal() -> int | None:
    try:
        return os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return None


def _has_hung_up(terminal: int) -> bool:
    try:
        termios.tcgetattr(terminal)
    except termios.error:
        return True
    return False
