"""``headrace run list``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import click

from headrace.cli.commands.run._fields import LIST_FIELDS, RUN_FIELDS
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.selections import selection_of, selection_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display, display_table, is_text
from headrace.cli.termio.notes import note
from headrace.cli.termio.tables import Field


@click.command
@selection_options
@click.option(
    "-n", "--limit", type=click.IntRange(1), default=20, help="Maximum number of runs (20)."
)
@click.option("--page", type=click.IntRange(1), default=1, help="Page of so many runs (1).")
@click.option(
    "--columns",
    metavar="NAME,...",
    help=f"Columns of text and unix format: {', '.join(LIST_FIELDS)}.",
)
@click.option("--count", is_flag=True, help="Only the number of runs, of each status.")
@project_options
def list_command(
    chosen: dict[str, Any], limit: int, page: int, columns: str | None, count: bool
) -> None:
    """List runs, the newest first.

    One that failed says which run took it up, and whether that has mended it.
    """
    from headrace.runs import RunView
    from headrace.runs.failure_cause import failure_cause
    from headrace.runs.retry_chains import read_retry_chains
    from headrace.runs.selection import RunSelector

    fields = _fields(columns)
    session = current()
    project = session.project()
    selection = selection_of(project, chosen)
    services = session.services(project)
    selector = RunSelector(project, session.target, services)
    if count:
        _show_count(selector.count(selection))
        return
    runs, more = selector.page(selection, (page - 1) * limit, limit)
    chains = read_retry_chains(services, session.target, runs)
    rows = []
    for run in runs:
        cause = failure_cause(run)
        shown = {"cause": cause and cause.summary, "duration": RunView(run).elapsed()}
        rows.append({**chains.annotated(run), **shown})
    display_table(rows, fields, "No runs.")
    if more and is_text():
        note(f"there are more: --page {page + 1}, or -n for a longer page; --count counts them")


def _fields(columns: str | None) -> Sequence[Field]:
    if columns is None:
        return RUN_FIELDS
    names = [name.strip() for name in columns.split(",") if name.strip()]
    unknown = [name for name in names if name not in LIST_FIELDS]
    if unknown or not names:
        what = f"{unknown[0]!r} is no column" if unknown else "no column is given"
        raise click.UsageError(f"--columns: {what}; there are {', '.join(LIST_FIELDS)}")
    return [LIST_FIELDS[name] for name in names]


def _show_count(counts: Counter[str]) -> None:
    total = sum(counts.values())
    words = ", ".join(f"{number:,} {status}" for status, number in sorted(counts.items()))
    document = {"runs": total, **counts}
    display(document, f"{total:,} runs{f': {words}' if words else ''}", ("runs",))
