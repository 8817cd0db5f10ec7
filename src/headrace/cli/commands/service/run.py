"""``headrace service run``."""

from __future__ import annotations

import click

from headrace.cli.commands.service._options import SERVICE_NAMES, chosen_services
from headrace.cli.parsing.options import project_options


@click.command
@click.argument(
    "names",
    metavar="SERVICE [SERVICE]...",
    nargs=-1,
    required=True,
    type=click.Choice(SERVICE_NAMES),
)
@project_options
def run_command(names: tuple[str, ...]) -> int:
    """Run a service until it ends; for entries of cron and scrontab.

    SERVICE is facility, watch, campaigns, monitor or answers.
    What it writes goes to a log that is rotated. One that runs already is left alone. Several
    services run beside each other, each started again when it ends, until a signal ends all.
    """
    from headrace.background_services.cron_runner import run_service, run_services

    services = chosen_services(names, exactly=True)
    return run_service(services[0]) if len(services) == 1 else run_services(services)
