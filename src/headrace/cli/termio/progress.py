"""Live progress of runs: a board on a terminal, a line per change anywhere else."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from headrace.cli.termio.terminal import one_line, write

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from headrace.runs import RunView

_QUIET_SECONDS = 10.0


class Board(Protocol):
    """Display of progress; a context manager."""

    def __enter__(self) -> Board:
        """Begin to show."""

    def __exit__(self, *error: object) -> None:
        """End, leaving the last state where it is."""

    def show(self, views: Iterable[RunView]) -> None:
        """Show how runs stand now."""

    def say(self, message: str) -> None:
        """Show something that is not about one run's progress."""


def make_board(*, quiet: bool = False) -> Board:
    """Return the board that standard error can have.

    Args:
        quiet: whether nothing but messages is wanted.
    """
    if quiet:
        return Silent()
    return Live() if sys.stderr.isatty() else Lines()


class Silent:
    """Shows no progress."""

    def __enter__(self) -> Silent:
        return self

    def __exit__(self, *error: object) -> None:
        """Has nothing to end."""

    def show(self, views: Iterable[RunView]) -> None:
        """Show nothing."""

    def say(self, message: str) -> None:
        """Write a line."""
        write(one_line(message), err=True)


class Lines:
    """A line for each change of a run, for logs."""

    def __init__(self) -> None:
        self._shown: dict[str, tuple[str, str, float]] = {}

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *error: object) -> None:
        """Has nothing to end."""

    def show(self, views: Iterable[RunView]) -> None:
        """Write a line for each run whose state has changed, or its progress after a while."""
        from headrace.runs import current_activity

        for view in views:
            state = view.status if view.final or not view.current else view.current.name
            text = current_activity(view).text
            before = self._shown.get(view.id)
            now = time.monotonic()
            moved = before is None or before[0] != state
            aged = before is not None and text != before[1] and now - before[2] > _QUIET_SECONDS
            if moved or aged:
                self._shown[view.id] = (state, text, now)
                self.say(f"{view.label}: {state}" + (f": {text}" if _adds(text, state) else ""))

    def say(self, message: str) -> None:
        """Write a line with the time."""
        write(f"{datetime.now().astimezone():%H:%M:%S} {one_line(message)}", err=True)


class Live:
    """A table of the runs under way that is drawn again and again; ended runs stay above it."""

    def __init__(self, console: Console | None = None) -> None:
        from rich.console import Console
        from rich.live import Live as RichLive

        self._console = console or Console(stderr=True, highlight=False)
        self._live = RichLive(console=self._console, refresh_per_second=4, transient=True)
        self._views: dict[str, RunView] = {}
        self._ended = {"SUCCEEDED": 0, "FAILED": 0, "ENDED": 0}

    def __enter__(self) -> Live:
        self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Remove the table; the lines about runs that have ended stay."""
        self._live.stop()

    def show(self, views: Iterable[RunView]) -> None:
        """Draw the runs."""
        ended: list[RunView] = []
        for view in views:
            if view.final:
                self._views.pop(view.id, None)
                self._ended[view.status] = self._ended.get(view.status, 0) + 1
                ended.append(view)
            else:
                self._views[view.id] = view
        self._live.update(self._table())
        for view in ended:
            self._console.print(_ended_line(view), soft_wrap=True)

    def say(self, message: str) -> None:
        """Write a line above the table."""
        from rich.text import Text

        self._console.print(Text(one_line(message), style="dim"), soft_wrap=True)

    def _table(self) -> RenderableType:
        from rich.console import Group
        from rich.spinner import Spinner
        from rich.table import Table
        from rich.text import Text

        room = max(1, self._console.height - 3)
        shown = list(self._views.values())[:room]
        grid = Table.grid(padding=(0, 1))
        for view in shown:
            grid.add_row(
                Spinner("dots", style="cyan"),
                Text(one_line(view.label), style="bold", overflow="ellipsis", no_wrap=True),
                _states(view),
                *_progress(view),
                Text(_elapsed(view), style="dim"),
            )
        hidden = len(self._views) - len(shown)
        counts = [f"{count} {status.lower()}" for status, count in self._ended.items() if count]
        words = [f"{len(self._views)} under way", *counts]
        words += [f"{hidden} hidden"] if hidden else []
        return Group(grid, Text(", ".join(words), style="dim")) if len(self._views) > 1 else grid


def _states(view: RunView) -> Any:
    from rich.text import Text

    text = Text(overflow="ellipsis", no_wrap=True)
    done = [state for state in view.states if state.finished_at is not None]
    if len(done) > 3:
        text.append(f"{len(done)} states done ", style="green")
    else:
        for state in done:
            text.append(f"{one_line(state.name)} ", style="red" if state.failed else "green")
    if view.current:
        text.append(one_line(view.current.name), style="bold cyan")
    return text


def _progress(view: RunView) -> tuple[Any, Any]:
    from rich.progress_bar import ProgressBar
    from rich.text import Text

    from headrace.runs import current_activity

    progress = current_activity(view)
    bar: Any = Text("")
    if progress.total and progress.done is not None:
        bar = ProgressBar(total=progress.total, completed=progress.done, width=16)
    return bar, Text(one_line(progress.text), overflow="ellipsis", no_wrap=True)


def _ended_line(view: RunView) -> Any:
    from rich.text import Text

    from headrace.runs import failure_message

    style = {"SUCCEEDED": "green", "FAILED": "red"}.get(view.status, "yellow")
    line = Text.assemble((view.status, style), f" {one_line(view.label)} ", (_elapsed(view), "dim"))
    failure = failure_message(view)
    return line.append(f" {one_line(failure)}") if failure else line


def _elapsed(view: RunView) -> str:
    from headrace.runs.describe import format_duration

    return format_duration(view.elapsed())


def _adds(text: str, state: str) -> bool:
    return text.lower() not in {state.lower(), "", "starting"}
