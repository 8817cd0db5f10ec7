"""``headrace data-run plot``."""

from __future__ import annotations

from pathlib import Path

import click

from headrace.cli.parsing.options import project_options
from headrace.cli.parsing.session import current
from headrace.cli.termio.display import display


@click.command
@click.argument("run", metavar="RUN")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="Directory for the pictures; ./RUN-pictures by default.",
)
@click.option(
    "--only", metavar="PATTERN", multiple=True, help="Only histograms such as 'c0s02ch03/*'."
)
@project_options
def plot_command(run: str, output: Path | None, only: tuple[str, ...]) -> None:
    """Draw the histograms of RUN.

    RUN is a run's name or number, or a ROOT file of histograms.
    """
    from headrace.cli.commands.data_run._pictures import draw_run

    session = current()
    title, pictures = draw_run(session, run, output, only)
    display(
        {"run": title, "pictures": [str(path.resolve()) for path in pictures]},
        lambda: "\n".join(map(str, pictures)),
        ("run",),
    )
