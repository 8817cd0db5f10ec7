"""TOML files of a project, read whole; a profile's values in the place of the rest."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headrace._internal.near_names import known_names
from headrace._internal.settings import (
    ProjectWording,
    Reading,
    TomlDocument,
    UnreadableToml,
)
from headrace._internal.settings.document import KeyPath
from headrace.config.errors import ProjectError
from headrace.config.project_file import PROFILE_NAMES
from headrace.config.text_files import read_text


def read_toml(path: Path) -> TomlDocument:
    """Read a TOML file.

    Raises:
        ProjectError: it cannot be read, or is not TOML; with line and column.
    """
    try:
        return TomlDocument.parse(read_text(path), str(path))
    except UnreadableToml as error:
        column = f":{error.column}" if error.column else ""
        raise ProjectError(f"{path}:{error.line}{column}: not TOML: {error.problem}") from error


class ProfiledDocument(TomlDocument):
    """A document with a profile's values in the place of the rest.

    Args:
        document: the whole document, with its table ``profiles``.
        profile: the name of one of them.
    """

    def __init__(self, document: TomlDocument, profile: str) -> None:
        self._profile = document.values["profiles"][profile]
        self._key: KeyPath = ("profiles", profile)
        super().__init__(document.name, merged(document.values, self._profile), document.text)

    def line_of(self, key: KeyPath) -> int:
        """Return the line where a key stands, in the profile where that has it."""
        return super().line_of((*self._key, *key) if _holds(self._profile, key) else key)


def profile_names(document: TomlDocument) -> list[str]:
    """Return the names of the profiles in a document.

    Raises:
        ProjectError: one is no table, has a key that no profile has, or a name that cannot be.
    """
    reading = Reading(document, ProjectWording())
    values = document.values.get("profiles", {})
    names = list(PROFILE_NAMES.read(values, reading.top.child("profiles")))
    reading.raise_first(ProjectError)
    return names


def with_profile(document: TomlDocument, name: str) -> TomlDocument:
    """Return a document with what ``[profiles.NAME]`` says in the place of the rest.

    Raises:
        ProjectError: there is no such profile; the message lists those that are known.
    """
    known = profile_names(document)
    if name not in known:
        words = known_names(name, known)
        raise ProjectError(f"{document.name}: no [profiles.{name}] in it; {words}")
    return ProfiledDocument(document, name)


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of two tables; those above win, tables are merged in their turn."""
    found = dict(below)
    for name, value in above.items():
        known = found.get(name)
        both = isinstance(value, dict) and isinstance(known, dict)
        found[name] = merged(known, value) if both and isinstance(known, dict) else value
    return found


def _holds(data: Any, key: KeyPath) -> bool:
    for name in key:
        if not isinstance(data, dict) or name not in data:
            return False
        data = data[name]
    return True
