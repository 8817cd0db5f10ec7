"""Directories that are members: found below a directory by what they hold."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from headrace._internal.terminal_text import terminal_text
from headrace.campaigns.errors import CampaignError
from headrace.campaigns.members.rows import MemberRow
from headrace.campaigns.tables.members import DirectoriesTable
from headrace.triggers.completeness.program import call_program
from headrace.triggers.errors import TriggerError

COLUMNS: Final = ("name", "path", "folder", "source_collection", "source_path")
"""Columns of the rows of directories."""

_PATTERN: Final = frozenset("*?[")
_NO_MEMBER: Final = 1


@dataclass(frozen=True, slots=True)
class FoundDirectory:
    """A directory that is a member, or one of which that cannot be told.

    Attributes:
        parts: names that lead to it from where it was looked for; empty for that one itself.
        problem: why it cannot be told whether it is one; "" where it is one.
    """

    parts: tuple[str, ...]
    problem: str = ""


def find_directories(
    start: Path,
    rules: DirectoriesTable,
    root: Path,
    *,
    cwd: Path | None = None,
    with_start: bool = False,
) -> Iterator[FoundDirectory]:
    """Yield the directories below one that are members, in the order of their names.

    Nothing is looked for within a member, nor in directories whose names begin with a dot.

    Args:
        start: the directory.
        rules: what makes a directory a member, and how deep they lie.
        root: root of the collection, which no link may lead out of.
        cwd: the project's directory, in which the program runs that judges directories; the working
            directory by default.
        with_start: whether ``start`` may be a member itself.

    Raises:
        CampaignError: ``start`` cannot be read, or lies outside of the root.
    """
    if not start.is_dir():
        raise CampaignError(f"{start}: no such directory; see members.directories.path")
    real_root = root.resolve()
    if not start.resolve().is_relative_to(real_root):
        raise CampaignError(f"{start}: leads out of the collection's root {root}")
    search = _Search(rules, real_root, cwd or Path.cwd())
    own = start.stat()
    search.seen.add((own.st_dev, own.st_ino))
    found = search.judged(start, ()) if with_start else None
    if found is not None:
        yield found
    else:
        yield from search.below(start, ())


def directory_row(found: FoundDirectory, collection: str, path: str) -> MemberRow:
    """Return the row of a directory.

    Args:
        found: the directory.
        collection: name of the collection.
        path: path in it from which it was looked for, with slashes at both ends.
    """
    names = [*(part for part in path.split("/") if part), *found.parts]
    place = f"directory {terminal_text('/'.join(found.parts) or '.')}"
    if found.problem:
        return MemberRow(place, {}, found.problem)
    above = "/".join(names[:-1])
    own = f"/{above}/{names[-1]}/".replace("//", "/") if names else "/"
    values = {
        "name": names[-1] if names else collection,
        "path": own,
        "folder": f"/{above}/" if above else "/",
        "source_collection": collection,
        "source_path": own,
    }
    try:
        own.encode()
    except UnicodeEncodeError:
        return MemberRow(place, {}, "its name is not UTF-8; rename it")
    return MemberRow(place, values)


@dataclass
class _Search:
    """One search for members.

    Attributes:
        rules: what makes a directory a member.
        real_root: root of the collection, without links.
        cwd: where the program runs that judges directories.
        seen: directories that were looked at, by device and inode.
    """

    rules: DirectoriesTable
    real_root: Path
    cwd: Path
    seen: set[tuple[int, int]] = field(default_factory=set)

    def below(self, directory: Path, parts: tuple[str, ...]) -> Iterator[FoundDirectory]:
        """Yield the members below a directory, in the order of their names."""
        try:
            with os.scandir(directory) as entries:
                # A directory is known by its own place before a link to it.
                names = sorted(
                    (entry.is_symlink(), entry.name)
                    for entry in entries
                    if not entry.name.startswith(".") and _is_directory(entry, self.rules.links)
                )
        except OSError as error:
            yield FoundDirectory(parts, f"cannot be read: {error.strerror}")
            return
        for is_link, name in names:
            place, inner = directory / name, (*parts, name)
            try:
                identity = place.stat()
            except OSError as error:
                yield FoundDirectory(inner, f"cannot be read: {error.strerror}")
                continue
            if is_link and not place.resolve().is_relative_to(self.real_root):
                yield FoundDirectory(inner, "is a link that leads out of the collection's root")
                continue
            # One that several links lead to is one member, and none leads round in a circle.
            if (identity.st_dev, identity.st_ino) in self.seen:
                continue
            self.seen.add((identity.st_dev, identity.st_ino))
            found = self.judged(place, inner)
            if found is not None:
                yield found
            elif len(inner) < self.rules.depth:
                yield from self.below(place, inner)

    def judged(self, directory: Path, parts: tuple[str, ...]) -> FoundDirectory | None:
        """Return the directory where it is a member, or cannot be read; None where it is none."""
        try:
            if not all(_holds(directory, name) for name in self.rules.find):
                return None
            if any(_holds(directory, name) for name in self.rules.without):
                return None
            problem = (
                _program_problem(directory, self.rules.check, self.cwd) if self.rules.check else ""
            )
        except OSError as error:
            return FoundDirectory(parts, f"cannot be read: {error.strerror}")
        return None if problem is None else FoundDirectory(parts, problem)


def _is_directory(entry: os.DirEntry[str], links: bool) -> bool:
    try:
        return entry.is_dir(follow_symlinks=links)
    except OSError:
        return False


def _holds(directory: Path, name: str) -> bool:
    """Tell whether a directory holds a file or directory; its names may be patterns.

    Raises:
        OSError: a directory on the way cannot be read.
    """
    first, _, rest = name.partition("/")
    if not _PATTERN & set(first):
        place = directory / first
        if rest:
            return place.is_dir() and _holds(place, rest)
        return place.exists()
    names = fnmatch.filter((each.name for each in directory.iterdir()), first)
    if not rest:
        return bool(names)
    return any((directory / each).is_dir() and _holds(directory / each, rest) for each in names)


def _program_problem(directory: Path, command: Sequence[str], cwd: Path) -> str | None:
    """Ask a program whether a directory is a member: "" for yes, None for no, else a problem."""
    where = "members.directories.check"
    try:
        answer = call_program(command, cwd, directory, where)
    except TriggerError as error:
        return str(error)
    if answer.code == 0:
        return ""
    if answer.code == _NO_MEMBER and not answer.complaint:
        return None
    last = f": {answer.complaint}" if answer.complaint else ""
    return f"{where}: ended with {answer.code}{last}; it must end with 0 (a member) or 1 (none)"
