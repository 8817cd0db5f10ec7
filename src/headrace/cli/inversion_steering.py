"""``headrace inversion pause``, ``resume``, ``redo`` and the like: steering while it runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from headrace.cli.inversion_place import directory_argument, home_of, staging_of
from headrace.cli.options import output_options
from headrace.cli.termio.display import display

F = TypeVar("F", bound=Callable[..., Any])


def _why(function: F) -> F:
    return click.option("-m", "--why", default="", metavar="TEXT", help="Kept in the history.")(
        function
    )


def _undo(function: F) -> F:
    return click.option("--undo", is_flag=True, help="Take it back: let it take part again.")(
        function
    )


def _told(text: str, **document: Any) -> None:
    display({**document, "message": text}, lambda: text, ("message",))


@click.command
@directory_argument
@_why
@output_options
def start(directory: Path, why: str) -> None:
    """Publish the first iteration of the inversion in DIR, as its settings are.

    Everything is checked before, as `headrace inversion check` does.
    """
    from headrace.cli.termio.terminal import one_line, write
    from headrace.seismic.inversion.commands import start as ask
    from headrace.seismic.inversion.errors import InversionError, NotReady

    try:
        ask(home_of(directory), why)
    except NotReady as error:
        if len(error.problems) == 1:
            raise
        for problem in error.problems:
            write(one_line(problem), err=True)
        count = len(error.problems)
        raise InversionError(f"{count} problems, told above; nothing was published") from None
    _told("Iteration 0 is published; `headrace watch` runs it, and those that follow.")


@click.command
@directory_argument
@click.option(
    "--after",
    type=click.Choice(["stage", "iteration"]),
    default="iteration",
    show_default=True,
    help="What is still done.",
)
@_why
@output_options
def pause(directory: Path, after: str, why: str) -> None:
    """Let the inversion in DIR stop after the running stage or iteration."""
    from headrace.seismic.inversion.commands import pause as ask

    ask(home_of(directory), after, why)
    _told(f"It stops after this {after}; `headrace inversion resume` lets it go on.", after=after)


@click.command
@directory_argument
@click.option("--again", is_flag=True, help="Publish the last iteration again in any case.")
@_why
@output_options
def resume(directory: Path, again: bool, why: str) -> None:
    """Let an inversion go on that has paused, stopped, or come to its end.

    What is finished is not computed again. After the end it goes on where the settings have more
    for it now: another band, more iterations or core hours.
    """
    from headrace.seismic.inversion.commands import resume as ask

    number = ask(home_of(directory), why, again=again)
    text = "The pause is taken back." if number is None else f"Iteration {number} is published."
    _told(text, iteration=number)


@click.command
@click.argument("iteration", type=click.IntRange(0))
@directory_argument
@click.option(
    "--from",
    "stage",
    type=click.Choice(["forward", "windows", "adjoint", "update"]),
    required=True,
    help="The first stage whose results are thrown away.",
)
@_why
@output_options
def redo(iteration: int, directory: Path, stage: str, why: str) -> None:
    """Do ITERATION again from a stage; later iterations are set aside."""
    from headrace.seismic.inversion.commands import redo as ask

    ask(home_of(directory), iteration, stage, why)
    _told(f"Iteration {iteration} is done again from {stage}.", iteration=iteration, stage=stage)


@click.command("back-to")
@click.argument("iteration", type=click.IntRange(0))
@directory_argument
@_why
@output_options
def back_to(iteration: int, directory: Path, why: str) -> None:
    """Go back to the start of ITERATION; it and later ones are set aside."""
    from headrace.seismic.inversion.commands import back_to as ask

    ask(home_of(directory), iteration, why)
    _told(f"The inversion goes on from model {iteration:03d}.", iteration=iteration)


@click.command("set-band")
@click.argument("band")
@directory_argument
@_why
@output_options
def set_band(band: str, directory: Path, why: str) -> None:
    """Let the next iteration that begins have BAND; the bands after it follow in their order."""
    from headrace.seismic.inversion.commands import set_band as ask

    home = home_of(directory)
    asked = ask(home, band, why, staging_of(home))
    _told(asked.text, iteration=asked.iteration, band=band)


@click.command("drop-event")
@click.argument("event")
@directory_argument
@_undo
@_why
@output_options
def drop_event(event: str, directory: Path, undo: bool, why: str) -> None:
    """Leave EVENT out from the next iteration on."""
    _drop("event", event, directory, why, undo)


@click.command("drop-station")
@click.argument("station")
@directory_argument
@_undo
@_why
@output_options
def drop_station(station: str, directory: Path, undo: bool, why: str) -> None:
    """Leave STATION (NET.STA) out from the next iteration on."""
    _drop("station", station, directory, why, undo)


def _drop(kind: str, name: str, directory: Path, why: str, undo: bool) -> None:
    from headrace.seismic.inversion.commands import drop, unfinished

    home = home_of(directory)
    number, running = drop(home, kind, name, why, undo=undo), unfinished(home)
    does = "takes part again" if undo else "is left out"
    also = f"; and in iteration {running}, if its line search has not begun"
    text = f"{name} {does} from iteration {number} on{also if running is not None else ''}."
    _told(text, iteration=number)


@click.command
@click.argument("iteration", type=click.IntRange(0))
@click.argument("new", metavar="NEWDIR", type=click.Path(path_type=Path, file_okay=False))
@directory_argument
@_why
@output_options
def branch(iteration: int, new: Path, directory: Path, why: str) -> None:
    """Begin a second inversion in NEWDIR from the model of ITERATION.

    A trigger of its own is written where NEWDIR lies beside the first one in the project.
    """
    from headrace.seismic.inversion.branching import branch as ask

    home = home_of(directory)
    ask(home, iteration, new, why)
    trigger = _second_trigger(home, new.resolve())
    text = f"{new} begins with model {iteration:03d}; `headrace inversion start {new}` "
    text += "publishes its first iteration."
    if trigger:
        text += f" {trigger} watches it: start `headrace watch` again."
    _told(text, directory=str(new.resolve()), trigger=str(trigger) if trigger else None)


def _second_trigger(home: Path, new: Path) -> Path | None:
    from headrace._internal.files import write_whole
    from headrace.config import (
        ProjectError,
    )
    from headrace.project import (
        load_project,
    )

    try:
        project = load_project(home)
    except ProjectError:
        return None
    root = project.collections["workstation"].root.resolve()
    first = project.triggers_dir / "next_iteration.toml"
    if not new.is_relative_to(root) or not first.is_file():
        return None
    old_path, new_path = (f"/{place.relative_to(root)}/" for place in (home, new))
    target = first.with_name(f"next_iteration_{new.name}.toml")
    text = first.read_text(encoding="utf-8").replace(old_path, new_path)
    write_whole(target, text)
    return target


COMMANDS = (start, pause, resume, redo, back_to, set_band, drop_event, drop_station, branch)
