# ruff: noqa: N999 - the command's name is a word of Python
"""``headrace campaign import``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display

if TYPE_CHECKING:
    from headrace.campaigns.fireworks.campaign_import import ImportedCampaign


@click.command
@click.argument("system", metavar="fireworks", type=click.Choice(["fireworks"]))
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option(
    "-o",
    "--output",
    "name",
    metavar="NAME",
    help="Name of the campaign; that of the first file by default.",
)
@project_options
def import_command(system: str, files: tuple[Path, ...], name: str | None) -> int:
    """Make a campaign of workflow files of FireWorks, and tell what could not be taken over.

    Each Firework becomes a member of campaigns/NAME.toml, whose command does what its Firetasks
    did; links become needs. Nothing is overwritten. The exit code is 1 where no Firework was taken
    over.
    """
    del system
    from headrace.campaigns.fireworks.campaign_import import import_fireworks

    made = import_fireworks(current().project(), files, name)
    document = {
        "name": made.name,
        "members": len(made.members),
        "files": [str(file) for file in made.files],
        "refused": [vars(line) for line in made.refused],
        "notes": [vars(line) for line in made.notes],
    }
    display(document, lambda: _text(made), ("name", "members"))
    return 0 if made.members else 1


def _text(made: ImportedCampaign) -> str:
    lines = [f"not taken over: {line}" for line in made.refused]
    lines += [f"note: {line}" for line in made.notes]
    lines += map(str, made.files)
    count = len(made.members)
    taken = f"{count} Firework{'' if count == 1 else 's'} taken over"
    if not made.files:
        return "\n".join([*lines, f"{taken}: nothing was written."])
    return "\n".join([*lines, f"{taken}. Next: headrace campaign check {made.name}"])
