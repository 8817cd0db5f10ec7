"""``headrace web-input list``."""

from __future__ import annotations

import click

from headrace.cli.commands.web_input._fields import WEB_INPUT_FIELDS
from headrace.cli.parsing import completion
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display_table


@click.command
@click.option("--all", "all_", is_flag=True, help="Include those that are closed.")
@click.option(
    "--flow",
    shell_complete=completion.flows,
    help="Only web inputs of runs of this flow of the project.",
)
@click.option(
    "--run", metavar="ID", shell_complete=completion.runs, help="Only web inputs of this run."
)
@project_options
def list_command(all_: bool, flow: str | None, run: str | None) -> None:
    """List the web inputs that wait for an answer, newest first."""
    from headrace.runs.launch import deployed_flow
    from headrace.runs.query import find_run
    from headrace.runs.web_inputs import list_web_inputs

    session = current()
    project = session.project()
    services = session.services(project)
    found = list_web_inputs(
        services,
        include_closed=all_,
        flow_id=deployed_flow(project, session.target, flow).id if flow else None,
        run_id=find_run(services, run) if run else None,
    )
    display_table(found, WEB_INPUT_FIELDS, "No web inputs.")
