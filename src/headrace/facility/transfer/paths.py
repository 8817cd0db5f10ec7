"""Paths within a collection, as clients write them and as the file system has them.

Clients write text; Linux has bytes. Names that are no UTF-8 are shown as the Transfer service shows
them: U+FFFD, then the bytes read as Latin-1. Such text finds its file again.
"""

from __future__ import annotations

import os

from headrace._internal.collection_path import CollectionPath, CollectionPathError
from headrace.facility.transfer.errors import TransferError

MAX_NAME = 255
_SHOWN = 200
_UNDECODABLE = "\ufffd"


def _invalid(path: object, problem: str) -> TransferError:
    return TransferError("ClientError.InvalidPath", f"path {quoted(str(path))}: {problem}")


def parse_path(path: object) -> tuple[str, ...]:
    """Split a path into the names that lead from the collection's root to it.

    ``/``, ``/~/`` and ``~`` are the root; a relative path starts there; ``.`` and doubled slashes
    mean nothing.

    Args:
        path: what the client wrote.

    Returns:
        File system names; empty for the root.

    Raises:
        TransferError: ``ClientError.InvalidPath``: not text, empty, has ``..``, a NUL or a name of
            more than 255 bytes.
    """
    try:
        names = CollectionPath.parse("", path).parts
    except CollectionPathError as error:
        raise _invalid(path, str(error)) from None
    return tuple(_file_system_name(name, path) for name in names)


def _file_system_name(name: str, path: object) -> str:
    data = _bytes_of(name)
    if len(data) > MAX_NAME:
        raise _invalid(path, f"has a name of {len(data)} bytes; {MAX_NAME} is the most")
    return os.fsdecode(data)


def _bytes_of(name: str) -> bytes:
    if name.startswith(_UNDECODABLE):
        try:
            data = name[1:].encode("latin-1")
        except UnicodeEncodeError:
            return name.encode("utf-8")
        try:
            data.decode("utf-8")
        except UnicodeDecodeError:
            return data
    return name.encode("utf-8")


def display_name(name: str) -> str:
    """Return a file system name as text that any JSON writer can write."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return _UNDECODABLE + os.fsencode(name).decode("latin-1")
    return name


def display_path(parts: tuple[str, ...], *, directory: bool = False) -> str:
    """Return a path from the collection's root, with a slash at the end of a directory's."""
    text = "/" + "/".join(display_name(part) for part in parts)
    return text + "/" if directory and parts else text


def quoted(text: str) -> str:
    """Return quoted text for a message: no control characters, at most one line."""
    if len(text) > _SHOWN:
        text = f"{text[: _SHOWN - 20]}...{text[-17:]}"
    if text.isprintable():
        return f"'{text}'"
    escaped = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return f"'{escaped}'"
