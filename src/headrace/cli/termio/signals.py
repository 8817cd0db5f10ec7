"""SIGTERM and SIGHUP end a command as an interrupt does: cleanly, in words, with a code.

A command that goes on for months reads its settings again at SIGHUP, unless its terminal has hung
up, which the system tells by the same signal.
"""

from __future__ import annotations

import os
import signal
import sys
import termios
import threading
from collections.abc import Callable
from types import FrameType
from typing import Final

_ENDING: Final = (signal.SIGTERM, signal.SIGHUP)
# A signal that comes during an import is raised again after so long.
_IMPORT_SECONDS: Final = 0.05


class Stopped(KeyboardInterrupt):
    """Somebody ended the process by a signal; what cleans up after an interrupt does so here.

    Attributes:
        number: the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def end_on_signals() -> None:
    """Let the signals that end a process raise `Stopped` in the main thread.

    One that is ignored, as SIGHUP under ``nohup``, stays so.
    """
    own = os.getpid()

    def stop(number: int, frame: FrameType | None) -> None:
        if os.getpid() != own:
            # A process that this one was forked into ends as it would have without us.
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        if _is_importing(frame):
            # What is raised within an import can leave its lock held, and other threads wait for
            # it without end.
            again = threading.Timer(_IMPORT_SECONDS, os.kill, (own, number))
            again.daemon = True
            again.start()
            return
        if number == signal.SIGHUP:
            _let_terminal_go()
        raise Stopped(number)

    for number in _ENDING:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, stop)


def reload_on_hangup(reload: Callable[[], None]) -> None:
    """Call a function at SIGHUP, unless that ends the command: its terminal has hung up.

    A SIGHUP that is ignored, as under ``nohup``, stays so.

    Args:
        reload: returns at once; called between two instructions of the main thread.
    """
    ends = signal.getsignal(signal.SIGHUP)
    if ends is signal.SIG_IGN or not callable(ends):
        return
    terminal = _controlling_terminal()

    def hang_up(number: int, frame: FrameType | None) -> None:
        if terminal is not None and _has_hung_up(terminal):
            ends(number, frame)
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


def _is_importing(frame: FrameType | None) -> bool:
    """Say whether a module is being imported below a frame."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def describe_interrupt(interrupt: BaseException) -> tuple[str, int]:
    """Return the word for an interrupt, and the exit code of a command that was not done."""
    number = interrupt.number if isinstance(interrupt, Stopped) else signal.SIGINT
    word = "interrupted" if number == signal.SIGINT else f"ended by {signal.Signals(number).name}"
    return word, 128 + number


def _let_terminal_go() -> None:
    """Write no more to a terminal that has hung up."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream.isatty():
                os.dup2(nowhere, stream.fileno())
        except (OSError, ValueError, AttributeError):
            continue  # closed, or no file
    os.close(nowhere)
