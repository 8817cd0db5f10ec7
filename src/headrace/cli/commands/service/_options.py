"""Arguments and options of ``headrace service``."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from headrace.cli.parsing.session import current

if TYPE_CHECKING:
    from headrace.background_services import BackgroundService

F = TypeVar("F", bound=Callable[..., Any])

SERVICE_NAMES = ("facility", "watch", "monitor")
manager_option = click.option(
    "--manager",
    type=click.Choice(["systemd", "cron"]),
    help="By default systemd if you have one here, else cron.",
)


def services_argument(function: F) -> F:
    """Add the names of services."""
    return click.argument(
        "names", metavar="[facility|watch|monitor]...", nargs=-1, type=click.Choice(SERVICE_NAMES)
    )(function)


def chosen_services(names: tuple[str, ...], *, every: bool = False) -> list[BackgroundService]:
    """Return the services that are named.

    Args:
        names: the names.
        every: return all that the target can have where none is named, not those of use alone.
    """
    from headrace.background_services import choose_services

    session = current()
    project = session.project()
    if every and not names:
        names = tuple(name for name in SERVICE_NAMES if (name, session.target) != _NONE)
    return choose_services(project, session.target, os.environ, names)


# The facility is a service of this machine.
_NONE = ("facility", "globus")
