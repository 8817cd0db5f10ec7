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

SERVICE_NAMES = ("facility", "watch", "campaigns", "monitor", "answers", "web")
manager_option = click.option(
    "--manager",
    type=click.Choice(["systemd", "cron", "scrontab"]),
    help="By default systemd if you have one here, else cron, else Slurm's scrontab.",
)


def services_argument(function: F) -> F:
    """Add the names of services."""
    return click.argument(
        "names",
        metavar="[facility|watch|campaigns|monitor|answers|web]...",
        nargs=-1,
        type=click.Choice(SERVICE_NAMES),
    )(function)


def chosen_services(names: tuple[str, ...], *, exactly: bool = False) -> list[BackgroundService]:
    """Return the services that are named.

    Args:
        names: the names.
        exactly: return no other, and all that the target can have where none is named; else those
            of use, and what they need.
    """
    from headrace.background_services import choose_services, named_services

    session = current()
    project = session.project()
    choose = named_services if exactly else choose_services
    return choose(project, session.target, os.environ, names)
