"""``headrace run show``."""

from __future__ import annotations

import json

import click

from headrace.cli.commands.run._fields import RUN_COLUMNS
from headrace.cli.parsing import completion
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display
from headrace.cli.termio.runs import run_text


@click.command
@click.argument("run_id", metavar="RUN", shell_complete=completion.runs)
@click.option("--input", "part", flag_value="input", help="Only its input, as JSON.")
@click.option("--output", "part", flag_value="output", help="Only what it ended with, as JSON.")
@project_options
def show_command(run_id: str, part: str | None) -> None:
    """Show the status, progress and results of RUN, and each of its states.

    Of a state it has the time, the batch jobs with their nodes, and, where it failed on this
    machine, the last line that was printed.
    """
    from headrace.runs import RunPoller
    from headrace.runs.blockers import pending_reason
    from headrace.runs.query import find_run
    from headrace.runs.retry_chains import read_retry_chains
    from headrace.runs.run_document import run_document, run_input
    from headrace.runs.state_details import run_core_hours, state_details

    session = current()
    project = session.project()
    services = session.services(project)
    poller = RunPoller(find_run(services, run_id))
    view = poller.poll(services)
    given = {"input": run_input(poller.entries), "output": view.output}
    if part is not None:
        display(given[part], lambda: json.dumps(given[part], indent=2))
        return
    why = pending_reason(project, session.target, services, view, poller.entries)
    states = state_details(view, poller.entries, project)
    chains = read_retry_chains(services, session.target, [view.run])
    display(
        {
            **chains.annotated(run_document(view, project, session.target)),
            "waits_for": why or None,
            "input": given["input"],
            "core_hours": run_core_hours(states),
            "states": [each.document() for each in states],
        },
        lambda: run_text(view, project, session.target, why, states, chains),
        RUN_COLUMNS,
    )
