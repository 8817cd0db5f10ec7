"""``headrace run retry``."""

from __future__ import annotations

import click

from headrace.cli.commands.run._fields import RUN_COLUMNS
from headrace.cli.parsing import completion
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display


@click.command
@click.argument("run_id", metavar="RUN", shell_complete=completion.runs)
@click.option(
    "--from",
    "state",
    metavar="STATE",
    help="State to begin at; the one where RUN ended by default.",
)
@click.option(
    "--result",
    metavar="FILE",
    help="JSON file (- for standard input) with the state's output, when you have done its work "
    "by hand: the `details` of an Action. The new run begins after the state.",
)
@click.option("--latest", is_flag=True, help="Use the flow as it is deployed now.")
@click.option("-l", "--label", help="Label of the new run; RUN's by default.")
@project_options
def retry_command(
    run_id: str, state: str | None, result: str | None, latest: bool, label: str | None
) -> None:
    """Continue RUN, which has ended, in a new run that begins at one of its states.

    The state gets the input that it had in RUN; earlier states are not repeated. The hosted
    service can only begin at the start: there it is a new run with the same input.
    """
    from headrace.cli.parsing.inputs import read_json
    from headrace.runs.query import NO_RESULT, find_run, retry_run

    session = current()
    given = NO_RESULT if result is None else read_json(result)
    services = session.services(session.project(), start=True)
    found = find_run(services, run_id)
    document = retry_run(
        services, session.target, found, state=state, result=given, latest=latest, label=label
    )
    begins = document["retry_of"]["state"]
    where = f"after {begins}" if result is not None else f"at {begins or 'its start'}"
    display(
        document,
        lambda: f"{document['run_id']}: takes up {found} {where}",
        RUN_COLUMNS,
    )
