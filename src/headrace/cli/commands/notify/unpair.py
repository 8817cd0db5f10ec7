"""``headrace notify unpair``."""

from __future__ import annotations

import click

from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display


@click.command
@project_options
def unpair_command() -> None:
    """Forget the phone: topics, key and tokens are deleted.

    Buttons that were sent before do nothing any more. Unsubscribe in the app, too.
    """
    from headrace.notifications.phone.pairing import remove_pairing

    removed = remove_pairing(current().root())
    text = "Unpaired: topics, key and tokens are deleted." if removed else "No phone was paired."
    display({"removed": removed}, text, ("removed",))
