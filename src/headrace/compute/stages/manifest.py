"""Manifest of a stage: hashes of everything its output depends on, and of the output."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..batch.file_walk import walk_files
from ..batch.json_text import json_by_lines
from .errors import StageError

_CHUNK = 1 << 22
# A link in a circle, or through a file.
_LEADS_NOWHERE = (errno.ELOOP, errno.ENOTDIR, errno.EBADF)


def digest(path: Path) -> str:
    """Return the hash of a file, or of all files below a directory with their names.

    Args:
        path: the file or directory.

    Returns:
        Hexadecimal digest; "" where there is nothing, or an empty directory.

    Raises:
        StageError: it cannot be read.
    """
    try:
        if not path.is_dir():
            return _file_digest(str(path)) if path.exists() else ""
        names = [name for name, _ in walk_files(str(path), _pass_over)]
        names.sort(key=lambda name: name.split("/"))
        listing = [f"{_file_digest(f'{path}/{name}')} {name}" for name in names]
    except OSError as error:
        raise StageError(f"{error.filename or path}: {error.strerror}") from error
    text = "\n".join(listing)
    encoded = text.encode("utf-8", "surrogateescape")
    return hashlib.blake2b(encoded, digest_size=16).hexdigest() if listing else ""


def _pass_over(error: OSError, is_directory: bool) -> None:
    """Pass over a directory that may not be read, and a link that leads nowhere; else raise."""
    if is_directory and isinstance(error, PermissionError):
        return
    if is_directory or error.errno not in _LEADS_NOWHERE:
        raise error


def _file_digest(path: str) -> str:
    hashed = hashlib.blake2b(digest_size=16)
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        while chunk := os.read(descriptor, _CHUNK):
            hashed.update(chunk)
    finally:
        os.close(descriptor)
    return hashed.hexdigest()


@dataclass(frozen=True)
class Manifest:
    """Manifest of a stage's output: the file beside it that says what it was made from.

    Attributes:
        path: the file, ``OUTPUT.done.json``.
        output: the file or directory that the stage makes.
        inputs: what the output depends on: digests of the inputs by name, and settings.
    """

    path: Path
    output: Path
    inputs: Mapping[str, Any]

    def short_digest(self) -> str:
        """Return a short digest of everything the output depends on."""
        text = json.dumps(self.inputs, sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()

    def cached_result(self) -> dict[str, Any] | None:
        """Return the facts of the output that is there; None where it is out of date."""
        return self.facts_of(self.read())

    def read(self) -> dict[str, Any]:
        """Return what the manifest says; nothing where there is none, or a damaged one."""
        return _read(self.path)

    def facts_of(self, document: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the facts in a manifest's document; None where the output is another one.

        Args:
            document: what :meth:`write` has written, or :meth:`document` returned.

        Raises:
            StageError: the output cannot be read.
        """
        if document.get("inputs") != self.inputs or not document.get("output"):
            return None
        if digest(self.output) != document["output"]:
            return None
        return _facts(document)

    def reused_from(self) -> str:
        """Return when a reused output was made; "" where it was made for this directory."""
        return str(_read(self.path).get("reused_from", ""))

    def document(
        self, made: Path, facts: Mapping[str, Any], reused_from: str = ""
    ) -> dict[str, Any]:
        """Return what the manifest of an output says.

        Args:
            made: where the output is now.
            facts: what is known of it.
            reused_from: when it was made, where it was made for another directory.

        Raises:
            StageError: the output cannot be read.
        """
        document = {"inputs": self.inputs, "output": digest(made), "facts": dict(facts)}
        return {**document, "reused_from": reused_from} if reused_from else document

    def write(self, made: Path, facts: Mapping[str, Any], reused_from: str = "") -> None:
        """Write the manifest of an output that will be moved into place next.

        Args:
            made: where the output is now.
            facts: what is known of it.
            reused_from: when it was made, where it was made for another directory.

        Raises:
            StageError: it cannot be written.
        """
        self.write_document(self.document(made, facts, reused_from))

    def write_document(self, document: Mapping[str, Any]) -> None:
        """Write the manifest from its document.

        Args:
            document: what :meth:`document` returned.

        Raises:
            StageError: it cannot be written.
        """
        text = json_by_lines(document, sort_keys=True)
        try:
            handle, temporary = tempfile.mkstemp(prefix=f".{self.path.name}.", dir=self.path.parent)
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            os.chmod(temporary, 0o644)  # noqa: PTH101 - a name, not a Path
            os.replace(temporary, self.path)  # noqa: PTH105
        except OSError as error:
            raise StageError(f"{self.path}: {error.strerror}") from error


def read_facts(output: Path) -> dict[str, Any]:
    """Return the facts in the manifest of an output; none where it has no manifest.

    Args:
        output: the file or directory that the stage made.
    """
    return _facts(_read(manifest_path(output)))


def manifest_path(output: Path) -> Path:
    """Return the path of an output's manifest."""
    return output.with_name(f"{output.name}.done.json")


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        # Without a manifest, or with one that is damaged, the stage is run again.
        return {}
    return document if isinstance(document, dict) else {}


def _facts(document: Mapping[str, Any]) -> dict[str, Any]:
    facts = document.get("facts")
    return facts if isinstance(facts, dict) else {}
