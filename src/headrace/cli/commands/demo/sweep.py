"""``headrace demo sweep``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from headrace.cli.commands.demo._run import deploy_and_drive
from headrace.cli.parsing.options import output_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display
from headrace.cli.termio.notes import note
from headrace.cli.termio.tables import Field, table

ROWS = 30
_SHOWN = 10


@click.command
@click.argument(
    "directory", type=click.Path(path_type=Path, file_okay=False), default="headrace-sweep"
)
@click.option("--keep", is_flag=True, help="Leave the facility running at the end.")
@output_options
def sweep_command(directory: Path, keep: bool) -> int:
    """Run a campaign of thirty commands over two lanes, in DIRECTORY.

    Creates a project and a campaign with a table of thirty rows, runs the command of each row at
    one of two endpoints, brings the outputs home, and shows the table with its results. A second
    call in the same DIRECTORY adds thirty further rows.
    """
    from headrace.demos.demonstration import stop_services
    from headrace.demos.sweep import SweepDemonstration

    session = current()
    session.directory = directory
    demonstration = SweepDemonstration(directory, note)
    demonstration.prepare(ROWS)
    status = deploy_and_drive(demonstration, shows_board=True)
    rows = demonstration.rows(session.project(), session.target)
    name = demonstration.campaign
    results = directory / "data" / "results" / name
    document = {
        "directory": str(directory.resolve()),
        "campaign": status.document(),
        "members": list(rows),
        "results": str(results.resolve()),
    }
    good = bool(rows) and all(row["state"] == "done" for row in rows)

    def text() -> str:
        lines = [_rows_text(rows), ""]
        lines += [
            f"Results  {results}/*/*/trajectory.txt",
            f"Table    {directory}/campaigns/{name}.csv",
            f"Next     cd {directory}; headrace campaign status {name}",
        ]
        return "\n".join(lines)

    display(document, text, ("directory",))
    if not keep:
        stop_services(directory)
    return 0 if good else 1


def _rows_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return a line for each of the last members, and how many there are."""
    fields = [
        Field("Member", key="key"),
        Field("State", key="state"),
        Field("Lane", key="lane"),
        Field("Zero crossings", lambda row: row.get("crossings", "")),
        Field("Last", lambda row: row.get("last", "")),
        Field("Cause", key="cause", optional=True),
    ]
    failed = [row for row in rows if row["state"] != "done"]
    shown = failed[:_SHOWN] or rows[-_SHOWN:]
    done = len(rows) - len(failed)
    last = f"{done} of {len(rows)} done; above, the last {len(shown)}"
    if failed:
        last = f"{done} of {len(rows)} done; above, {len(shown)} that are not"
    return "\n".join([table(shown, fields, "no member"), last])
