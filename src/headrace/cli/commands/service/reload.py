"""``headrace service reload``."""

from __future__ import annotations

import click

from headrace.cli.commands.service._options import (
    chosen_services,
    manager_option,
    services_argument,
)
from headrace.cli.parsing.options import project_options
from headrace.cli.termio.display import display


@click.command
@services_argument
@manager_option
@project_options
def reload_command(names: tuple[str, ...], manager: str | None) -> int:
    """Have services read headrace.toml and the triggers again.

    Watch and monitor by default; what they do goes on meanwhile. The facility reads nothing again:
    `headrace service install facility` starts it anew. The exit code is 1 when none was reloaded.
    """
    from headrace.background_services.reloading import reload_services

    reloaded = reload_services(chosen_services(names, exactly=True), manager)
    words = (
        f"Told: {', '.join(reloaded)}."
        if reloaded
        else "No service that reads anything again works."
    )
    display({"services": reloaded}, words, ("services",))
    return 0 if reloaded else 1
