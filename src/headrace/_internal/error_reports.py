"""Reports of errors that nobody foresaw: the whole traceback, in a file of the account's own."""

from __future__ import annotations

import os
import platform
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

_KEPT: Final = 20
_NAME: Final = "error-*.log"


def write_error_report(error: BaseException) -> Path | None:
    """Write what is known of an unforeseen error to a new file that only its owner can read.

    Neither arguments nor values of variables are in it, for they may hold secrets. Only the newest
    reports are kept.

    Args:
        error: the error.

    Returns:
        The file; None where none can be written.
    """
    from headrace import __version__

    moment = datetime.now(UTC)
    head = f"headrace {__version__}, Python {platform.python_version()}, {platform.platform()}"
    text = f"{moment.isoformat()}\n{head}\n{''.join(traceback.format_exception(error))}"
    name = _NAME.replace("*", f"{moment:%Y%m%dT%H%M%S.%f}-{os.getpid()}")
    for directory in _directories():
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            if directory.is_symlink() or directory.stat().st_uid != os.getuid():
                continue  # somebody else's, in a directory that all may write to
            path = directory / name
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as stream:
                stream.write(text)
        except OSError:
            continue
        _forget_old(directory)
        return path
    return None


def _directories() -> tuple[Path, ...]:
    state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    # A full or missing home directory is a usual cause of what is to be reported.
    temporary = Path(tempfile.gettempdir()) / f"headrace-errors-{os.getuid()}"
    return Path(state).expanduser() / "headrace" / "errors", temporary


def _forget_old(directory: Path) -> None:
    for old in sorted(directory.glob(_NAME))[:-_KEPT]:
        old.unlink(missing_ok=True)
