"""``headrace endpoint undrain``."""

from __future__ import annotations

import click

from headrace.cli.commands.endpoint._several import change_endpoints, hosted_names, names_argument
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current


@click.command
@names_argument
@project_options
def undrain_command(names: tuple[str, ...]) -> int:
    """Let each ENDPOINT take tasks again, those that were kept back first.

    Without names: all that the facility hosts.
    """
    from headrace.endpoints import lifecycle

    session = current()
    project = session.project()
    services = session.services(project)

    def undrain(name: str) -> tuple[str, str]:
        changed = lifecycle.drain(project, name, session.target, services, on=False)
        return "undrained" if changed else "was not drained", ""

    return change_endpoints(names, lambda: hosted_names(project), undrain)
