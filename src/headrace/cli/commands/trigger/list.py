"""``headrace trigger list``."""

from __future__ import annotations

import click

from headrace.cli.commands.trigger._fields import TRIGGER_FIELDS
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display_table
from headrace.cli.termio.notes import note

# Timers and ends of runs have no directory.
_NO_DIRECTORY = dict.fromkeys(("collection", "path", "directory", "pattern", "regex"), "")


@click.command
@project_options
def list_command() -> None:
    """List the triggers.

    Shows the directory that each watches, when it is due or which runs it follows, and the flow
    that it starts; "paused" where it starts none for now. Errors in trigger files are shown below
    the list.
    """
    from headrace.cli.parsing.triggers import loaded
    from headrace.triggers import directory_problem, read_paused
    from headrace.triggers.state_files import ledger_file

    names = ("name", "title", "collection", "path", "directory", "what", "pattern", "flow")
    session = current()
    project = session.project()
    found, errors = loaded(project)
    paused = read_paused(ledger_file(project, session.target))
    problems = {one.name: directory_problem(one) for one in found}
    triggers = [
        {
            **{name: str(getattr(one, name)) for name in names},
            "regex": one.regex or "",
            **({} if one.watches_directory else _NO_DIRECTORY),
            "what": "time" if one.every else "end of a run" if one.after else one.what,
            "schedule": "" if one.every is None else one.every.text,
            "after": "" if one.after is None else one.after.text,
            "paused": one.name in paused,
            "problem": problems[one.name],
        }
        for one in found
    ]
    display_table(triggers, TRIGGER_FIELDS, "The project has no triggers.")
    for one in found:
        if problems[one.name]:
            note(f"{one.file}: {problems[one.name]}")
    for error in errors.values():
        note(str(error))
