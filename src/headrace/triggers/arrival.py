"""An arrival: one complete new thing in a watched directory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from headrace._internal.file_identity import Identity, identify

__all__ = ["Arrival", "Identity", "identify"]


@dataclass(frozen=True)
class Arrival:
    """One new directory or file in a watched directory.

    Attributes:
        trigger: name of the trigger that watches.
        collection: name of the collection that the watched directory lies in.
        name: name of the directory or file.
        path: path within the collection, with a trailing slash for a directory.
        location: absolute path on this machine.
        generation: 1 for the first arrival at this path, 2 after it was removed or replaced, ...
        texts: further placeholders: the groups of the trigger's `regex`, and the names of the
            directories between the watched one and this.
        members: of a set of files, the paths of all of them within the collection.
        output: of the end of a run, its output as JSON; "" where it has none.
        chain_depth: number of runs before it, each started by the end of another.
    """

    trigger: str
    collection: str
    name: str
    path: str
    location: Path
    generation: int = 1
    texts: tuple[tuple[str, str], ...] = ()
    members: tuple[str, ...] = ()
    output: str = ""
    chain_depth: int = 0

    @property
    def is_run_end(self) -> bool:
        """True where it is the end of a run."""
        return self.chain_depth > 0


def entry_name(path: str) -> str:
    """Return the name in the watched directory of what has a path in the collection."""
    return path.rstrip("/").rpartition("/")[2]


def entry_folder(path: str) -> str:
    """Return the path of the watched directory of what has a path in the collection."""
    return path.rstrip("/").rpartition("/")[0] + "/"
