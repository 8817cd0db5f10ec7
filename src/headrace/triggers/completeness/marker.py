"""Completeness by a marker: a file that is written last."""

from __future__ import annotations

import glob
import os
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.triggers.completeness.rule import Look, PolledRule

if TYPE_CHECKING:
    from headrace.triggers.trigger import Trigger


class MarkerRule(PolledRule):
    """An arrival is complete as soon as its marker is there."""

    def missing_reason(self, look: Look) -> str:
        """Name the marker where it is missing."""
        return "" if self.is_unchanged(look.stable_inodes) else f"the marker {self._path.name}"

    @property
    def awaited_names(self) -> tuple[str, ...]:
        """The marker, where it lies in the arrival."""
        return (glob.escape(self.value),) if self.trigger.what == "directory" else ()

    def is_unchanged(self, stable_inodes: bool) -> bool:
        """Tell whether the marker is there."""
        return os.path.lexists(self._path)

    @property
    def _path(self) -> Path:
        directory = self.trigger.what == "directory"
        return marker_path(self.arrival.location, self.value, directory=directory)


def marker_path(location: Path, marker: str, *, directory: bool) -> Path:
    """Return where the marker of an arrival is expected.

    Args:
        location: the arrival.
        marker: the trigger's marker.
        directory: whether the arrival is a directory.

    Returns:
        For a directory, the file of that name in it. For a file, its sibling whose name has the
        marker appended: ``run7.dat`` and ``done`` (or ``.done``) make ``run7.dat.done``.
    """
    if directory:
        return location / marker
    return location.with_name(location.name + _suffix(marker))


def marked_name(trigger: Trigger, name: str) -> str | None:
    """Return the name of the file that a name in the watched directory is the marker of.

    Args:
        trigger: the trigger.
        name: name in its directory.

    Returns:
        None if it is no marker.
    """
    if trigger.what == "directory" or not trigger.marker:
        return None
    suffix = _suffix(trigger.marker)
    return name.removesuffix(suffix) if name.endswith(suffix) else None


def _suffix(marker: str) -> str:
    return f".{marker.removeprefix('.')}"
