"""``headrace run log``."""

from __future__ import annotations

import click

from headrace.cli.commands.run._fields import LOG_FIELDS
from headrace.cli.parsing import completion
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display_table, is_text
from headrace.cli.termio.notes import note
from headrace.cli.termio.runs import LEFT_OUT, entry_words


@click.command
@click.argument("run_id", metavar="RUN", shell_complete=completion.runs)
@click.option("-n", "--limit", type=click.IntRange(1), help="Maximum number of entries.")
@click.option("-r", "--reverse", is_flag=True, help="Newest entries first.")
@project_options
def log_command(run_id: str, limit: int | None, reverse: bool) -> None:
    """Print the log of RUN.

    Failures are shown in full. Long inputs and outputs are shortened; -F json has them in full.
    """
    from headrace.runs.query import find_run, run_log

    session = current()
    services = session.services(session.project())
    found = find_run(services, run_id)
    entries = run_log(services, found, limit=limit, reverse=reverse)
    display_table(entries, LOG_FIELDS, "The log is empty.")
    if is_text() and any(entry_words(entry).endswith(f" {LEFT_OUT})") for entry in entries):
        note(f"inputs and outputs are shortened; in full: headrace run log {found} -F json")
