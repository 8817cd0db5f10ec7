"""``headrace logout``."""

from __future__ import annotations

import click

from headrace.cli.parsing.options import output_options
from headrace.cli.termio.display import display


@click.command
@output_options
def logout_command() -> None:
    """Log out of Globus and revoke the tokens."""
    from headrace.hosted import logout as log_out

    done = log_out()
    display({"logged_out": done}, "You are logged out." if done else "You were not logged in.")
