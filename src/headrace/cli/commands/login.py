"""``headrace login``."""

from __future__ import annotations

import contextlib
import sys

import click

from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display


@click.command
@click.option(
    "--force", is_flag=True, help="Log in again even when the present login is sufficient."
)
@click.option(
    "--consent",
    "consents",
    multiple=True,
    metavar="SCOPE",
    help="Also consent to this scope; may be repeated.",
)
@project_options
def login_command(force: bool, consents: tuple[str, ...]) -> None:
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
