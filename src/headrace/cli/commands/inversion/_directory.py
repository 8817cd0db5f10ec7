"""Directory of an inversion, as the command line names it."""

from __future__ import annotations

from pathlib import Path

import click

directory_argument = click.argument(
    "directory", metavar="[DIR]", type=click.Path(path_type=Path, file_okay=False), default="."
)


def home_of(directory: Path) -> Path:
    """Return the directory of an inversion.

    Args:
        directory: the inversion's own, or that of a project with one in ``data/inversion``.

    Raises:
        ProjectError: there is none.
    """
    from headrace.config import ProjectError
    from headrace.demos.inversion import INVERSION_NAME
    from headrace.seismic.inversion.paths import Paths

    for place in (directory, directory / "data" / INVERSION_NAME):
        if Paths(place).settings.is_file():
            return place.resolve()
    raise ProjectError(
        f"{directory}: no inversion.toml here or in data/{INVERSION_NAME}: "
        f"`headrace inversion init {directory}` makes one"
    )


def staging_of(home: Path) -> Path | None:
    """Return the directory in which an inversion is computed, if that is on this machine."""
    from headrace.config import ProjectError
    from headrace.project import load_project

    try:
        project = load_project(home)
    except ProjectError:
        return None
    workstation, hpc = (project.collections.get(name) for name in ("workstation", "hpc"))
    if workstation is None or hpc is None or not home.is_relative_to(workstation.root.resolve()):
        return None
    staging = hpc.root / home.relative_to(workstation.root.resolve())
    return staging if staging.is_dir() else None
