"""Reproducible ROOT files: equal bytes for equal data, without times or random ids."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uproot

from headrace._internal.atomic import flush_directory, flush_file

# ROOT counts its years from 1995 on.
_EPOCH = datetime(1995, 1, 1, tzinfo=UTC)


def file_uuid(name: str) -> Callable[[], uuid.UUID]:
    """Return a factory of a ROOT file's UUID, derived from its name.

    Args:
        name: the file's name, without directories.
    """
    identity = uuid.uuid5(uuid.NAMESPACE_URL, f"headrace:{name}")
    return lambda: identity


@contextmanager
def constant_times() -> Iterator[None]:
    """Write one time into ROOT files, whenever they are written.

    uproot takes the clock's time for every key and directory and offers no choice; all of them
    pass through one function of its.
    """
    code: Any = uproot._util.datetime_to_code
    constant = code(_EPOCH)
    uproot._util.datetime_to_code = lambda moment: constant
    try:
        yield
    finally:
        uproot._util.datetime_to_code = code


@contextmanager
def atomic_files(*targets: Path) -> Iterator[list[Path]]:
    """Give temporary paths, and rename the files into place at the end of the body.

    A ROOT file holds its own name, which is therefore the final one from the beginning; the
    directory is a temporary one beside the target.

    Args:
        targets: the files; missing directories are made.

    Raises:
        OSError: they cannot be written.
    """
    folders: list[Path] = []
    try:
        for target in targets:
            target.parent.mkdir(parents=True, exist_ok=True)
            folders.append(Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent)))
        written = [folder / target.name for folder, target in zip(folders, targets, strict=True)]
        yield written
        for path in written:
            flush_file(path)
        for path, target in zip(written, targets, strict=True):
            path.replace(target)
            flush_directory(target.parent)
    finally:
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
