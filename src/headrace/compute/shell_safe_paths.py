"""Paths without spaces and other characters that a shell or Slurm would read as theirs.

Parsl writes the paths of a run directory into shell commands and ``#SBATCH`` lines as they are.
Where the project's own path cannot stand there, a link with a plain name leads to it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from headrace._internal.files import private_directory

from .errors import ComputeError

_SHELL_SAFE: Final = re.compile(r"[A-Za-z0-9_./+=:@,-]+\Z")
# Names another directory for the links, on the file system that the compute nodes share.
VARIABLE: Final = "HEADRACE_LINKS"


def shell_safe_path(path: Path) -> Path:
    """Return the path itself where it is plain, or else a link to it.

    Args:
        path: a directory.

    Raises:
        ComputeError: no link can be made.
    """
    if _SHELL_SAFE.match(str(path)):
        return path
    for directory in _directories():
        link = directory / _name(path)
        try:
            private_directory(directory)
            if not link.is_symlink():
                _remove_dead_links(directory)
                link.symlink_to(path)
            if link.readlink() == path:
                return link
        except FileExistsError:
            if link.is_symlink() and link.readlink() == path:
                return link
        except OSError:
            continue
    raise ComputeError(
        f"{path}: has characters that Slurm's and the shell's scripts cannot hold, and no link to "
        f"it can be made below the home directory; set {VARIABLE} to a directory with a plain path"
    )


def remove_link(path: Path) -> None:
    """Remove the link to a directory that is not used any more, where there is one."""
    for directory in _directories():
        link = directory / _name(path)
        with contextlib.suppress(OSError):
            if link.readlink() == path:
                link.unlink()


def _remove_dead_links(directory: Path) -> None:
    # What a host that was killed has left, and the projects that were removed. A directory whose
    # disk is only away has its link again at the next block that is submitted from there.
    for link in directory.iterdir():
        if link.is_symlink() and not link.exists():
            link.unlink(missing_ok=True)


def _name(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:16]


def _directories() -> Iterator[Path]:
    named = os.environ.get(VARIABLE)
    candidates = [Path(named)] if named else [Path.home() / ".headrace" / "links"]
    return (directory for directory in candidates if _SHELL_SAFE.match(str(directory)))
