"""Integrity check of a miniSEED file's records, before a library in C takes their word for it.

libmseed ends the process where a damaged header sends it beyond the record.

Source: SEED manual 2.4, chapter 8: fixed section of data header, blockettes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np

_HEADER: Final = 48  # bytes
_DATA_ONLY: Final = 1000  # the blockette that gives encoding and length of its record
_MARKS: Final = {bytes([quality, 32]) for quality in b"DRQM"}
_MAX_BLOCKETTES: Final = 32
_FRAME: Final = 64  # bytes of Steim's compression
# Samples in a byte at most, or in a frame, by the code of the encoding.
_PER_BYTE = {0: 1.0, 1: 1 / 2, 2: 1 / 3, 3: 1 / 4, 4: 1 / 4, 5: 1 / 8}
_PER_FRAME = {10: 60, 11: 105}


def damaged_record(path: Path) -> int | None:
    """Find the first record of a miniSEED file that cannot be read.

    Args:
        path: the file. One whose first record is none of miniSEED 2 is not judged.

    Returns:
        The byte at which the record begins; None if all are whole.
    """
    first = np.fromfile(path, dtype=np.uint8, count=_HEADER)
    if len(first) < _HEADER or bytes(first[6:8]) not in _MARKS or not _is_numbered(first):
        return None
    data = np.fromfile(path, dtype=np.uint8)
    length = _record_length(data)
    if length is not None and len(data) % length == 0:
        records = data.reshape(-1, length)
        if _sound(records).all():
            return None
    return _walk(data)


def _walk(data: Any) -> int | None:
    """Go from record to record, which may have different lengths."""
    at = 0
    while at + _HEADER <= len(data):
        length = _record_length(data[at:])
        if length is None or at + length > len(data):
            return at
        if not _sound(data[None, at : at + length])[0]:
            return at
        at += length
    return at if at < len(data) else None


def _begins(records: Any) -> Any:
    """Return for each record whether it begins as one: sequence number, quality, codes in ASCII."""
    digits = records[:, :6]
    numbered = ((digits >= 48) & (digits <= 57)) | (digits == 32) | (digits == 0)
    return (
        numbered.all(axis=1)
        & np.isin(records[:, 6], list(b"DRQM"))
        & np.isin(records[:, 7], [0, 32])
        & ((records[:, 8:20] == 0) | ((records[:, 8:20] >= 32) & (records[:, 8:20] < 127))).all(1)
    )


def _is_numbered(first: Any) -> bool:
    return bytes(first[:6]).strip(b" \x00").isdigit()


def _record_length(data: Any) -> int | None:
    """Length of the first record by its blockette 1000; None without a sound one."""
    number = _word(data[None, :], _big_endian(data[None, :]))
    at = int(number(np.array([46]))[0])
    for _ in range(_MAX_BLOCKETTES):
        if not _HEADER <= at <= len(data) - 8:
            return None
        kind, following = (int(number(np.array([at + k]))[0]) for k in (0, 2))
        if kind == _DATA_ONLY:
            exponent = int(data[at + 6])
            return 1 << exponent if 7 <= exponent <= 20 else None
        if following <= at:
            return None
        at = following
    return None


def _big_endian(records: Any) -> Any:
    """Return the byte order of each record by the year and day of its start."""
    head = records[:, 20:24].astype(np.int64)
    year, day = head[:, 0] * 256 + head[:, 1], head[:, 2] * 256 + head[:, 3]
    return (year >= 1900) & (year <= 2100) & (day >= 1) & (day <= 366)


def _word(records: Any, big: Any) -> Any:
    rows = np.arange(len(records))

    def at(places: Any) -> Any:
        first, second = (records[rows, places + k].astype(np.int64) for k in (0, 1))
        return np.where(big, first * 256 + second, second * 256 + first)

    return at


def _sound(records: Any) -> Any:
    count, length = records.shape
    sound = _begins(records)
    number = _word(records, _big_endian(records))

    def fixed(place: int) -> Any:
        return number(np.full(count, place))

    samples, data = fixed(30), fixed(44)
    sound &= (data <= length) & ((samples == 0) | (data >= _HEADER))
    blockette = fixed(46)
    found = np.zeros(count, dtype=bool)
    encoding = np.full(count, -1)
    rows = np.arange(count)
    for _ in range(_MAX_BLOCKETTES):
        there = blockette != 0
        sound &= ~there | ((blockette >= _HEADER) & (blockette <= length - 8))
        inside = there & sound
        if not inside.any():
            break
        place = np.where(inside, blockette, _HEADER if length >= _HEADER + 8 else 0)
        has_code = inside & (number(place) == _DATA_ONLY)
        sound &= ~has_code | (records[rows, np.minimum(place + 6, length - 1)] == _exponent(length))
        encoding = np.where(has_code, records[rows, place + 4], encoding)
        found |= has_code
        following = number(place + 2)
        sound &= ~inside | (following == 0) | (following > place)
        blockette = np.where(inside, following, 0)
    # More blockettes than are followed here are none that a recorder writes.
    sound &= blockette == 0
    return sound & found & (samples <= _max_samples(encoding, length - data))


def _exponent(length: int) -> int:
    return length.bit_length() - 1


def _max_samples(encoding: Any, data_bytes: Any) -> Any:
    limit = np.full(len(data_bytes), np.iinfo(np.int64).max)
    for code, share in _PER_BYTE.items():
        limit = np.where(encoding == code, (data_bytes * share).astype(np.int64), limit)
    for code, each in _PER_FRAME.items():
        limit = np.where(encoding == code, data_bytes // _FRAME * each, limit)
    return limit
