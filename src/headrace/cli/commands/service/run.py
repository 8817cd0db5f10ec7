"""``headrace service run``."""

from __future__ import annotations

import click

from headrace.cli.commands.service._options import SERVICE_NAMES, chosen_services
from headrace.cli.parsing.options import project_options


@click.command
@click.argument("name", metavar="facility|watch|monitor|answers", type=click.Choice(SERVICE_NAMES))
@project_options
def run_command(name: str) -> int:
    """Run a service until it ends; for entries of cron.

    What it writes goes to a log that is rotated. One that runs already is left alone.
    """
    from headrace.background_services.cron_runner import run_service

    (service,) = chosen_services((name,), exactly=True)
    return run_service(service)
