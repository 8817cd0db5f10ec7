"""``headrace endpoint drain``."""

from __future__ import annotations

import click

from headrace.cli.commands.endpoint._several import (
    change_endpoints,
    hosted_names,
    names_argument,
    yes_option,
)
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current


@click.command
@names_argument
@yes_option
@project_options
def drain_command(names: tuple[str, ...], yes: bool) -> int:
    """Keep new tasks of each ENDPOINT back, while those that run end.

    They wait at the facility, over its restarts too, until `headrace endpoint undrain`; what the
    facility's own restart interrupts waits with them. `headrace endpoint status` says how many are
    left. Without names: all that the facility hosts. More than one are shown and asked for. Globus
    Compute has no call that keeps tasks back.
    """
    from headrace.endpoints import lifecycle

    session = current()
    project = session.project()
    services = session.services(project)

    def drain(name: str) -> tuple[str, str]:
        changed = lifecycle.drain(project, name, session.target, services, on=True)
        return "drained" if changed else "was drained", "new tasks wait, what runs ends as it is"

    return change_endpoints(names, lambda: hosted_names(project), drain, question="Drain", yes=yes)
