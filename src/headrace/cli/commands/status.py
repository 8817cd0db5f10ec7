"""``headrace status``."""

from __future__ import annotations

import click

from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display

_RANKS = {"well": 0, "look": 1, "act": 2, "never": 3}


@click.command
@click.option(
    "--fail-on",
    type=click.Choice(["look", "act", "never"]),
    default="act",
    show_default=True,
    help="The word from which the exit code is 1.",
)
@project_options
def status_command(fail_on: str) -> int:
    """Show in one look whether the project needs you.

    The first word is `well`, `look` (something is not as it should be, such as a failed run that
    nobody mended) or `act` (a run waits for you, or something is dead). It only asks. Unix format
    has a line for each finding: word, part, text and command.
    """
    from headrace.cli.termio.project_status import status_text
    from headrace.project_status import read_status

    session = current()
    status = read_status(session.project(), session.target)
    if session.format == "unix" and session.jmespath is None:
        well = {"word": status.word, "part": "", "text": status.reason, "command": ""}
        document = status.document()
        display(document["findings"] or [well], "", ("word", "part", "text", "command"))
    else:
        display(status.document(), lambda: status_text(status), ("word", "reason"))
    return 1 if _RANKS[status.word] >= _RANKS[fail_on] else 0
