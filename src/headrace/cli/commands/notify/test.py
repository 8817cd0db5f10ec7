"""``headrace notify test``."""

from __future__ import annotations

import click

from headrace.cli.commands.notify._fields import TEST_FIELDS
from headrace.cli.parsing import completion
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display_table


@click.command
@click.option(
    "--channel",
    metavar="NAME",
    shell_complete=completion.channels,
    help="Only this channel, such as command or apprise-2.",
)
@project_options
def test_command(channel: str | None) -> int:
    """Send a notification by every channel, and say whether each has taken it.

    It is sent at once, also in quiet hours. The exit code is 1 if a channel has not taken it.
    """
    from headrace.notifications.trial import send_trial

    project = current().project()
    rows = send_trial(project.config.notify, project.name, project.root, channel)
    display_table([row.document() for row in rows], TEST_FIELDS, "")
    return 0 if all(row.taken for row in rows) else 1
