"""Temporary files of a fitted segment: beside the output, or on the node's own disk.

Every machine has one file that all its ranks write into, each at the bytes that are its own. On
one machine without staging it is renamed at the end; otherwise the machines copy their shares,
one after the other, because not every shared filesystem likes two of them in one block.
"""

from __future__ import annotations

import glob
import hashlib
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from headrace._internal.atomic import SHARED, flush_directory
from headrace.datarun.errors import DataRunError
from headrace.datarun.fit.collective import Node

_COPY_BYTES = 1 << 24


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
    def temporary_output(self) -> Path:
        """The unfinished output, beside the final file."""
        return self.target.with_name(f".{self.target.name}.tmp")

    @property
    def input_file(self) -> Path:
        """File that this machine's ranks read."""
        return self.directory / self.source.name if self.directory else self.source

    @property
    def node_output(self) -> Path:
        """File that this machine's ranks write."""
        if self.directory:
            return self.directory / "fitted"
        if self.node.nodes == 1:
            return self.temporary_output
        return self.target.with_name(f".{self.target.name}.{self.node.number}.tmp")

    def stage_in(self) -> None:
        """Copy the segment to the node's own disk, once per machine.

        What an earlier attempt left behind is removed.
        """
        directory = self.directory
        if directory is None:
            return
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        _require_space(directory, self.source.stat().st_size)
        shutil.copyfile(self.source, self.input_file)

    def allocate(self, size: int) -> None:
        """Make the file that this machine's ranks write, once per machine."""
        self.node_output.unlink(missing_ok=True)
        _require_space(self.node_output.parent, size)
        descriptor = os.open(self.node_output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, SHARED)
        try:
            os.ftruncate(descriptor, size)
        finally:
            os.close(descriptor)

    def merge_shares(self, shares: Sequence[tuple[int, int]], size: int) -> None:
        """Copy this machine's shares into the unfinished output.

        Args:
            shares: first byte and byte after the last of each.
            size: of the output.
        """
        if self.node_output != self.temporary_output:
            with (
                self.node_output.open("rb") as source,
                _open_for_update(self.temporary_output) as target,
            ):
                os.ftruncate(target.fileno(), size)
                for first, last in shares:
                    source.seek(first)
                    target.seek(first)
                    while first < last:
                        part = source.read(min(_COPY_BYTES, last - first))
                        if not part:
                            raise DataRunError(
                                f"{self.node_output}: shorter than it was written; "
                                "look for another job with the same output"
                            )
                        target.write(part)
                        first += len(part)
        with self.temporary_output.open("rb+") as target:
            os.fsync(target.fileno())

    def publish(self) -> None:
        """Rename the finished output to its final name, once."""
        self.temporary_output.replace(self.target)
        flush_directory(self.target.parent)

    def remove_temporary(self, temporary_output: bool) -> None:
        """Remove temporary files, once per machine.

        Args:
            temporary_output: also the unfinished output, once.
        """
        if temporary_output:
            self.temporary_output.unlink(missing_ok=True)
        if self.directory is not None:
            shutil.rmtree(self.directory, ignore_errors=True)
        elif self.node_output != self.temporary_output:
            self.node_output.unlink(missing_ok=True)

    def prepare(self) -> None:
        """Make the output's directory, and remove what an earlier attempt left in it; once.

        Raises:
            DataRunError: there is no segment, or the output is a directory.
        """
        if not self.source.is_file():
            raise DataRunError(f"{self.source}: no such file; check the path")
        if self.target.is_dir():
            raise DataRunError(f"{self.target}: is a directory; name a file in it")
        self.target.parent.mkdir(parents=True, exist_ok=True)
        self.temporary_output.unlink(missing_ok=True)
        for leftover in self.target.parent.glob(f".{glob.escape(self.target.name)}.*.tmp"):
            leftover.unlink(missing_ok=True)


def write_at(descriptor: int, data: NDArray[np.uint8], offset: int) -> None:
    """Write bytes at an offset of a file."""
    view = data.data
    while view:
        written = os.pwrite(descriptor, view, offset)
        view, offset = view[written:], offset + written


def _open_for_update(path: Path) -> BinaryIO:
    """Return a file opened for writing at offsets; its content is kept."""
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, SHARED), "rb+")


def _require_space(directory: Path, size: int) -> None:
    free = shutil.disk_usage(directory).free
    if free < size:
        raise DataRunError(
            f"{directory}: {size / 1e9:.2f} GB are needed, {free / 1e9:.2f} GB are free; "
            "make room, or name another disk"
        )
