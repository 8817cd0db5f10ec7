"""Entry points of installed packages, read once as long as nothing is installed.

`importlib.metadata` has the same, and takes longer to import than a command has to answer. It is
asked here about what is no directory on the import path.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache, reduce
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, Self

if TYPE_CHECKING:
    from importlib.metadata import Distribution

_METADATA_DIRECTORIES = (".dist-info", ".egg-info")
_FILE_NAME = "entry_points.txt"


class EntryPoint(NamedTuple):
    """An object that an installed package announces.

    Attributes:
        name: its name in the group.
        value: where it is: ``package.module:object``.
        group: the group.
        metadata_directory: the directory with the metadata of the package; empty where there is
            none.
    """

    name: str
    value: str
    group: str
    metadata_directory: str

    @property
    def dist(self) -> Distribution | None:
        """The package that announces it."""
        if not self.metadata_directory:
            return None
        from importlib.metadata import Distribution
        from pathlib import Path

        return Distribution.at(Path(self.metadata_directory))

    def load(self) -> Any:
        """Import the object, and return it."""
        module, _, attributes = self.value.partition("[")[0].strip().partition(":")
        names = [name for name in attributes.strip().split(".") if name]
        return reduce(getattr, names, import_module(module.strip()))


class EntryPoints(tuple[EntryPoint, ...]):
    """Entry points of a group."""

    __slots__ = ()

    @property
    def names(self) -> set[str]:
        """Their names."""
        return {point.name for point in self}

    def select(self, name: str) -> Self:
        """Return those of one name."""
        return type(self)(point for point in self if point.name == name)


def entry_points(group: str) -> EntryPoints:
    """Return the entry points of a group.

    Reading them opens a file of every installed package; they are read again when
    the import path, or one of its directories, has changed.

    Args:
        group: such as ``headrace.checker_rules``.
    """
    found = _read(tuple((path, _modified(path)) for path in sys.path))
    return EntryPoints(point for point in found if point.group == group)


@lru_cache(maxsize=4)
def _read(state: tuple[tuple[str, int], ...]) -> tuple[EntryPoint, ...]:
    """Read all entry points; of two packages of one name the first on the import path counts."""
    found: list[EntryPoint] = []
    known: set[str] = set()
    for path, _ in state:
        for package, points in _packages(path or "."):
            if package not in known:
                known.add(package)
                found += points
    return tuple(found)


def _packages(path: str) -> Iterator[tuple[str, Iterable[EntryPoint]]]:
    """Yield the packages that are installed in a place on the import path."""
    try:
        names = os.listdir(path)  # noqa: PTH208 - pathlib makes an object of each name
    except NotADirectoryError:
        yield from _packages_in_archive(path)
        return
    except OSError:
        return
    for name in names:
        stem, kind = os.path.splitext(name)  # noqa: PTH122
        if kind.lower() in _METADATA_DIRECTORIES:
            directory = f"{path}/{name}"
            yield _normalised(stem.partition("-")[0]), _parse(_text(directory), directory)


def _packages_in_archive(path: str) -> Iterator[tuple[str, Iterable[EntryPoint]]]:
    from importlib.metadata import distributions

    for package in distributions(path=[path]):
        yield _normalised(package.name), _parse(package.read_text(_FILE_NAME) or "", "")


def _normalised(name: str) -> str:
    return name.lower().replace("-", "_").replace(".", "_")


def _text(directory: str) -> str:
    try:
        with open(f"{directory}/{_FILE_NAME}", encoding="utf-8") as stream:  # noqa: PTH123
            return stream.read()
    except OSError:
        return ""


def _parse(text: str, directory: str) -> Iterator[EntryPoint]:
    """Read a file of entry points, as https://packaging.python.org specifies them."""
    group = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("[") and line.endswith("]"):
            group = line[1:-1].strip()
        elif line and not line.startswith(("#", ";")):
            name, _, value = line.partition("=")
            yield EntryPoint(name.strip(), value.strip(), group, directory)


def _modified(path: str) -> int:
    try:
        return os.stat(path or ".").st_mtime_ns  # noqa: PTH116 - once for each place
    except OSError:
        return 0
