"""Where a fitted segment grows before it is whole: beside its place, or on the node's own disk.

Every machine has one file that all its ranks write into, each at the bytes that are its own. On
one machine without staging it gets its name at last; otherwise the machines copy their shares,
one after the other, because not every shared filesystem likes two of them in one block.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from headrace._internal.files import SHARED
from headrace.datarun.errors import DataRunError
from headrace.datarun.fit.collective import Node

_COPIED = 1 << 24


@dataclass(frozen=True)
class Storage:
    """The files of one machine.

    Attributes:
        source: the segment.
        target: the fitted segment.
        staging: directory on the node's own disk; None works on the files where they are.
        node: the machine.
    """

    source: Path
    target: Path
    staging: Path | None
    node: Node

    @property
    def directory(self) -> Path | None:
        """This segment's directory on the node's own disk; the same after a crash."""
        if self.staging is None:
            return None
        name = hashlib.sha256(str(self.target.absolute()).encode()).hexdigest()[:16]
        return self.staging / f"fit_traces-{name}"

    @property
    def whole(self) -> Path:
        """The output until it is whole, beside its place."""
        return self.target.with_name(f".{self.target.name}.tmp")

    @property
    def readable(self) -> Path:
        """What this machine reads."""
        return self.directory / self.source.name if self.directory else self.source

    @property
    def growing(self) -> Path:
        """What this machine's ranks write."""
        if self.directory:
            return self.directory / "fitted"
        if self.node.nodes == 1:
            return self.whole
        return self.target.with_name(f".{self.target.name}.{self.node.number}.tmp")

    def fetch(self) -> None:
        """Bring the segment to the node's own disk, for all ranks of a machine; rank 0 first.

        What an earlier attempt left behind is removed.
        """
        directory = self.directory
        if directory is None:
            return
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        _room_for(directory, self.source.stat().st_size)
        shutil.copyfile(self.source, self.readable)

    def make(self, size: int) -> None:
        """Make the file that this machine's ranks write, once per machine."""
        self.growing.unlink(missing_ok=True)
        _room_for(self.growing.parent, size)
        descriptor = os.open(self.growing, os.O_WRONLY | os.O_CREAT | os.O_EXCL, SHARED)
        try:
            os.ftruncate(descriptor, size)
        finally:
            os.close(descriptor)

    def collect(self, shares: Sequence[tuple[int, int]], size: int) -> None:
        """Copy this machine's shares to where the output becomes whole.

        Args:
            shares: first byte and byte after the last of each.
            size: of the output.
        """
        if self.growing != self.whole:
            with self.growing.open("rb") as source, _opened(self.whole) as target:
                os.ftruncate(target.fileno(), size)
                for first, last in shares:
                    source.seek(first)
                    target.seek(first)
                    while first < last:
                        part = source.read(min(_COPIED, last - first))
                        if not part:
                            raise DataRunError(
                                f"{self.growing}: shorter than it was written; "
                                "look for another job with the same output"
                            )
                        target.write(part)
                        first += len(part)
        with self.whole.open("rb+") as target:
            os.fsync(target.fileno())

    def finish(self) -> None:
        """Give the output its name, once."""
        self.whole.replace(self.target)
        descriptor = os.open(self.target.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def clear(self, everything: bool) -> None:
        """Remove what is not the output, once per machine.

        Args:
            everything: also what is still there beside the output, once.
        """
        if everything:
            self.whole.unlink(missing_ok=True)
        if self.directory is not None:
            shutil.rmtree(self.directory, ignore_errors=True)
        elif self.growing != self.whole:
            self.growing.unlink(missing_ok=True)

    def prepare(self) -> None:
        """Make the output's directory, and removes what an earlier attempt left in it; once.

        Raises:
            DataRunError: there is no segment, or the output is a directory.
        """
        if not self.source.is_file():
            raise DataRunError(f"{self.source}: no such file; check the path")
        if self.target.is_dir():
            raise DataRunError(f"{self.target}: is a directory; name a file in it")
        self.target.parent.mkdir(parents=True, exist_ok=True)
        self.whole.unlink(missing_ok=True)
        for leftover in self.target.parent.glob(f".{_literal(self.target.name)}.*.tmp"):
            leftover.unlink(missing_ok=True)


def write_at(descriptor: int, data: NDArray[np.uint8], offset: int) -> None:
    """Write bytes at a place of a file."""
    view = data.data
    while view:
        written = os.pwrite(descriptor, view, offset)
        view, offset = view[written:], offset + written


def _opened(path: Path) -> BinaryIO:
    """Return a file opened for writing at places; what it holds stays."""
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, SHARED), "rb+")


def _room_for(directory: Path, size: int) -> None:
    free = shutil.disk_usage(directory).free
    if free < size:
        raise DataRunError(
            f"{directory}: {size / 1e9:.2f} GB are needed, {free / 1e9:.2f} GB are free; "
            "make room, or name another disk"
        )


def _literal(name: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)
