"""``headrace doctor``."""

from __future__ import annotations

from typing import Any

import click

from headrace.cli.parsing import completion
from headrace.cli.parsing.inputs import input_options, read_input
from headrace.cli.parsing.options import canary_deadline_option, project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display
from headrace.cli.termio.tables import Field, columns_of, table

_FIELDS = (
    Field("what", key="what"),
    Field("health", key="health"),
    Field("finding", key="words"),
)


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
    bad = sum(diagnosis.health == "bad" for diagnosis in found)
    words = "All checks passed." if not bad else f"{bad} of these would make the run fail."
    documents = [diagnosis.document() for diagnosis in found]
    display(documents, lambda: f"{table(documents, _FIELDS, '')}\n{words}", columns_of(_FIELDS))
    return 1 if bad else 0
