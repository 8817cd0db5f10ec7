"""Files that are complete or not there. This package travels alone, so it has its own."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path


def write_atomic(path: Path, text: str, *, mode: int = 0o600, flush: bool = True) -> None:
    """Write a file completely or not at all; where it fails, nothing is left beside it.

    Args:
        path: the file; its directory is there.
        text: names of files in it need not be Unicode.
        mode: permissions of the file.
        flush: whether it has to survive a power cut.

    Raises:
        OSError: it cannot be written.
    """
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape") as stream:
            stream.write(text)
            if flush:
                stream.flush()
                os.fsync(stream.fileno())
        os.chmod(temporary, mode)  # noqa: PTH101 - a name, not a Path
        os.replace(temporary, path)  # noqa: PTH105
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)  # noqa: PTH108
        raise
