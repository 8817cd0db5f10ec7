"""Completeness by a manifest: all files that it lists are there, and whole."""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Iterator
from typing import TYPE_CHECKING

from headrace._internal.terminal_text import terminal_text as shown
from headrace.triggers.completeness.file_digests import (
    DigestGivenUp,
    FileChanged,
    FileDigests,
    stamp_of,
)
from headrace.triggers.completeness.manifest_formats import (
    InvalidManifest,
    ManifestEntry,
    parse_manifest,
)
from headrace.triggers.completeness.rule import CompletenessRule, Look

if TYPE_CHECKING:
    from headrace.triggers.arrival import Arrival
    from headrace.triggers.trigger import Trigger

_MAX_SIZE = 64_000_000
# So many files with wrong digests are reported one by one.
_MAX_REPORTED = 5


class ManifestRule(CompletenessRule):
    """An arrival is complete when all files of its manifest are there, each as it says.

    Sizes are compared first, then digests; a digest is computed once for a file that stays as it
    is. A file whose digest is wrong is told once.
    """

    def __init__(self, value: str, trigger: Trigger, arrival: Arrival) -> None:
        super().__init__(value, trigger, arrival)
        self._file = arrival.location / value
        self._read: tuple[tuple[int, ...], tuple[ManifestEntry, ...]] | None = None
        self._digests = FileDigests()
        self._reported: set[tuple[str, tuple[int, ...]]] = set()

    @property
    def awaited_names(self) -> tuple[str, ...]:
        """The manifest, and all beside it: files may come after it."""
        return (glob.escape(self.value), "*")

    def missing_reason(self, look: Look) -> str:
        """Compare the arrival with its manifest.

        Raises:
            OSError: a file cannot be read.
        """
        try:
            entries = self._entries()
        except FileNotFoundError:
            return f"the manifest {self.value}"
        except InvalidManifest as error:
            look.report_problem(f"{shown(str(self._file))}: {shown(str(error))}; write it anew")
            return f"a manifest {self.value} that can be read"
        if not entries:
            return f"a first file in the manifest {self.value}"
        missing = [reason for entry in entries if (reason := self._size_problem(entry))]
        if missing:
            return f"{len(missing):,} of {len(entries):,} files of {self.value}: {missing[0]}"
        wrong = list(self._wrong_digests(entries, look))
        self._report(wrong, look)
        if wrong:
            return f"{len(wrong):,} of {len(entries):,} files of {self.value}: {wrong[0][0]}"
        return ""

    def _entries(self) -> tuple[ManifestEntry, ...]:
        stamp = stamp_of(os.lstat(self._file))
        if self._read is None or self._read[0] != stamp:
            if stamp[1] > _MAX_SIZE:
                raise InvalidManifest(f"is larger than {_MAX_SIZE // 1_000_000} MB")
            text = self._file.read_bytes().decode("utf-8", "surrogateescape")
            self._read = (stamp, parse_manifest(self.value, text))
        return self._read[1]

    def _size_problem(self, entry: ManifestEntry) -> str:
        """Say what is wrong with a file by its size; "" if nothing is."""
        name = shown(entry.path)
        try:
            status = os.lstat(self.arrival.location / entry.path)
        except (FileNotFoundError, NotADirectoryError):
            return name
        if not stat.S_ISREG(status.st_mode):
            return f"{name} is no file"
        if entry.size is not None and status.st_size != entry.size:
            return f"{name} has {status.st_size:,} of {entry.size:,} bytes"
        return ""

    def _wrong_digests(
        self, entries: tuple[ManifestEntry, ...], look: Look
    ) -> Iterator[tuple[str, ManifestEntry | None]]:
        """Yield what is wrong with files, and those whose digest is another."""
        for entry in entries:
            if not entry.digest:
                continue
            file, name = self.arrival.location / entry.path, shown(entry.path)
            try:
                found = self._digests.digest(file, entry.algorithm, look.is_cancelled)
            except (FileChanged, FileNotFoundError):
                yield f"{name} is being written", None
                continue
            except DigestGivenUp:
                yield f"{name} was not read to its end", None
                return
            if found != entry.digest:
                yield f"{name} has another {entry.algorithm}", entry

    def _report(self, wrong: list[tuple[str, ManifestEntry | None]], look: Look) -> None:
        """Report each file whose digest is wrong, once for what it is and is said to be."""
        new = []
        for _, entry in wrong:
            if entry is None:
                continue
            file = self.arrival.location / entry.path
            key = (entry.digest, (*os.fsencode(file), *stamp_of(os.lstat(file))))
            if key not in self._reported:
                self._reported.add(key)
                new.append((file, entry))
        for file, entry in new[:_MAX_REPORTED]:
            more = f" (and {len(new) - _MAX_REPORTED:,} others)" if len(new) > _MAX_REPORTED else ""
            look.report_problem(
                f"{shown(str(file))}: its {entry.algorithm} is not the one in {self.value}{more}; "
                "send it again, or correct the manifest"
            )
