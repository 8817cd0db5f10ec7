"""``headrace demo ert``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from headrace.cli.commands.demo._run import deploy_and_drive
from headrace.cli.parsing.options import output_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display
from headrace.cli.termio.notes import note
from headrace.cli.termio.tables import Field, table

SECTIONS = 24


def _number(name: str, digits: int) -> Field:
    def text(row: Mapping[str, Any]) -> str:
        value = row.get(name)
        return f"{value:.{digits}f}" if isinstance(value, int | float) else ""

    return Field({"chi2": "Chi-square", "rms": "RMS (%)"}.get(name, name), text)


FIELDS = (
    Field("Section", key="key"),
    Field("Site", key="group"),
    Field("Priority", lambda row: f"{row['priority']:g}"),
    Field("State", key="state"),
    Field("Lane", key="lane"),
    _number("chi2", 2),
    _number("rms", 1),
    Field("Iterations", lambda row: row.get("iterations", "")),
    Field("Cause", key="cause", optional=True),
)


@click.command
@click.argument(
    "directory", type=click.Path(path_type=Path, file_okay=False), default="headrace-demo-ert"
)
@click.option(
    "--sections", type=click.IntRange(1), default=SECTIONS, help=f"Number of sections ({SECTIONS})."
)
@click.option("--keep", is_flag=True, help="Leave the facility running at the end.")
@output_options
def ert_command(directory: Path, sections: int, keep: bool) -> int:
    """Invert synthetic resistivity sections over two lanes, in DIRECTORY.

    Creates a project, computes the data of sections at three sites, inverts them as a campaign by
    pyGIMLi, those of a higher priority first, and shows the misfit of each. A second call in the
    same DIRECTORY goes on with what is not done.
    """
    from headrace.demos.demonstration import stop_services
    from headrace.demos.ert import ResistivityDemonstration

    session = current()
    session.directory = directory
    demonstration = ResistivityDemonstration(directory, note)
    names = demonstration.prepare(sections)
    status = deploy_and_drive(demonstration)
    rows = demonstration.members(session.project(), session.target)
    good = status.counts["done"] == len(names)
    document = {
        "directory": str(directory.resolve()),
        "counts": dict(status.counts),
        "core_hours": status.core_hours,
        "sections": list(rows),
        "results": str(demonstration.results.resolve()),
    }

    def text() -> str:
        lines = [table(rows, FIELDS, "no section"), ""]
        if not good:
            return "\n".join(
                [*lines, f"See    cd {directory}; headrace campaign why {demonstration.campaign}"]
            )
        lines += [
            f"Models  {demonstration.results}/line*/*/model.vtk",
            f"Next    cd {directory}; headrace campaign report {demonstration.campaign}",
        ]
        return "\n".join(lines)

    display(document, text, ("directory",))
    if not keep:
        stop_services(directory)
    return 0 if good else 1
