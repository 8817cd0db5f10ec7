"""One Fortran record in a file: length, numbers in single precision, length.

What compilers write for ``form='unformatted'``, sequential access: a four-byte length in bytes
before and after the data, all in the machine's byte order.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from headrace.seismic.errors import ModelError

Singles = npt.NDArray[np.float32]
ByteOrder = Literal["little", "big"]

_MARKER = 4
_MAX_BYTES = 2**31 - 1
_SIGNS: dict[ByteOrder, str] = {"little": "<", "big": ">"}


def read_record(path: Path) -> Singles:
    """Read a file of one record, in whichever byte order it is.

    Args:
        path: the file.

    Returns:
        Its numbers, shape ``(n,)``, in this machine's byte order.

    Raises:
        ModelError: it is not there, torn, or not one record of four-byte numbers.
    """
    order, count = _describe(path)
    with path.open("rb") as stream:
        stream.seek(_MARKER)
        numbers = np.fromfile(stream, dtype=f"{_SIGNS[order]}f4", count=count)
    return numbers.astype(np.float32)


def record_length(path: Path) -> int:
    """Return how many numbers a file of one record holds, without reading them.

    Raises:
        ModelError: as for `read_record`.
    """
    return _describe(path)[1]


def byte_order_of(path: Path) -> ByteOrder:
    """Return the byte order of a file of one record.

    Raises:
        ModelError: as for `read_record`.
    """
    return _describe(path)[0]


def write_record(
    path: Path, numbers: npt.NDArray[np.floating[Any]], byte_order: ByteOrder = "little"
) -> None:
    """Write a file of one record.

    Args:
        path: the file; one that is there is replaced.
        numbers: any shape; written in C order, in single precision.
        byte_order: of length and numbers.

    Raises:
        ModelError: there are more than a record can hold, one is not finite in single precision,
            or the disk is full.
    """
    flat = np.ravel(numbers)
    if flat.size * 4 > _MAX_BYTES:
        raise ModelError(f"{path}: {flat.size} numbers do not fit into one record; use more tasks")
    with np.errstate(over="ignore"):
        written = flat.astype(f"{_SIGNS[byte_order]}f4")
    if not np.isfinite(written).all():
        place = int(np.flatnonzero(~np.isfinite(written))[0])
        raise ModelError(f"{path}: number {place} is not finite: {flat[place]!r}")
    marker = np.array([written.nbytes], dtype=f"{_SIGNS[byte_order]}i4")
    try:
        with path.open("wb") as stream:
            stream.write(marker.tobytes())
            stream.write(written.data)
            stream.write(marker.tobytes())
    except OSError as error:
        raise ModelError(f"{path}: cannot be written: {error.strerror}") from None


def _describe(path: Path) -> tuple[ByteOrder, int]:
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            first = stream.read(_MARKER)
            stream.seek(max(size - _MARKER, 0))
            last = stream.read(_MARKER)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from None
    inside = size - 2 * _MARKER
    if inside >= 0 and first == last and inside % 4 == 0:
        for order in _SIGNS:
            if int.from_bytes(first, order) == inside:
                return order, inside // 4
    lengths = " or ".join(str(int.from_bytes(first, order)) for order in _SIGNS)
    raise ModelError(
        f"{path}: torn, or not one Fortran record: it says {lengths} bytes and holds {inside}"
    )
