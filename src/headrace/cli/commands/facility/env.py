"""``headrace facility env``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display

if TYPE_CHECKING:
    from headrace.facility import Address


@click.command
@click.option(
    "--compute",
    is_flag=True,
    help="Exports for globus-compute-endpoint and the Compute SDK instead.",
)
@project_options
def env_command(compute: bool) -> None:
    """Print shell exports that make other Globus clients use the facility.

    For the Globus CLI, the SDK, and headrace itself with --at globus. Use with eval:
    eval "$(headrace facility env)". They contain secrets: do not share them.
    """
    from headrace.config import ProjectError
    from headrace.facility import compute_environment, find_address

    project = current().project()
    address = find_address(project.root)
    if address is None:
        raise ProjectError(f"{project.root}: no facility is running: run `headrace facility up`")
    variables = compute_environment(project.root) if compute else _variables(project.root, address)
    display(
        variables,
        "\n".join(f"export {name}={shlex.quote(value)}" for name, value in variables.items()),
    )


def _variables(root: Path, address: Address) -> dict[str, str]:
    from headrace.facility import client_environment

    return {
        **client_environment(root, address.url),
        "HEADRACE_FACILITY_URL": f"{address.url.rstrip('/')}/",
        "HEADRACE_FACILITY_TOKEN": address.token,
    }
