"""``headrace whoami``."""

from __future__ import annotations

import click

from headrace.cli.parsing.options import output_options
from headrace.cli.termio.display import display
from headrace.cli.termio.tables import Field, record

_FIELDS = (
    Field("Username", lambda who: who.get("preferred_username")),
    Field("Name", lambda who: who.get("name")),
    Field("Email", lambda who: who.get("email")),
    Field("Identity", lambda who: who.get("sub")),
)


@click.command
@output_options
def whoami_command() -> None:
    """Show who is logged in to Globus."""
    from headrace.hosted import whoami as who_am_i

    who = who_am_i()
    display(who, lambda: record(who, _FIELDS), ("preferred_username", "sub"))
