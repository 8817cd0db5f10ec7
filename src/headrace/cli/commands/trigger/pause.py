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

    All triggers by default. The watch goes on to record what arrives; runs under way go on.
    """
    from headrace.cli.parsing.triggers import choose
    from headrace.triggers import pause_triggers
    from headrace.triggers.hosted_timers import without_hosted_timers
    from headrace.triggers.state_files import ledger_file

    session = current()
    project = session.project()
    every = [one.name for one in choose(project, triggers)]
    names = without_hosted_timers(project, session.target, every, chosen=bool(triggers))
    pause_triggers(ledger_file(project, session.target), names)
    display({"triggers": names}, lambda: f"Paused: {', '.join(names)}.", ("triggers",))
