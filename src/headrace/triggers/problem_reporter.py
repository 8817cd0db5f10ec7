"""Reports of problems, each once in a while."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from headrace._internal.terminal_text import terminal_text
from headrace.errors import HeadraceError
from headrace.triggers.events import Problem, WatchEvent

# The same problem is reported again after so long (s).
_REMINDER = 600.0


class ProblemReporter:
    """Reports the problems of one trigger; the same one not again at once.

    Args:
        trigger: name of the trigger.
        on_event: called with each `Problem`.
        clock: monotonic time in s.
    """

    def __init__(
        self, trigger: str, on_event: Callable[[WatchEvent], None], clock: Callable[[], float]
    ) -> None:
        self._trigger = trigger
        self._on_event = on_event
        self._clock = clock
        self._reported_at: dict[str, float] = {}

    def report(self, message: str, *, blocks_run: bool = False) -> None:
        """Report a problem.

        Args:
            message: what, where and the way out, in one line.
            blocks_run: whether something that lies there is left without a run by it.
        """
        now = self._clock()
        # The oldest first: for months there are ever new ones, with the names of ever new arrivals.
        while self._reported_at and now - next(iter(self._reported_at.values())) >= _REMINDER:
            del self._reported_at[next(iter(self._reported_at))]
        if message not in self._reported_at:
            self._reported_at[message] = now
            self._on_event(Problem(self._trigger, message, blocks_run))

    def reset(self) -> None:
        """Report each problem again at its next occurrence."""
        self._reported_at.clear()


def describe_error(error: Exception) -> str:
    """Return an error in one line for people."""
    if isinstance(error, OSError) and error.strerror:
        named = isinstance(error.filename, str)
        place = f"{terminal_text(str(Path(error.filename)))}: " if named else ""
        return f"{place}{error.strerror}"
    if isinstance(error, HeadraceError):
        return str(error)
    return f"{type(error).__name__}: {terminal_text(str(error))}"
