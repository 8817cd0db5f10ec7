"""Kinds of TOML files: which files of a project are of one kind, and how one is checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

from headrace._internal.entry_points import EntryPoint, entry_points
from headrace._internal.settings.rows import Row, rows_of
from headrace._internal.settings.tables import Table

ENTRY_POINT_GROUP: Final = "headrace.config_files"


@dataclass(frozen=True)
class FileKind:
    """A kind of TOML file.

    Attributes:
        name: its name for people and on the command line, such as ``flow.toml``.
        description: what such a file is for, one line.
        table: the keys that it may have.
        patterns: where such files lie in a project, relative to its root, as for ``Path.glob``.
        problems: returns all that is wrong with a file, one line each, which names file and key.
        schema: returns its JSON schema where it says more than that of the table.
        parts: returns tables that depend on the value of another key, by their headers.
    """

    name: str
    description: str
    table: Table[Any]
    patterns: tuple[str, ...]
    problems: Callable[[Path], list[str]]
    schema: Callable[[], dict[str, Any]] | None = None
    parts: Callable[[], Mapping[str, Table[Any]]] | None = None

    def json_schema(self) -> dict[str, Any]:
        """Return the JSON schema (draft 7), as editors read it."""
        body = self.schema() if self.schema is not None else self.table.schema()
        return {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "title": self.name,
            "description": self.description,
            **body,
        }

    def rows(self) -> list[Row]:
        """Return a row for each key that the file may have."""
        found = list(rows_of(self.table))
        for header, table in (self.parts() if self.parts is not None else {}).items():
            found += [replace(row, table=header) for row in rows_of(table)]
        return found

    def files(self, root: Path) -> list[Path]:
        """Return the files of this kind in a project, sorted."""
        return sorted({path for pattern in self.patterns for path in root.glob(pattern)})


def file_kinds() -> Mapping[str, FileKind]:
    """Return the kinds of files that the installed packages announce, by name.

    A package announces one by an entry point of the group ``headrace.config_files`` whose value
    is a `FileKind`. One whose package lacks a module that it needs is left out, see
    `missing_file_kinds`.
    """
    return _load()[0]


def file_kind(name: str) -> FileKind | None:
    """Return the kind of this name, no other imported; None where there is none, or it is missing.

    Args:
        name: such as ``flow.toml``.
    """
    found = _announced().get(name)
    kind = None if found is None else _loaded(found)
    return kind if isinstance(kind, FileKind) else None


def missing_file_kinds() -> Mapping[str, str]:
    """Return the kinds that cannot be used here, with the module that is not installed."""
    return _load()[1]


def _announced() -> dict[str, EntryPoint]:
    points = sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda each: each.name)
    return {point.name: point for point in points}


@cache
def _loaded(point: EntryPoint) -> FileKind | str:
    """Return a kind, or the name of the module that it lacks."""
    try:
        kind: FileKind = point.load()
    except ModuleNotFoundError as error:
        return str(error.name)
    return kind


@cache
def _load() -> tuple[dict[str, FileKind], dict[str, str]]:
    found: dict[str, FileKind] = {}
    missing: dict[str, str] = {}
    for name, point in _announced().items():
        kind = _loaded(point)
        if isinstance(kind, str):
            missing[name] = kind
        else:
            found[name] = kind
    return found, missing


def kind_of_file(path: Path, root: Path) -> FileKind | None:
    """Return the kind of a file by its place in a project, or by its name; None: of none."""
    kinds = file_kinds()
    absolute = path.absolute()
    for kind in kinds.values():
        if absolute in {file.absolute() for file in kind.files(root)}:
            return kind
    return kinds.get(path.name)
