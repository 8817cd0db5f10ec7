"""``headrace trigger pause``."""

from __future__ import annotations

import click

from headrace.cli.parsing import completion
from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display


@click.command
@click.argument("triggers", metavar="[TRIGGER]...", nargs=-1, shell_complete=completion.triggers)
@project_options
def pause_command(triggers: tuple[str, ...]) -> None:
    """Start no runs until `headrace trigger resume`.

    All triggers by default. The watch goes on to record what arrives; runs under way go on. A timer
    of the hosted service is made inactive there.
    """
    from headrace.cli.parsing.triggers import choose
    from headrace.triggers.pausing import pause

    session = current()
    project = session.project()
    names = [one.name for one in choose(project, triggers)]
    pause(project, session.target, names, lambda ask: ask(session.services(project)))
    display({"triggers": names}, lambda: f"Paused: {', '.join(names)}.", ("triggers",))
