"""``headrace run report``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display_table, is_text
from headrace.cli.termio.notes import note
from headrace.cli.termio.tables import Field

if TYPE_CHECKING:
    from headrace.runs.run_report import Period


def _percent(row: dict[str, Any]) -> str:
    return "" if row["percent"] is None else f"{row['percent']:.0f} %"


def _mark(row: dict[str, Any]) -> str:
    return "stands out" if row["stands_out"] else ""


_FIELDS = (
    Field("from", key="period"),
    Field("flow", key="flow"),
    Field("started", key="started"),
    Field("succeeded", key="succeeded"),
    Field("failed", key="failed"),
    Field("cancelled", optional=True, key="cancelled"),
    Field("open", optional=True, key="open"),
    Field("mended", optional=True, key="mended"),
    Field("success", _percent, key="percent"),
    Field("", key="stands_out"),
    Field("note", _mark, optional=True),
)


@click.command
@click.option(
    "--by",
    type=click.Choice(["day", "week", "month"]),
    default="day",
    show_default=True,
    help="Length of a period.",
)
@click.option(
    "-n",
    "--number",
    type=click.IntRange(1, 1000),
    default=5,
    show_default=True,
    help="Number of periods, with the present one.",
)
@project_options
def report_command(by: Period, number: int) -> None:
    """Count runs by flow and period: started, succeeded, failed, mended by a retry.

    The share of success is of those that ended by themselves. A period stands out where more of its
    runs failed than chance explains, beside the flow's other periods (Fisher's exact test,
    corrected for the number of periods, p below 0.01).
    """
    from headrace.runs.run_report import read_run_report

    session = current()
    project = session.project()
    report = read_run_report(project, session.target, session.services(project), by, number)
    rows = [row.document() for row in report.rows]
    display_table(rows, _FIELDS, f"No run was started in the last {number} {by}s.")
    if not report.complete and is_text():
        note("older runs were not read: there are more than 100,000")
