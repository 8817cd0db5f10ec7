"""Requests about arrivals that the watcher, running or next, carries out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display
from headrace.cli.termio.notes import note

if TYPE_CHECKING:
    from headrace.triggers import Record


def request_for_arrivals(
    name: str,
    patterns: Sequence[str],
    may: Callable[[Record], bool],
    request: Callable[[Path, Iterable[int]], Sequence[Record]],
    done: str,
    nothing: str,
) -> int:
    """Make a request about the arrivals of a trigger, and display what comes of it.

    Args:
        name: the trigger.
        patterns: shell patterns of the arrivals' names; all of them where empty.
        may: says whether the request is of use for an arrival.
        request: makes it; called with the ledger's file and the numbers of the records.
        done: words that follow the number of arrivals.
        nothing: words that follow the trigger's name where there are none.

    Returns:
        The exit code: 1 where there was no such arrival.
    """
    from headrace.cli.parsing.triggers import choose
    from headrace.triggers import read_ledger, read_paused
    from headrace.triggers.arrival import entry_name
    from headrace.triggers.state_files import ledger_file

    session = current()
    project = session.project()
    choose(project, (name,))
    path = ledger_file(project, session.target)
    wanted = [
        record
        for record in read_ledger(path, name)
        if may(record)
        and (
            not patterns
            or any(fnmatchcase(entry_name(record.path), pattern) for pattern in patterns)
        )
    ]
    changed = request(path, [record.id for record in wanted]) if wanted else ()
    names = [entry_name(record.path) for record in changed]
    if names and name in read_paused(path):
        note(f"trigger {name} is paused: `headrace trigger resume {name}` has runs started again")
    display(
        {"trigger": name, "arrivals": names, "count": len(names)},
        lambda: f"{len(names)} {done}." if names else f"No arrival of {name} {nothing}.",
        ("count",),
    )
    return 0 if names else 1
