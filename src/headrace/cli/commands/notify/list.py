"""``headrace notify list``."""

from __future__ import annotations

import click

from headrace.cli.commands.notify._fields import RECORD_FIELDS
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display_table


@click.command
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(1),
    default=20,
    help="Maximum number of notifications (20).",
)
@click.option("--waiting", is_flag=True, help="Only those that a channel has not taken yet.")
@project_options
def list_command(limit: int, waiting: bool) -> None:
    """List what people were told, when and by which channel, the newest first.

    What could not be sent yet is waiting, with the reason; the same words within a while are
    repeated and were sent once.
    """
    from headrace.notifications.trial import notification_records

    rows = notification_records(current().root(), limit, waiting=waiting)
    display_table(rows, RECORD_FIELDS, "Nobody was notified of anything yet.")
