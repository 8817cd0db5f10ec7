"""``headrace init``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from headrace.cli.parsing import completion
from headrace.cli.parsing.options import output_options
from headrace.cli.termio.display import display


@click.command
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False), default=".")
@click.option(
    "--for",
    "pipelines",
    metavar="PIPELINE",
    multiple=True,
    shell_complete=completion.new_pipelines,
    help="Only what this pipeline needs: adjoint_sources, inversion, data_run, sweep, md or ert; "
    "or minimal, one small flow. May be repeated; everything by default.",
)
@output_options
def init_command(directory: Path, pipelines: tuple[str, ...]) -> None:
    """Create a project in DIRECTORY.

    DIRECTORY is the current one by default. Copies the six folders of a working project and
    headrace.toml; no file is overwritten.
    """
    from headrace.project import init_project

    files = init_project(directory, pipelines)
    document = {"directory": str(directory.resolve()), "files": [str(file) for file in files]}
    display(
        document,
        lambda: "\n".join(
            [
                f"Made a project of {len(files)} files in {directory.resolve()}.",
                "Collections and endpoints are named in headrace.toml. Next:",
                *(f"  {step}" for step in _next_steps(directory, pipelines)),
            ]
        ),
    )


def _next_steps(directory: Path, pipelines: Sequence[str]) -> list[str]:
    """Return the commands that come after, each with what it does."""
    steps = [] if directory == Path() else [f"cd {directory}"]
    steps.append("headrace deploy          # deploys the flows and functions here, on this machine")
    if not pipelines:
        copy = "then copy a directory with obs/ and syn/ into data/incoming/"
        more = [f"headrace watch           # {copy}"]
    elif set(pipelines) == {"minimal"}:
        more = ["headrace start minimal -s name=world --follow"]
    else:
        more = [
            "headrace pipeline list   # the parts of each pipeline, and what is missing",
        ]
        if (directory / "triggers").is_dir():
            watched = "the directories that `headrace watch` watches"
            more.append(f"headrace trigger list    # {watched}")
        campaigns = sorted(file.stem for file in (directory / "campaigns").glob("*.toml"))
        more += [
            f"headrace campaign check {name}   # tries the example, then `campaign run {name}`"
            for name in campaigns
        ]
    return steps + more
