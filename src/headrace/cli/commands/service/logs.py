"""``headrace service logs``."""

from __future__ import annotations

import click

from headrace.cli.commands.service._options import SERVICE_NAMES, chosen_services, manager_option
from headrace.cli.parsing.options import project_options


@click.command
@click.argument("name", metavar="|".join(SERVICE_NAMES), type=click.Choice(SERVICE_NAMES))
@click.option(
    "-n", "--lines", type=click.IntRange(1), default=50, show_default=True, help="How many."
)
@click.option("-f", "--follow", is_flag=True, help="Show further lines as they come.")
@manager_option
@project_options
def logs_command(name: str, lines: int, follow: bool, manager: str | None) -> int:
    """Show the last lines of a service's log."""
    import subprocess

    from headrace.background_services import log_command

    (service,) = chosen_services((name,), exactly=True)
    command = log_command(service, lines, follow, manager)
    return subprocess.run(command, check=False).returncode
