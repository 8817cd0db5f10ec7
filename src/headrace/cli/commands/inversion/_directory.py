"""Directory of an inversion, as the command line names it."""

from __future__ import annotations

from pathlib import Path

import click

from headrace.pipelines.inversion.directories import home_of, staging_of

__all__ = ["directory_argument", "home_of", "staging_of"]

directory_argument = click.argument(
    "directory", metavar="[DIR]", type=click.Path(path_type=Path, file_okay=False), default="."
)
