"""``headrace trigger retry``."""

from __future__ import annotations

from fnmatch import fnmatchcase

import click

from headrace.cli.commands.trigger._arrivals import arrival_documents
from headrace.cli.parsing import completion
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display


@click.command
@click.argument("name", metavar="TRIGGER", shell_complete=completion.triggers)
@click.argument("patterns", metavar="[ARRIVAL]...", nargs=-1)
@project_options
def retry_command(name: str, patterns: tuple[str, ...]) -> int:
    """Try refused arrivals again.

    Fix the cause first. Retries all refused arrivals of TRIGGER, or those whose names match the
    patterns. The watch that is running, or the next one, starts their runs.
    """
    from headrace.cli.parsing.triggers import choose
    from headrace.triggers import retry_refused
    from headrace.triggers.state_files import ledger_file

    session = current()
    project = session.project()
    choose(project, (name,))
    wanted = [
        one
        for one in arrival_documents((name,))
        if one["state"] == "refused"
        and (not patterns or any(fnmatchcase(one["name"], pattern) for pattern in patterns))
    ]
    path = ledger_file(project, session.target)
    count = retry_refused(path, [one["id"] for one in wanted]) if wanted else 0
    display(
        {"trigger": name, "arrivals": [one["name"] for one in wanted], "count": count},
        lambda: (
            f"{count} will be started by the watch that is running, or the next one."
            if count
            else f"No arrival of {name} is refused."
        ),
        ("count",),
    )
    return 0 if count else 1
