"""Entries of a watched directory: their names, paths and identities."""

from __future__ import annotations

from collections.abc import Iterable

from headrace.triggers.arrival import Arrival, Identity
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


def entry_key(trigger: Trigger, path: str) -> str:
    """Return what an arrival is called in the watched directory: its path from there."""
    return path.removeprefix(trigger.path).rstrip("/")


def make_arrival(trigger: Trigger, path: str, generation: int = 1) -> Arrival:
    """Make the arrival that has a path in the collection.

    Args:
        trigger: the trigger that watches.
        path: the path, with a trailing slash for a directory.
        generation: number of the arrival at this path.
    """
    inner = path.strip("/")
    above, _, name = inner.rpartition("/")
    members: tuple[str, ...] = ()
    if trigger.what == "set":
        folder = f"/{above}/" if above else "/"
        members = tuple(f"{folder}{member}" for member in trigger.member_names(name))
    return Arrival(
        trigger=trigger.name,
        collection=trigger.collection,
        name=name,
        path=path,
        location=trigger.root / inner,
        generation=generation,
        texts=trigger.texts_of(entry_key(trigger, path)),
        members=members,
    )


def entry_path(trigger: Trigger, name: str) -> str:
    """Return the path in the collection of what has a key (`entry_key`)."""
    return f"{trigger.path}{name}" + ("/" if trigger.what == "directory" else "")
