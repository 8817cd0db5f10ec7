"""``headrace trigger check``."""

from __future__ import annotations

import click

from headrace.cli.parsing import completion
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display


@click.command
@click.argument("triggers", metavar="[TRIGGER]...", nargs=-1, shell_complete=completion.triggers)
@project_options
def check_command(triggers: tuple[str, ...]) -> None:
    """Check triggers without watching.

    The same checks as when `headrace watch` starts: flow, input against the flow's schema, names,
    collections, directories and programs. Each problem is shown in one line.
    """
    from headrace.cli.parsing.triggers import choose, refuse_wrong

    session = current()
    project = session.project()
    chosen = choose(project, triggers)
    refuse_wrong(project, session.target, chosen)
    display(
        [{"name": one.name, "problems": []} for one in chosen],
        lambda: f"Nothing is wrong with {', '.join(one.name for one in chosen)}.",
        ("name",),
    )
