"""``headrace data-run``."""

from __future__ import annotations

from pathlib import Path

import click

from headrace.cli.help import group
from headrace.cli.options import current, project_options
from headrace.cli.termio.display import display, is_text

_COLUMNS = ("name", "status", "segments", "bytes", "events", "traces_per_second", "lag")


@group("data-run")
def data_run() -> None:
    """Show the status and pictures of data runs."""


@data_run.command
@click.option("-f", "--follow", is_flag=True, help="Go on showing the table until interrupted.")
@click.option(
    "-n", "--limit", type=click.IntRange(1), default=50, help="Runs of the flow looked at (50)."
)
@project_options
def status(follow: bool, limit: int) -> None:
    """Show every run: its data, how fast it was fitted, and the lag behind the beam.

    The lag is the time from the end of the run at the detector to the results, or until now.
    """
    from headrace.cli.data_runs import DataRuns
    from headrace.cli.termio.data_runs import data_runs_text, show_live

    session = current()
    project = session.project()
    runs = DataRuns(session, project, limit)
    if follow:
        if not is_text():
            raise click.UsageError("--follow is for people: without it, ask for JSON again")
        show_live(lambda: runs.look(session.services(project)), session.place)
    found = runs.look(session.services(project))
    display([run.document() for run in found], lambda: data_runs_text(found), _COLUMNS)


@data_run.command
@click.argument("run", metavar="RUN")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="Directory for the pictures; by default RUN-pictures, here.",
)
@click.option(
    "--only", metavar="PATTERN", multiple=True, help="Only histograms such as 'c0s02ch03/*'."
)
@project_options
def plot(run: str, output: Path | None, only: tuple[str, ...]) -> None:
    """Draw the histograms of RUN.

    RUN is a run's name or number, or a ROOT file of histograms.
    """
    from headrace.cli.data_run_pictures import draw_run

    session = current()
    title, pictures = draw_run(session, run, output, only)
    display(
        {"run": title, "pictures": [str(path.resolve()) for path in pictures]},
        lambda: "\n".join(map(str, pictures)),
        ("run",),
    )
