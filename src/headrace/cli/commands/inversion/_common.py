"""Options and output that several verbs of ``headrace inversion`` share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from headrace.cli.commands.inversion._directory import home_of
from headrace.cli.termio.display import display

F = TypeVar("F", bound=Callable[..., Any])


def why_option(function: F) -> F:
    """Add ``--why``."""
    return click.option(
        "-m", "--why", default="", metavar="TEXT", help="Reason, kept in the history."
    )(function)


def undo_option(function: F) -> F:
    """Add ``--undo``."""
    return click.option("--undo", is_flag=True, help="Include it again.")(function)


def display_message(text: str, **document: Any) -> None:
    """Show what was done, in one sentence.

    Args:
        text: the sentence.
        document: further members of the JSON document.
    """
    display({**document, "message": text}, lambda: text, ("message",))


def display_files(paths: list[Path]) -> None:
    """Show the files that were written."""
    names = [str(path) for path in paths]
    display({"files": names}, "\n".join(names), ("files",))


def drop(kind: str, name: str, directory: Path, why: str, undo: bool) -> None:
    """Leave an event or a station out of the next iterations, or let it take part again.

    Args:
        kind: ``event`` or ``station``.
        name: its name.
        directory: of the inversion.
        why: kept in the history.
        undo: whether it takes part again.
    """
    from headrace.seismic.inversion import commands

    home = home_of(directory)
    number = commands.drop(home, kind, name, why, undo=undo)
    running = commands.unfinished_iteration(home)
    does = "takes part again" if undo else "is left out"
    also = f"; and in iteration {running}, if its line search has not started"
    text = f"{name} {does} from iteration {number} on{also if running is not None else ''}."
    display_message(text, iteration=number)
