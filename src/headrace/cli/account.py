"""``headrace login``, ``logout`` and ``whoami``."""

from __future__ import annotations

import contextlib
import sys

import click

from headrace.cli.options import current, output_options, project_options
from headrace.cli.termio.display import display
from headrace.cli.termio.tables import Field, record

_FIELDS = (
    Field("Username", lambda who: who.get("preferred_username")),
    Field("Name", lambda who: who.get("name")),
    Field("Email", lambda who: who.get("email")),
    Field("Identity", lambda who: who.get("sub")),
)


@click.command
@click.option("--force", is_flag=True, help="Log in again even when the present login suffices.")
@click.option(
    "--consent", "consents", multiple=True, metavar="SCOPE", help="Consent to this scope, too."
)
@project_options
def login(force: bool, consents: tuple[str, ...]) -> None:
    """Log in to Globus.

    Asks for the consents that the project's deployed flows and mapped collections need.
    """
    from headrace.hosted import login as log_in
    from headrace.hosted import token_file
    from headrace.project.targets import hosted_needs

    # The SDK leads through the login on standard output, which is for the result alone.
    with contextlib.redirect_stdout(sys.stderr):
        log_in(*hosted_needs(current().directory), force=force, consents=consents)
    display({"logged_in": True, "tokens": str(token_file())}, "You are logged in.")


@click.command
@output_options
def logout() -> None:
    """Log out of Globus; tokens are revoked."""
    from headrace.hosted import logout as log_out

    done = log_out()
    display({"logged_out": done}, "You are logged out." if done else "You were not logged in.")


@click.command
@output_options
def whoami() -> None:
    """Show who is logged in to Globus."""
    from headrace.hosted import whoami as who_am_i

    who = who_am_i()
    display(who, lambda: record(who, _FIELDS), ("preferred_username", "sub"))
