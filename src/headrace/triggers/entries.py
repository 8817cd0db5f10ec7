"""Entries of a watched directory: their names, paths and identities."""

from __future__ import annotations

from collections.abc import Iterable

from headrace.triggers.arrival import Identity
from headrace.triggers.ignored_names import is_printable_name
from headrace.triggers.trigger import Trigger
from headrace.triggers.watched_directory import FilesystemInfo, WatchedDirectory


def list_entries(
    trigger: Trigger, filesystem: FilesystemInfo, directory: WatchedDirectory
) -> Iterable[tuple[str, Identity]]:
    """Yield path and identity of all that lies in a watched directory and may be an arrival."""
    for name in sorted(directory.list_names()):
        identity = directory.identify(name, inodes=filesystem.stable_inodes)
        if identity is not None and is_printable_name(name):
            yield entry_path(trigger, name), identity


def entry_path(trigger: Trigger, name: str) -> str:
    """Return the path in the collection of what has a name in the watched directory."""
    return f"{trigger.path}{name}" + ("/" if trigger.what == "directory" else "")
