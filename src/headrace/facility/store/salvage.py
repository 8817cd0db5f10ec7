"""Rows of a damaged SQLite file, read from its pages without the tree above them.

Written after the description of the file format: https://sqlite.org/fileformat2.html. Each leaf
page of a table holds whole rows; whose they are follows from the tree, or where that is damaged
from the number and the types of their columns.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_LEAF_TABLE: Final = 13
_INTEGER_BYTES: Final = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
_MAX_PAYLOAD: Final = 1 << 30


@dataclass(frozen=True)
class Row:
    """A row as its page holds it.

    Attributes:
        rowid: its number.
        values: its columns; an INTEGER PRIMARY KEY is None here, it is the rowid.
    """

    rowid: int
    values: tuple[Any, ...]


class _BadCellError(Exception):
    """A cell that is none."""


def leaf_rows(path: Path) -> Iterator[Row]:
    """Yield all rows of all tables in a file, also of those whose tree is damaged.

    What deleted rows have left behind on free pages is left out; what cannot be decoded, too.
    """
    data = path.read_bytes()
    if len(data) < 512:
        return
    size = struct.unpack_from(">H", data, 16)[0]
    size = 65536 if size == 1 else size
    if size < 512 or size & (size - 1):
        size = 4096  # the first page is damaged: SQLite's usual size
    usable = size - data[20] if data[20] < 255 and size - data[20] >= 480 else size
    free = _free_pages(data, size)
    for number in range(1, len(data) // size + 1):
        if number not in free:
            yield from _page_rows(data, number, size, usable)


def _free_pages(data: bytes, size: int) -> set[int]:
    free: set[int] = set()
    trunk = struct.unpack_from(">I", data, 32)[0]
    while trunk and trunk not in free and trunk * size <= len(data):
        free.add(trunk)
        offset = (trunk - 1) * size
        following, count = struct.unpack_from(">II", data, offset)
        if count > size // 4 - 2:
            break
        free.update(struct.unpack_from(f">{count}I", data, offset + 8))
        trunk = following
    return free


def _page_rows(data: bytes, number: int, size: int, usable: int) -> Iterator[Row]:
    base = (number - 1) * size
    header = base + (100 if number == 1 else 0)
    if data[header] != _LEAF_TABLE:
        return
    count = struct.unpack_from(">H", data, header + 3)[0]
    if header + 8 + 2 * count > base + size:
        return
    for pointer in struct.unpack_from(f">{count}H", data, header + 8):
        try:
            yield _row(data, base, pointer, size, usable)
        except (_BadCellError, IndexError, struct.error, UnicodeDecodeError):
            continue


def _row(data: bytes, base: int, pointer: int, size: int, usable: int) -> Row:
    if not 8 <= pointer < size:
        raise _BadCellError
    length, offset = _varint(data, base + pointer)
    rowid, offset = _varint(data, offset)
    if not 0 < length <= _MAX_PAYLOAD:
        raise _BadCellError
    payload = _payload(data, offset, length, size, usable)
    return Row(rowid - (1 << 64) if rowid >= 1 << 63 else rowid, tuple(_values(payload)))


def _payload(data: bytes, offset: int, length: int, size: int, usable: int) -> bytes:
    most = usable - 35
    if length <= most:
        return data[offset : offset + length]
    minimum = (usable - 12) * 32 // 255 - 23
    local = minimum + (length - minimum) % (usable - 4)
    local = local if local <= most else minimum
    parts = [data[offset : offset + local]]
    page = struct.unpack_from(">I", data, offset + local)[0]
    left, seen = length - local, set()
    while left > 0:
        if page == 0 or page in seen or page * size > len(data):
            raise _BadCellError
        seen.add(page)
        begin = (page - 1) * size
        page = struct.unpack_from(">I", data, begin)[0]
        part = data[begin + 4 : begin + 4 + min(left, usable - 4)]
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _values(payload: bytes) -> Iterator[Any]:
    length, offset = _varint(payload, 0)
    kinds = []
    while offset < length:
        kind, offset = _varint(payload, offset)
        kinds.append(kind)
    if offset != length or not kinds:
        raise _BadCellError
    for kind in kinds:
        value, offset = _value(payload, offset, kind)
        yield value
    if offset != len(payload):
        raise _BadCellError


def _value(payload: bytes, offset: int, kind: int) -> tuple[Any, int]:
    if kind == 0:
        return None, offset
    if kind in (8, 9):
        return kind - 8, offset
    if kind in _INTEGER_BYTES:
        end = offset + _INTEGER_BYTES[kind]
        return int.from_bytes(payload[offset:end], "big", signed=True), end
    if kind == 7:
        return struct.unpack_from(">d", payload, offset)[0], offset + 8
    if kind < 12:
        raise _BadCellError
    end = offset + (kind - 12) // 2
    if end > len(payload):
        raise _BadCellError
    content = payload[offset:end]
    return (content.decode() if kind % 2 else content), end


def _varint(data: bytes, offset: int) -> tuple[int, int]:
    value = 0
    for n in range(8):
        byte = data[offset + n]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, offset + n + 1
    return value << 8 | data[offset + 8], offset + 9
