"""``headrace inversion``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headrace.cli import inversion_steering
from headrace.cli.help import group
from headrace.cli.inversion_place import directory_argument, home_of, staging_of
from headrace.cli.options import output_options, place_option
from headrace.cli.termio.display import display
from headrace.cli.termio.tables import Field, record, table

if TYPE_CHECKING:
    from headrace.seismic.inversion.preflight import Preflight


@group()
def inversion() -> None:
    """Full-waveform inversions: begin, look, steer."""


for _command in inversion_steering.COMMANDS:
    inversion.add_command(_command)


@inversion.command
@directory_argument
@click.option(
    "--example",
    type=click.Choice(["checkerboard", "specfem2d"]),
    default="checkerboard",
    show_default=True,
    help="What to begin with.",
)
@output_options
def init(directory: Path, example: str) -> None:
    """Make a project in DIR with an inversion in its data/inversion/."""
    from headrace.cli.inversion_demonstration import prepare
    from headrace.cli.termio.notes import note

    home = prepare(directory, example, note)
    document = {"directory": str(directory.resolve()), "inversion": str(home)}
    lines = [
        f"Made the example {example} in {home}.",
        "Its settings are in inversion.toml. Next:",
        *([] if directory == Path() else [f"  cd {directory}"]),
        "  headrace deploy            # deploys the flows and functions here, on this machine",
        "  headrace inversion check   # says what would be refused later",
        "  headrace inversion start   # publishes the first iteration",
        "  headrace watch             # runs it, and each that follows",
        "  headrace inversion status",
    ]
    display(document, "\n".join(lines), ("inversion",))


@inversion.command
@directory_argument
@output_options
def check(directory: Path) -> int:
    """Check all that the next iteration of the inversion in DIR needs, before anything is sent.

    Everything that would be refused later is told at once, a line each, and what was changed since
    the last iteration. The exit code is 1 if there is anything.
    """
    from headrace.seismic.inversion.preflight import check_before

    found = check_before(home_of(directory))
    display(found.document(), lambda: _check_text(found), ("problems",))
    return 1 if found.problems else 0


def _check_text(found: Preflight) -> str:
    lines = [*found.problems, *(f"note: {note}" for note in found.notes)]
    lines += [f"changed: {change}" for change in found.changes]
    if not found.problems and found.iteration is not None:
        lines.append(f"Iteration {found.iteration} in band {found.band}: nothing is in its way.")
    return "\n".join(lines)


@inversion.command
@directory_argument
@place_option
@output_options
def status(directory: Path) -> None:
    """Show how the inversion in DIR stands: misfits, times, core hours, forecast.

    Whether somebody advances it is asked where it runs.
    """
    from headrace.cli.inversion_runs import InversionRuns
    from headrace.cli.options import current
    from headrace.seismic.inversion.status import status_of

    home = home_of(directory)
    told = status_of(home, staging_of(home), InversionRuns(current(), home).state)
    display(told, lambda: _text(told), ("state", "iteration", "band", "model_error"))


@inversion.command
@directory_argument
@output_options
def plot(directory: Path) -> None:
    """Draw misfits and costs of the inversion in DIR."""
    from headrace.seismic.inversion.report import draw_plots

    home = home_of(directory)
    _files(draw_plots(home, staging_of(home)))


@inversion.command
@directory_argument
@output_options
def report(directory: Path) -> None:
    """Write one HTML file for the inversion in DIR and for each iteration."""
    from headrace.seismic.inversion.report import write_reports

    home = home_of(directory)
    _files(write_reports(home, staging_of(home)))


def _files(paths: list[Path]) -> None:
    names = [str(path) for path in paths]
    display({"files": names}, "\n".join(names), ("files",))


def _text(told: dict[str, Any]) -> str:
    forecast, parent = told["forecast"], told["parent"]
    fields = [
        Field("Inversion", lambda _: told["title"]),
        Field("State", lambda _: _state(told)),
        Field("Iteration", lambda _: told["iteration"]),
        Field("Band", lambda _: told["band"]),
        Field("Model error", lambda _: told["problem"] or _share(told["model_error"])),
        Field("Core hours", lambda _: f"{told['core_hours']:.3g}"),
        Field(
            "Forecast",
            lambda _: (
                f"{forecast['iterations']} iterations, until {forecast['end']}"
                if forecast["end"]
                else ""
            ),
        ),
        Field(
            "Branched from",
            lambda _: f"{parent['inversion']} at iteration {parent['iteration']}" if parent else "",
        ),
    ]
    lines = [record(told, fields)]
    if told["iterations"]:
        lines += ["", iterations_text(told), "", _stages(told)]
    if told["changes"]:
        lines += ["", _changes(told)]
    if told["history"]:
        lines += ["", _history(told)]
    return "\n".join(lines)


def _state(told: dict[str, Any]) -> str:
    return f"{told['state']}: {told['reason']}" if told["reason"] else str(told["state"])


def _share(value: float | None) -> str:
    return "" if value is None else f"{100.0 * value:.1f} % of the first"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.5g}"


def iterations_text(told: dict[str, Any]) -> str:
    """Return a line for each iteration."""
    errors = dict(enumerate(told["model_errors"]))
    fields = [
        Field("Iteration", lambda row: row["iteration"]),
        Field("Band", lambda row: row["band"]),
        Field("Misfit", lambda row: _number(row["misfit"])),
        Field("After", lambda row: _number(row["misfit_after"])),
        Field("Trials", lambda row: len(row["trials"]) + len(row["given_up"])),
        Field("Step", lambda row: _number(row["step"])),
        Field("Direction", lambda row: row["direction"]),
        Field("Time (s)", lambda row: f"{row['seconds']:.1f}"),
        Field("Core hours", lambda row: _number(row["core_hours"])),
        Field("Model error", lambda row: _percent(errors.get(row["iteration"] + 1))),
        Field("Ended", lambda row: "model kept" if row.get("kept") else row["outcome"]),
    ]
    return table(told["iterations"], fields, "")


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100.0 * value:.1f} %"


def _stages(told: dict[str, Any]) -> str:
    rows = [{"stage": name, **row} for name, row in told["stages"].items()]
    fields = [
        Field("Stage", lambda row: row["stage"]),
        Field("Jobs", lambda row: row["calls"]),
        Field("Events", lambda row: row["computed"] or ""),
        Field("Time (s)", lambda row: f"{row['seconds']:.1f}"),
        Field("Core hours", lambda row: _number(row["core_hours"])),
    ]
    return table(rows, fields, "")


def _changes(told: dict[str, Any]) -> str:
    fields = [
        Field("Changed since then", lambda row: row["key"]),
        Field("It was", lambda row: _value(row["before"])),
        Field("It is", lambda row: _value(row["now"])),
        Field("What follows", lambda row: row["effect"]),
    ]
    return table(told["changes"], fields, "")


def _value(value: Any) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=False, default=str)


def _history(told: dict[str, Any]) -> str:
    fields = [
        Field("Time", lambda row: row["time"][:19]),
        Field("Who", lambda row: row["user"]),
        Field("What", lambda row: row["what"]),
        Field("Iteration", lambda row: row.get("iteration", "")),
        Field("Why", lambda row: row["why"]),
    ]
    return table(told["history"][-10:], fields, "")
