"""Directories of a project's inversions."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from headrace._internal.files import write_whole
from headrace.config import ProjectError
from headrace.project import load_project

if TYPE_CHECKING:
    from headrace.project import Project

INVERSION_NAME: Final = "inversion"
"""Name of the directory of a project's inversion, in ``data/``; and of flow and trigger."""

_SETTINGS: Final = "inversion.toml"


def home_of(directory: Path) -> Path:
    """Return the directory of an inversion.

    Args:
        directory: the inversion's own, or that of a project with one in ``data/inversion``.

    Raises:
        ProjectError: there is none.
    """
    for place in (directory, directory / "data" / INVERSION_NAME):
        if (place / _SETTINGS).is_file():
            return place.resolve()
    raise ProjectError(
        f"{directory}: no inversion.toml here or in data/{INVERSION_NAME}: "
        f"`headrace inversion init {directory}` makes one"
    )


def staging_of(home: Path) -> Path | None:
    """Return the directory in which an inversion is computed, if that is on this machine.

    Args:
        home: the inversion's directory.
    """
    try:
        project = load_project(home)
    except ProjectError:
        return None
    return staging_in(project, home)


def staging_in(project: Project, home: Path) -> Path | None:
    """As `staging_of`, in a project that was loaded."""
    workstation, hpc = (project.collections.get(name) for name in ("workstation", "hpc"))
    if workstation is None or hpc is None or not home.is_relative_to(workstation.root.resolve()):
        return None
    staging = hpc.root / home.relative_to(workstation.root.resolve())
    return staging if staging.is_dir() else None


def find_inversions(project: Project) -> dict[str, Path]:
    """Return the inversions of a project by their names in addresses.

    Args:
        project: the project. An inversion is a directory with an ``inversion.toml``: one of the
            collection ``workstation``, or one whose iterations a trigger ``inversion*`` watches.
    """
    workstation = project.collections.get("workstation")
    if workstation is None:
        return {}
    root = workstation.root.resolve()
    places = [*_directories(root), *_watched(project.triggers_dir, root)]
    return {
        address_name(str(place.relative_to(root))): place
        for place in sorted(places)
        if (place / _SETTINGS).is_file()
    }


def _directories(root: Path) -> list[Path]:
    try:
        with os.scandir(root) as entries:
            return [Path(entry) for entry in entries if entry.is_dir() and entry.name[0] != "."]
    except OSError:
        return []


def _watched(triggers: Path, root: Path) -> Iterator[Path]:
    for file in sorted(triggers.glob(f"{INVERSION_NAME}*.toml")):
        try:
            watched = tomllib.loads(file.read_text(encoding="utf-8"))["watch"]["path"]
            place = (root / str(watched).strip("/")).parent.resolve()
        except (OSError, ValueError, KeyError, TypeError):
            continue  # a trigger that cannot be read is told on the page of triggers
        if place.is_relative_to(root):
            yield place


def address_name(name: str) -> str:
    """Return a name that an address may have: other characters than letters and digits as codes.

    Args:
        name: the name; no two names have the same.
    """
    return re.sub("[^A-Za-z0-9_-]", _codes, name)


def _codes(match: re.Match[str]) -> str:
    return "".join(f".{byte:02x}" for byte in match[0].encode("utf-8", "surrogateescape"))


def write_second_trigger(home: Path, new: Path) -> Path | None:
    """Write a trigger for a branch of an inversion, like that of the first one.

    Args:
        home: the inversion's directory.
        new: directory of the branch.

    Returns:
        The trigger's file; None where the branch is not in the project, or the first has none.
    """
    try:
        project = load_project(home)
    except ProjectError:
        return None
    root = project.collections["workstation"].root.resolve()
    first = project.triggers_dir / f"{INVERSION_NAME}.toml"
    if not new.is_relative_to(root) or not first.is_file():
        return None
    old_path, new_path = (f"/{place.relative_to(root)}/" for place in (home, new))
    target = first.with_name(f"{INVERSION_NAME}_{new.name}.toml")
    text = first.read_text(encoding="utf-8").replace(old_path, new_path)
    write_whole(target, text)
    return target
