"""Store of results of stages: outputs by the key of everything that they depend on.

An entry is a directory: ``entry.json`` and ``output``, a file or a directory. It appears complete,
is never changed, and is never linked to: a program that opens its output for writing in place
changes its own copy. Where the file system can share the blocks of copies, it does.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import StageError
from .manifest import digest

_ENTRY = "entry.json"
_OUTPUT = "output"
# Linux: FICLONE of linux/fs.h.
_CLONE = 0x40049409
_CHUNK = 1 << 22


@dataclass(frozen=True)
class StoredResult:
    """A result that was copied out of the store.

    Attributes:
        facts: numbers that the program printed about it.
        made_at: when it was made, UTC.
    """

    facts: dict[str, Any]
    made_at: str


class ResultStore:
    """A directory with results.

    Args:
        directory: where it is; made when something is added.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.problem = ""
        """Why a result was not reused or not added; empty where nothing is the matter."""

    def copy_out(self, key: str, target: Path) -> StoredResult | None:
        """Copy a result to a place; None where there is none, or it cannot be used.

        A damaged entry is set aside. A store that cannot be read is as good as none.

        Args:
            key: the key of the result.
            target: where it is copied to; nothing is there, but its directory is.
        """
        entry = self._entry(key)
        try:
            with contextlib.suppress(OSError):  # of somebody else: then it ages
                os.utime(entry / _ENTRY)
            text = (entry / _ENTRY).read_text(encoding="utf-8", errors="replace")
            document = _parsed(text)
            if document is not None and document.get("key") == key:
                _copy(entry / _OUTPUT, target, writable=True)
                if digest(target) == document["output"]:
                    return StoredResult(dict(document["facts"]), str(document["made_at"]))
                if digest(entry / _OUTPUT) == document["output"]:
                    raise OSError(0, "its copy differs from it", str(entry))
            self._set_aside(entry, target)
        except FileNotFoundError:
            self._set_aside(entry, target)
        except (OSError, StageError) as error:
            remove(target)
            self._note(error)
        return None

    def add(self, key: str, made: Path, facts: Mapping[str, Any]) -> None:
        """Add a result, unless it is there; a fault is noted in `problem` and raises nothing.

        Args:
            key: its key.
            made: a file or directory that is complete.
            facts: what is known of it.
        """
        entry = self._entry(key)
        partial: Path | None = None
        try:
            if entry.is_dir():
                return
            entry.parent.mkdir(parents=True, exist_ok=True)
            partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=self.directory))
            before = digest(made)
            new = partial / "entry"
            new.mkdir()
            _copy(made, new / _OUTPUT, writable=False)
            if not before or digest(new / _OUTPUT) != before:
                raise StageError(f"{made}: was changed while it was copied")
            document = {
                "key": key,
                "output": before,
                "facts": dict(facts),
                "made_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            }
            with (new / _ENTRY).open("w", encoding="utf-8") as stream:
                stream.write(json.dumps(document, sort_keys=True) + "\n")
                stream.flush()
                os.fsync(stream.fileno())
            _flush_directories(new)
            with contextlib.suppress(FileExistsError):
                _rename_new(new, entry)
            _flush(entry.parent)
        except (OSError, StageError) as error:
            self._note(error)
        finally:
            if partial is not None:
                remove(partial)

    def _entry(self, key: str) -> Path:
        return self.directory / key[:2] / key

    def _set_aside(self, entry: Path, target: Path) -> None:
        """Move an entry out of the way, if it is there and not as it was made."""
        remove(target)
        damaged = self.directory / "damaged"
        try:
            if entry.is_dir():
                self.problem = f"{entry}: damaged; it is set aside, and the work is done anew"
                damaged.mkdir(exist_ok=True)
                entry.rename(Path(tempfile.mkdtemp(prefix=f"{entry.name}-", dir=damaged)) / "entry")
        except OSError as error:
            self._note(error)

    def _note(self, error: OSError | StageError) -> None:
        words = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else str(error)
        self.problem = f"{self.directory}: cannot be used: {words}"


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        document = json.loads(text)
    except ValueError:
        return None
    wanted = {"output": str, "facts": dict, "made_at": str}
    if not isinstance(document, dict):
        return None
    sound = all(isinstance(document.get(name), kind) for name, kind in wanted.items())
    return document if sound else None


def _copy(source: Path, target: Path, *, writable: bool) -> None:
    """Copy a file or a directory that holds files and directories alone."""
    mode = source.lstat().st_mode
    if stat.S_ISDIR(mode):
        target.mkdir()
        for child in sorted(source.iterdir()):
            _copy(child, target / child.name, writable=writable)
        return
    if not stat.S_ISREG(mode):
        raise StageError(f"{source}: neither a file nor a directory; it is not shared")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with source.open("rb") as stream, os.fdopen(os.open(target, flags, 0o600), "wb") as copy:
        try:
            fcntl.ioctl(copy.fileno(), _CLONE, stream.fileno())
        except OSError:
            shutil.copyfileobj(stream, copy, _CHUNK)
        copy.flush()
        os.fchmod(copy.fileno(), mode & 0o555 | (0o200 if writable else 0))
        os.fsync(copy.fileno())


def _rename_new(source: Path, target: Path) -> None:
    """Rename a directory; FileExistsError where another one is there, which stays."""
    try:
        source.rename(target)
    except OSError:
        if target.is_dir():
            raise FileExistsError(str(target)) from None
        raise


def _flush_directories(top: Path) -> None:
    for root, _, _ in os.walk(top):
        _flush(Path(root))


def _flush(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove(path: Path) -> None:
    """Remove a file or a directory, as far as that is possible."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
