"""Checks of the paths that a function is given."""

from __future__ import annotations

from pathlib import Path

from .errors import StageError


def absolute_directory(name: str, value: object) -> Path:
    """Return an argument as an absolute path.

    Args:
        name: the argument, for the message.
        value: what was given.

    Raises:
        StageError: it is not an absolute path.
    """
    path = Path(value) if isinstance(value, str) and value else Path()
    if not path.is_absolute() or ".." in path.parts or "\0" in str(path):
        raise StageError(f"{name} must be an absolute path without '..', not {value!r}")
    return path


def existing_file(directory: Path, name: str, description: str) -> Path:
    """Return a file of a directory.

    Args:
        directory: where it is.
        name: its path, relative or absolute.
        description: of the file, for the message.

    Raises:
        StageError: there is none.
    """
    path = directory / name
    if not path.is_file():
        raise StageError(f"{path}: no such file; it is {description}")
    return path
