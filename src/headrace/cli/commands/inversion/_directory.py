"""Directory of an inversion, as the command line names it."""

from __future__ import annotations

from pathlib import Path

import click

directory_argument = click.argument(
    "directory", metavar="[DIR]", type=click.Path(path_type=Path, file_okay=False), default="."
)


def home_of(directory: Path) -> Path:
    """Return the directory of an inversion: its own, or that of a project's inversion."""
    from headrace.pipelines.inversion import directories

    return directories.home_of(directory)


def staging_of(home: Path) -> Path | None:
    """Return where an inversion is computed; None where this machine does not see it."""
    from headrace.pipelines.inversion import directories

    return directories.staging_of(home)
