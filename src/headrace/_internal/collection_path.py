"""Paths within collections, written ``COLLECTION:PATH``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


class CollectionPathError(ValueError):
    """A text that is no path within a collection; its text says why, and the way out."""


@dataclass(frozen=True)
class CollectionPath:
    """Path within a collection; it never leads out of the collection's root by its names.

    Attributes:
        collection: the collection's name or id.
        parts: the names that lead from the collection's root to it; empty for the root.
        is_directory: whether it is written with a slash at its end, as a directory's.
    """

    collection: str
    parts: tuple[str, ...] = ()
    is_directory: bool = False

    def __post_init__(self) -> None:
        for part in self.parts:
            _check_name(part)

    @classmethod
    def parse(cls, collection: str, path: object) -> CollectionPath:
        """Read a path as clients of Transfer write it.

        ``/``, ``/~/`` and ``~`` are the root; a relative path starts there; ``.`` and doubled
        slashes mean nothing.

        Args:
            collection: the collection's name or id.
            path: the text.

        Raises:
            CollectionPathError: it is no text, is empty, or has ``..``, a NUL or half a surrogate
                pair.
        """
        if not isinstance(path, str):
            raise CollectionPathError("must be a string")
        if not path:
            raise CollectionPathError("is empty; the collection's root is '/'")
        names = [name for name in path.split("/") if name not in ("", ".")]
        if names and names[0] == "~":
            del names[0]
        return cls(collection, tuple(names), not names or path.endswith(("/", "/.")))

    @property
    def name(self) -> str:
        """The last name; empty for the root."""
        return self.parts[-1] if self.parts else ""

    @property
    def parent(self) -> CollectionPath:
        """The directory that it is in; the root's is the root."""
        return CollectionPath(self.collection, self.parts[:-1], True)

    @property
    def path(self) -> str:
        """The path from the collection's root, with a slash at the end of a directory's."""
        # The first "~" is the root; one that is a name comes second.
        home = "/~" if self.parts[:1] == ("~",) else ""
        text = "/" + "/".join(self.parts)
        return home + text + ("/" if self.is_directory and self.parts else "")

    def join(self, path: str) -> CollectionPath:
        """Return the path of what has a relative path in this directory.

        Raises:
            CollectionPathError: it leads out of it, or is not relative.
        """
        if path.startswith("/"):
            raise CollectionPathError("starts with '/'; write it relative to the directory")
        names = tuple(name for name in path.split("/") if name not in ("", "."))
        is_directory = not names or path.endswith(("/", "/."))
        return CollectionPath(self.collection, (*self.parts, *names), is_directory)

    def as_directory(self) -> CollectionPath:
        """Return the same path, written as a directory's."""
        return CollectionPath(self.collection, self.parts, True)

    def directories(self) -> Iterator[CollectionPath]:
        """Yield this path as a directory's, then the directories that it is in, to the root."""
        for count in range(len(self.parts), -1, -1):
            yield CollectionPath(self.collection, self.parts[:count], True)

    def local(self, root: Path) -> Path:
        """Return the path on this machine of a collection with a root."""
        return root.joinpath(*self.parts)

    def __str__(self) -> str:
        return f"{self.collection}:{self.path}"


def _check_name(name: str) -> None:
    if name in ("", ".") or "/" in name:
        raise CollectionPathError(f"{name!r} is no name")
    if name == "..":
        raise CollectionPathError(
            "must not leave its collection: write it from the root, without `..`"
        )
    if "\0" in name:
        raise CollectionPathError("has a NUL character")
    try:
        name.encode()
    except UnicodeEncodeError:
        raise CollectionPathError("has half a surrogate pair, which is no character") from None
