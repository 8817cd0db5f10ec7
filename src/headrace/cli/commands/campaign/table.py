"""``headrace campaign table``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from headrace.cli.commands.campaign._campaigns import campaign_argument, opened
from headrace.cli.parsing.members import ids_of, member_options
from headrace.cli.parsing.options import project_options
from headrace.cli.termio.display import display, is_text
from headrace.cli.termio.terminal import write


@click.command
@campaign_argument
@member_options
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="File to write: .csv, .json or .parquet. Without one the table is printed as CSV.",
)
@project_options
def table_command(name: str, chosen: dict[str, Any], output: Path | None) -> None:
    """Write the campaign's table with what became of each member.

    Each row has the state, step, lane, failures, core hours and cause of a member, the columns that
    it had, and the facts that it returned.
    """
    from headrace.campaigns.result_table import csv_text, result_columns, result_rows, write_table

    with opened(name) as campaign:
        ids = ids_of(campaign, chosen)
        if output is not None:
            count = write_table(campaign.database, campaign.id, output, ids)
            display(
                {"file": str(output), "members": count}, f"{output}: {count:,} members.", ("file",)
            )
            return
        as_csv = is_text()
        found = result_rows(campaign.database, campaign.id, ids, for_spreadsheet=as_csv)
        rows = [*found]
        if as_csv:
            columns = result_columns(campaign.database, campaign.id)
            write(csv_text(columns, rows), newline=False)
            return
    display(rows, "")
