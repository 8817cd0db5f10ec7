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


def _hours(row: dict[str, Any]) -> str:
    """Return core hours, and of how many runs where not all of them tell theirs."""
    if row["core_hours"] is None:
        return ""
    known, started = row["core_hours_runs"], row["started"]
    return f"{row['core_hours']:,.3g}" + (f" (of {known:,} runs)" if known < started else "")


REPORT_FIELDS = (
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
    Field("core hours", _hours, optional=True, key="core_hours"),
    Field("", key="core_hours_runs"),
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
@click.option(
    "--core-hours",
    is_flag=True,
    help="Also the core hours of their batch jobs, failed attempts included; reads each run's log.",
)
@project_options
def report_command(by: Period, number: int, core_hours: bool) -> None:
    """Count runs by flow and period: started, succeeded, failed, mended by a retry.

    The share of success is of those that ended by themselves. A period stands out where more of its
    runs failed than chance explains, beside the flow's other periods (Fisher's exact test,
    corrected for the number of periods, p below 0.01). With --core-hours the core hours are those
    of runs whose jobs tell theirs, and it says of how many where that is not all.
    """
    from headrace.runs.run_report import read_run_report

    session = current()
    project = session.project()
    services = session.services(project)
    report = read_run_report(project, session.target, services, by, number, core_hours=core_hours)
    rows = [row.document() for row in report.rows]
    display_table(rows, REPORT_FIELDS, f"No run was started in the last {number} {by}s.")
    if core_hours and rows and is_text() and all(row["core_hours"] is None for row in rows):
        note("no run's batch jobs tell core hours, as far as this machine knows")
    if not report.complete and is_text():
        note("older runs were not read: there are more than 100,000")
