"""``headrace facility check``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display

if TYPE_CHECKING:
    from headrace.facility import StoreReport


# Lines of one kind that `facility check` shows.
_SHOWN = 20


@click.command
@click.option(
    "--export",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Copy everything that can be read to a new database.",
)
@project_options
def check_command(export: Path | None) -> int:
    """Check the facility's database for damage.

    Reads every page, every reference and the events of every run. Nothing is changed, and the
    facility may be running. The exit code is 1 when it is damaged.
    """
    from headrace.facility import check_store, state_directory

    report = check_store(state_directory(current().root()) / "facility.db", export)
    display(report.document(), lambda: _check_text(report), ("path", "sound", "runs"))
    return 0 if report.intact else 1


def _first(lines: list[str]) -> list[str]:
    more = len(lines) - _SHOWN
    return [*lines[:_SHOWN], f"... and {more} more (-F json has all)"] if more > 0 else lines


def _check_text(report: StoreReport) -> str:
    lines = [f"{report.path}: {report.size / 1e6:.1f} MB, {report.runs} runs"]
    lines += _first(report.problems)
    lines += _first([f"run {run_id}: {reason}" for run_id, reason in report.unreadable_runs])
    if report.exported is not None:
        lines.append(
            f"What can be read is in {report.exported} ({report.rows.get('runs', 0)} runs, "
            f"{report.rows.get('events', 0)} events): stop the facility, move {report.path} with "
            f"its -wal and -open away, move the new file there, and start the facility."
        )
    elif report.intact:
        lines.append("No damage.")
    else:
        lines.append("Make a store of what can be read: `headrace facility check --export FILE`.")
    return "\n".join(lines)
