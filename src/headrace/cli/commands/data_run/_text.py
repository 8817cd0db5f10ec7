"""Status of data runs as a table, once or live."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from headrace.cli.commands.data_run._fields import DATA_RUN_FIELDS
from headrace.cli.termio.tables import table
from headrace.cli.termio.terminal import rendered, write

if TYPE_CHECKING:
    from headrace.datarun.status import DataRunStatus

_EMPTY = "No data runs yet."


def data_runs_text(runs: Sequence[DataRunStatus]) -> str:
    """Return data runs as a table, with a line of totals below several of them."""
    from headrace.runs.describe import format_size

    text = table(runs, DATA_RUN_FIELDS, _EMPTY)
    if len(runs) < 2:
        return text
    volume = format_size(sum(run.bytes or 0 for run in runs))
    done = sum(1 for run in runs if run.status == "SUCCEEDED")
    return f"{text}\n{len(runs)} runs, {volume}, {done} analysed"


def show_live(poll: Callable[[], Sequence[DataRunStatus]], target: str) -> None:
    """Show data runs until interrupted.

    On a terminal one table is drawn again and again; elsewhere another one whenever a run has
    changed.

    Args:
        poll: returns the runs as they stand.
        target: where they are processed; says how often to poll.
    """
    from headrace.runs.tracker import POLL_INTERVALS

    pause = threading.Event()
    if not sys.stdout.isatty():
        shown: list[tuple[str, str, int | None]] = []
        while True:
            runs = poll()
            states = [(run.name, run.status, run.bytes) for run in runs]
            if states != shown:
                write(data_runs_text(runs) + "\n")
                shown = states
            pause.wait(POLL_INTERVALS[target])

    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    with Live(console=Console(highlight=False), auto_refresh=False) as live:
        while True:
            live.update(Text.from_ansi(rendered(data_runs_text(poll()), colour=True)), refresh=True)
            pause.wait(POLL_INTERVALS[target])
