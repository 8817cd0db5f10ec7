"""``headrace doctor``."""

from __future__ import annotations

from typing import Any

import click

from headrace.cli.parsing import completion
from headrace.cli.parsing.inputs import input_options, read_input
from headrace.cli.parsing.options import canary_deadline_option, project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.findings import display_findings


@click.command
@click.argument("flow", shell_complete=completion.flows)
@input_options(
    "JSON file with the flow's input; - for standard input.", "Set a member of the input."
)
@click.option("--canary", is_flag=True, help="Run a task that does nothing at every endpoint.")
@canary_deadline_option
@project_options
def doctor_command(
    flow: str, file: str | None, settings: tuple[Any, ...], canary: bool, deadline: float
) -> int:
    """Check everything that a run of FLOW needs, without starting it.

    Checks the definition, what is deployed, the input, the collections' directories, the endpoints
    and the functions that they may run. The exit code is 1 when a check fails.
    """
    from headrace.diagnostics.doctor import diagnose

    session = current()
    project = session.project()
    body = read_input(file, settings, project.flow(flow).input_schema)
    services = session.services(project, start=True)
    found = diagnose(
        project, session.target, services, flow, body, canary_seconds=deadline if canary else None
    )
    return display_findings(found)
