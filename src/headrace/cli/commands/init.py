"""``headrace init``."""

from __future__ import annotations

from pathlib import Path

import click

from headrace.cli.parsing.options import output_options
from headrace.cli.termio.display import display


@click.command
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False), default=".")
@output_options
def init_command(directory: Path) -> None:
    """Create a project in DIRECTORY.

    DIRECTORY is the current one by default. Copies the five folders of a working project and
    headrace.toml; no file is overwritten.
    """
    from headrace.project import init_project

    files = init_project(directory)
    steps = [] if directory == Path() else [f"cd {directory}"]
    steps += [
        "headrace deploy          # deploys the flows and functions here, on this machine",
        "headrace watch           # then copy a directory with obs/ and syn/ into data/incoming/",
    ]
    document = {"directory": str(directory.resolve()), "files": [str(file) for file in files]}
    display(
        document,
        lambda: "\n".join(
            [
                f"Made a project of {len(files)} files in {directory.resolve()}.",
                "Collections and endpoints are named in headrace.toml. Next:",
                *(f"  {step}" for step in steps),
            ]
        ),
    )
