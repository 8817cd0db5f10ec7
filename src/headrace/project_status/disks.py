"""File systems of a project's state and collections: how much is free."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from headrace.project.project import Project
from headrace.project_status.verdict import Finding

# A file system with less left than this share, and fewer bytes, is nearly full, or soon will be.
_NEARLY_FULL: Final = (0.03, 20e9)
_FILLING: Final = (0.10, 100e9)
WAIT_SECONDS: Final = 2.0
"""Seconds that file systems are waited for."""

# Device, free bytes, total bytes, and why there are none.
_Answer = tuple[int | None, int | None, int | None, str]
_ABSENT: Final = "it is not there"
_SILENT: Final[_Answer] = (None, None, None, f"it did not answer within {WAIT_SECONDS:.0f} s")
# Less than this is nearly full whatever its size is.
_MINIMUM_BYTES: Final = 1e9


@dataclass(frozen=True)
class FileSystem:
    """A file system that the project writes to.

    Attributes:
        uses: what lies on it: ``state``, and names of collections.
        directory: one of their directories.
        free: bytes that are free for this user; None where they could not be asked.
        total: its bytes; likewise.
        problem: why it could not be asked.
    """

    uses: tuple[str, ...]
    directory: str
    free: int | None = None
    total: int | None = None
    problem: str = ""

    def document(self) -> dict[str, Any]:
        """Return it as JSON shows it."""
        return asdict(self)


def read_file_systems(project: Project, target: str, state: Path) -> list[FileSystem]:
    """Return the file systems of the state directory and of collections on this machine.

    One that does not answer is waited for no longer than :data:`WAIT_SECONDS`.

    Args:
        project: the project.
        target: ``local`` or ``globus``; there, collections without a directory here are left out.
        state: the state directory.
    """
    places = [("state", state)]
    places += [(name, each.root) for name, each in project.collections.items()]
    asked: dict[str, _Answer] = {}

    def ask() -> None:
        for name, directory in places:
            asked[name] = _ask(directory)

    # A process may wait for a dead server as long as it likes; this one answers.
    asking = threading.Thread(target=ask, name="file systems", daemon=True)
    asking.start()
    asking.join(WAIT_SECONDS)
    found: dict[int, FileSystem] = {}
    faulty = []
    for name, directory in places:
        device, free, total, problem = asked.get(name, _SILENT)
        if device is not None:
            before = found.get(device)
            uses, first = (before.uses, before.directory) if before else ((), str(directory))
            found[device] = FileSystem((*uses, name), first, free, total)
        elif problem != _ABSENT or (name != "state" and target == "local"):
            faulty.append(FileSystem((name,), str(directory), problem=problem))
    return [*found.values(), *faulty]


def _ask(directory: Path) -> _Answer:
    try:
        usage = shutil.disk_usage(directory)
        return directory.stat().st_dev, usage.free, usage.total, ""
    except FileNotFoundError:
        return None, None, None, _ABSENT
    except OSError as error:
        return None, None, None, str(error.strerror)


def disk_findings(file_systems: Iterable[FileSystem]) -> Iterator[Finding]:
    """Yield what is the matter with file systems."""
    for each in file_systems:
        names = ", ".join(each.uses)
        if each.free is None or each.total is None:
            yield Finding("look", "disk", f"{names}: {each.directory}: {each.problem}")
        elif each.free < _MINIMUM_BYTES or _is_below(each, _NEARLY_FULL):
            yield Finding("act", "disk", f"the disk of {names} is nearly full: {_left(each)}")
        elif _is_below(each, _FILLING):
            yield Finding("look", "disk", f"the disk of {names} fills up: {_left(each)}")


def _is_below(each: FileSystem, limit: tuple[float, float]) -> bool:
    share, size = limit
    return each.free is not None and each.free < min(share * (each.total or 0), size)


def _left(each: FileSystem) -> str:
    return f"{(each.free or 0) / 1e9:.1f} of {(each.total or 0) / 1e9:,.0f} GB left"
