"""The frames of an XTC trajectory: where each begins, its step and its time.

The coordinates are not decompressed. The layout is that of ``xdr3dfcoord`` in GROMACS's
``fileio/libxdrf.cpp``: big-endian; magic number 1995, or 2023 where a frame's size takes 64 bits
(systems of over 298 million atoms); number of atoms, step, time, box; number of atoms again; then
three floats an atom for up to nine atoms, else precision, bounds, and a block of bytes with its
size, padded to four.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from headrace.md.errors import MdError

_HEADER: Final = struct.Struct(">iiif9fi")
_MAGIC_SMALL: Final = 1995
_MAGIC_LARGE: Final = 2023
# Precision, three lowest and three highest integers, and the index of the small ones.
_BOUNDS: Final = 4 + 6 * 4 + 4
_FEW_ATOMS: Final = 9


@dataclass(frozen=True)
class Frame:
    """A frame.

    Attributes:
        step: its step.
        time_ps: its time, in ps, in single precision as the file has it.
        begin: where it begins, in bytes.
        end: where the next one begins.
    """

    step: int
    time_ps: float
    begin: int
    end: int


def read_frames(path: Path) -> list[Frame]:
    """List the frames of a trajectory.

    Args:
        path: an XTC file.

    Raises:
        MdError: it cannot be read, is no XTC file, or its last frame is cut.
    """
    try:
        with path.open("rb") as stream:
            size = path.stat().st_size
            return list(_frames(stream, size, path))
    except OSError as error:
        raise MdError(f"{path}: {error.strerror}") from None


def _frames(stream: BinaryIO, size: int, path: Path) -> Iterator[Frame]:
    begin = 0
    while begin < size:
        head = stream.read(_HEADER.size)
        if len(head) < _HEADER.size:
            raise MdError(f"{path}: byte {begin}: the last frame is cut")
        magic, atoms, step, time, *_box, again = _HEADER.unpack(head)
        if magic not in (_MAGIC_SMALL, _MAGIC_LARGE) or atoms != again:
            raise MdError(f"{path}: byte {begin}: no frame of an XTC trajectory begins here")
        if atoms <= _FEW_ATOMS:
            end = stream.tell() + 3 * 4 * atoms
        else:
            stream.seek(_BOUNDS, 1)
            form = ">i" if magic == _MAGIC_SMALL else ">q"
            number = stream.read(struct.calcsize(form))
            if len(number) < struct.calcsize(form):
                raise MdError(f"{path}: byte {begin}: the last frame is cut")
            (length,) = struct.unpack(form, number)
            end = stream.tell() + (length + 3) // 4 * 4
        if end > size:
            raise MdError(f"{path}: byte {begin}: the last frame is cut")
        yield Frame(step, time, begin, end)
        stream.seek(end)
        begin = end
