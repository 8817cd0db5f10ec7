"""``headrace run undo``."""

from __future__ import annotations

import click

from headrace.cli.commands.run._changes import ask_for, show_outcomes, yes_option
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current


@click.command
@yes_option
@project_options
def undo_command(yes: bool) -> int:
    """Undo the last change of many runs, as far as that is possible, and say it of each run.

    Runs that were held are released and the other way round, tags are as they were, and runs that a
    retry started are cancelled, which is always asked for. What was cancelled, deleted or resumed
    stays so: the exit code is 1 where nothing could be undone. An undo is a change in its turn. Of
    changes of one run by its id only those of tags and holds are kept.
    """
    from headrace.runs.change_record import ChangeRecords
    from headrace.runs.change_undo import plan_undo, undo_change

    session = current()
    project = session.project()
    services = session.services(project)
    records = ChangeRecords(project)
    undo = plan_undo(project, session.target, services, records)
    if len(undo.selected):
        what = f"Undo run {undo.record.verb} of {undo.record.started_at[:19]} UTC: {undo.verb}"
        ask_for(what, undo.selected, yes=yes, always=undo.verb == "cancel")
    with records.exclusive():
        records.refuse_newer(undo.record)
        outcomes = [*undo_change(project, session.target, services, records, undo)]
    show_outcomes("undo", outcomes)
    statuses = {outcome.status for outcome in outcomes}
    return 1 if "failed" in statuses or "changed" not in statuses else 0
