"""``headrace inversion check``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from headrace.cli.commands.inversion._directory import directory_argument, home_of
from headrace.cli.parsing.options import output_options
from headrace.cli.termio.display import display

if TYPE_CHECKING:
    from headrace.seismic.inversion.preflight import Preflight


@click.command
@directory_argument
@output_options
def check_command(directory: Path) -> int:
    """Check everything that the next iteration of the inversion in DIR needs.

    Shows each problem that would stop it in one line, and the settings that were changed since the
    last iteration. The exit code is 1 if there is a problem.
    """
    from headrace.seismic.inversion.preflight import check_before

    found = check_before(home_of(directory))
    display(found.document(), lambda: _check_text(found), ("problems",))
    return 1 if found.problems else 0


def _check_text(found: Preflight) -> str:
    lines = [*found.problems, *(f"note: {note}" for note in found.notes)]
    lines += [f"changed: {change}" for change in found.changes]
    if not found.problems and found.iteration is not None:
        lines.append(f"Iteration {found.iteration} in band {found.band}: nothing is in its way.")
    return "\n".join(lines)
