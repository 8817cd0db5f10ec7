"""Directories of files: their content as one digest, and copies that are complete or not there."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from headrace._internal.atomic import atomic_replacement, directory_replacement
from headrace.campaigns.errors import CampaignError

RECEIPT: Final = ".headrace.json"
"""File that `headrace campaign add` leaves in a directory; no part of its content."""

_BLOCK: Final = 1 << 20


@dataclass(frozen=True)
class DirectoryContent:
    """Files of a directory.

    Attributes:
        files: SHA-256 of each, by its path in the directory.
        directories: paths of the directories in it.
        size: bytes of all files.
        digest: SHA-256 of names, contents and which of them are programs.
    """

    files: Mapping[str, str]
    directories: tuple[str, ...]
    size: int
    digest: str


def read_content(
    directory: Path, root: Path | None = None, digest_of: Callable[[Path], str] | None = None
) -> DirectoryContent:
    """Read all files of a directory.

    Args:
        directory: the directory.
        root: the directory that no link may lead out of; the directory itself by default.
        digest_of: returns the SHA-256 of a file; `file_digest` by default.

    Raises:
        CampaignError: a link leads out of it or to a directory, something is neither file nor
            directory, or a file cannot be read or has changed meanwhile.
    """
    total = hashlib.sha256()
    files, directories, size = {}, [], 0
    bounds = (root or directory).resolve()
    for path, inside in _walk(directory, ""):
        if not path.is_symlink() and path.is_dir():
            directories.append(inside)
            total.update(f"d\0{inside}\0".encode("utf-8", "surrogateescape"))
            continue
        _check_file(path, bounds)
        files[inside] = (digest_of or file_digest)(path)
        status = path.stat()
        size += status.st_size
        kind = "x" if status.st_mode & stat.S_IXUSR else "f"
        text = f"{kind}\0{inside}\0{files[inside]}\0"
        total.update(text.encode("utf-8", "surrogateescape"))
    return DirectoryContent(files, tuple(directories), size, total.hexdigest())


def copy_directory(source: Path, content: DirectoryContent, destination: Path) -> None:
    """Copy a directory, so that it is there with its content as it was read, or not at all.

    Args:
        source: the directory.
        content: as it was read.
        destination: is not there yet.

    Raises:
        CampaignError: a file has changed since, or the copy differs.
        OSError: it cannot be written.
    """
    with directory_replacement(destination) as partial:
        for inside in content.directories:
            (partial / inside).mkdir(parents=True, exist_ok=True)
        for inside, digest in content.files.items():
            copy_file(source / inside, partial / inside, digest)


def copy_file(source: Path, destination: Path, digest: str | None = None) -> str:
    """Copy a file in the place of another, complete or not at all, and compare what was written.

    Args:
        source: the file.
        destination: its directory is made if need be.
        digest: the SHA-256 that it must have; any by default.

    Returns:
        Its SHA-256.

    Raises:
        CampaignError: it has changed meanwhile, or the copy differs.
        OSError: it cannot be read or written.
    """
    destination.parent.mkdir(parents=True, exist_ok=True)
    total = hashlib.sha256()
    with atomic_replacement(destination) as temporary:
        with source.open("rb") as reader, temporary.open("r+b") as writer:
            while block := reader.read(_BLOCK):
                total.update(block)
                writer.write(block)
        status = source.stat()
        os.chmod(temporary, stat.S_IMODE(status.st_mode) | stat.S_IWUSR | stat.S_IRUSR)  # noqa: PTH101
        os.utime(temporary, ns=(status.st_atime_ns, status.st_mtime_ns))
        if digest not in (None, total.hexdigest()):
            raise CampaignError(
                f"{source}: has changed while it was copied: give the command again"
            )
        if file_digest(temporary) != total.hexdigest():
            raise CampaignError(f"{destination}: the copy is not what was written: check the disk")
    return total.hexdigest()


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal.

    Raises:
        CampaignError: it cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise CampaignError(f"{path}: cannot be read: {error.strerror}") from error


def _walk(directory: Path, above: str) -> Iterator[tuple[Path, str]]:
    """Yield what a directory has, with its path in it, in an order of its own."""
    try:
        names = sorted(entry.name for entry in directory.iterdir())
    except OSError as error:
        raise CampaignError(f"{directory}: cannot be read: {error.strerror}") from error
    for name in names:
        path, inside = directory / name, f"{above}{name}"
        if inside == RECEIPT:
            continue
        yield path, inside
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path, f"{inside}/")


def _check_file(path: Path, bounds: Path) -> None:
    if path.is_symlink():
        if not path.resolve().is_relative_to(bounds):
            raise CampaignError(
                f"{path}: is a link that leads out of {bounds}: put the file itself there"
            )
        if path.is_dir():
            raise CampaignError(f"{path}: is a link to a directory: put the directory itself there")
    if not path.is_file():
        raise CampaignError(f"{path}: is neither a file nor a directory: remove it")
