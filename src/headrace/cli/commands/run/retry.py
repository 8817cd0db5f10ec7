"""``headrace run retry``."""

from __future__ import annotations

from typing import Any

import click

from headrace.cli.commands.run._changes import change_selected, chosen_selection, yes_option
from headrace.cli.commands.run._fields import RUN_COLUMNS
from headrace.cli.parsing.inputs import read_json
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.selections import selection_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display


@click.command
@selection_options
@click.option(
    "--from",
    "state",
    metavar="STATE",
    help="State to begin at; the one where the run ended by default.",
)
@click.option(
    "--result",
    metavar="FILE",
    help="JSON file (- for standard input) with the state's output, when you have done its work "
    "by hand: the `details` of an Action. The new run begins after the state. Of one run only.",
)
@click.option("--latest", is_flag=True, help="Use the flow as it is deployed now.")
@click.option(
    "-l",
    "--new-label",
    "new_label",
    help="Label of the new run; the old one's by default. With one RUN --label means it, too.",
)
@click.option("--again", is_flag=True, help="Also runs that a retry has mended.")
@yes_option
@project_options
def retry_command(
    chosen: dict[str, Any],
    state: str | None,
    result: str | None,
    latest: bool,
    new_label: str | None,
    again: bool,
    yes: bool,
) -> int:
    """Continue runs that have ended, each in a new run that begins at one of its states.

    The state gets the input that it had; earlier states are not repeated. At the hosted service the
    flow runs as it is deployed now, and one that was deployed without an entry for retries begins
    at its start. A run that a retry has mended, or that one takes up now, is not retried.
    Conditions mean runs that are FAILED or ENDED, unless --status says otherwise. More than ten
    runs are shown and asked for.
    """
    from headrace.config import ProjectError
    from headrace.runs.bulk_change import RunChange, retry_refusal
    from headrace.runs.query import NO_RESULT, find_run, retry_run
    from headrace.runs.retry_chains import read_retry_chains

    if len(chosen["run_ids"]) == len(chosen["label"]) == 1 and new_label is None:
        # One run is named: its label needs no search.
        [new_label], chosen["label"] = chosen["label"], ()
    session = current()
    project = session.project()
    selection = chosen_selection(project, chosen)
    if result is not None and selection.single_id is None:
        raise click.UsageError("--result is the output of one run's state: name that run alone")
    given = NO_RESULT if result is None else read_json(result)
    services = session.services(project, start=True)
    if selection.single_id is None:
        options = {"state": state, "latest": latest, "label": new_label}
        wanted = RunChange("retry", options=options, again=again)
        return change_selected(project, services, selection, chosen, wanted, yes=yes)
    found = find_run(services, selection.single_id)
    if not again and given is NO_RESULT and state is None and not latest:
        chains = read_retry_chains(services, session.target, [services.read(f"/runs/{found}")])
        refusal = retry_refusal(chains, found)
        # A facility gives the run that goes on.
        if refusal and (session.target != "local" or chains.mended_by(found)):
            raise ProjectError(f"run {found} was {refusal}: --again retries it all the same")
    document = retry_run(
        services,
        session.target,
        found,
        state=state,
        result=given,
        latest=latest,
        label=new_label,
    )
    begins, note = document["retry_of"]["state"], document["retry_of"].get("note", "")
    where = f"after {begins}" if result is not None else f"at {begins or 'its start'}"
    display(
        document,
        lambda: f"{document['run_id']}: takes up {found} {where}" + (f" ({note})" if note else ""),
        RUN_COLUMNS,
    )
    return 0
