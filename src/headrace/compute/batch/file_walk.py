"""The files below a directory, with few calls of the system for each."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator


def walk_files(
    directory: str, on_error: Callable[[OSError, bool], None], prefix: str = ""
) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Yield the files below a directory by their paths, those of each directory in order.

    Symbolic links to files count as those files; links to directories are not followed.

    Args:
        directory: the directory.
        on_error: called where something cannot be read, with whether that is a directory; it is
            passed over then, unless this raises.
        prefix: what the paths begin with.
    """
    try:
        with os.scandir(directory) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        on_error(error, True)
        return
    below = []
    for entry in listed:
        try:
            if entry.is_dir(follow_symlinks=False):
                below.append(entry)
            elif entry.is_file():
                yield prefix + entry.name, entry
        except OSError as error:
            on_error(error, False)
    for entry in below:
        yield from walk_files(entry.path, on_error, f"{prefix}{entry.name}/")
