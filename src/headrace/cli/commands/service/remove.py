"""``headrace service remove``."""

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
def remove_command(names: tuple[str, ...], manager: str | None) -> int:
    """Stop services and remove them from this machine.

    All services of the project by default. Runs stay as they are. The exit code is 1 when none was
    installed.
    """
    from headrace.background_services import remove_services

    chosen = chosen_services(names, exactly=True)
    others = [each for each in chosen_services((), exactly=True) if each not in chosen]
    removed = remove_services(chosen, others, manager)
    words = f"Removed: {', '.join(removed)}." if removed else "No service was installed."
    display({"services": removed}, words, ("services",))
    return 0 if removed else 1
