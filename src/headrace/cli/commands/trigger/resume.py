"""``headrace trigger resume``."""

from __future__ import annotations

import click

from headrace.cli.parsing import completion
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display


@click.command
@click.argument("triggers", metavar="[TRIGGER]...", nargs=-1, shell_complete=completion.triggers)
@project_options
def resume_command(triggers: tuple[str, ...]) -> None:
    """Start runs again after `headrace trigger pause`.

    All triggers by default. What arrived meanwhile is started first.
    """
    from headrace.cli.parsing.triggers import choose
    from headrace.triggers.pausing import resume

    session = current()
    project = session.project()
    names = [one.name for one in choose(project, triggers)]
    resume(project, session.target, names, lambda ask: ask(session.services(project)))
    display({"triggers": names}, lambda: f"Not paused any more: {', '.join(names)}.", ("triggers",))
