"""``headrace inversion init``."""

from __future__ import annotations

from pathlib import Path

import click

from headrace.cli.commands.inversion._directory import directory_argument
from headrace.cli.parsing.options import output_options
from headrace.cli.termio.display import display


@click.command
@directory_argument
@click.option(
    "--example",
    type=click.Choice(["checkerboard", "specfem2d"]),
    default="checkerboard",
    show_default=True,
    help="Example to begin with.",
)
@output_options
def init_command(directory: Path, example: str) -> None:
    """Create a project in DIR with an inversion in its data/inversion/."""
    from headrace.cli.termio.notes import note
    from headrace.demos.inversion import create_example

    home = create_example(directory, example, note)
    document = {"directory": str(directory.resolve()), "inversion": str(home)}
    lines = [
        f"Made the example {example} in {home}.",
        "Its settings are in inversion.toml. Next:",
        *([] if directory == Path() else [f"  cd {directory}"]),
        "  headrace deploy            # deploys the flows and functions here, on this machine",
        "  headrace inversion check   # says what would be refused later",
        "  headrace inversion start   # publishes the first iteration",
        "  headrace watch             # runs it, and each that follows",
        "  headrace inversion status",
    ]
    display(document, "\n".join(lines), ("inversion",))
