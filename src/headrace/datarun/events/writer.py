"""Writing an event file: whole, or not at all."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from headrace._internal.atomic import SHARED, publish_file, temporary_beside
from headrace.datarun.errors import EventFileError
from headrace.datarun.events.documents import (
    EventCount,
    Scalers,
    StateChange,
    event_count_body,
    format_body,
    scalers_body,
    state_change_body,
)
from headrace.datarun.events.layout import BODY_HEADER, NO_TIMESTAMP, ItemType

_HEADER = struct.Struct("<II")
_BODY_HEADER = struct.Struct("<IQII")


def ring_item(
    kind: int,
    body: bytes,
    *,
    source: int | None = None,
    timestamp: int = NO_TIMESTAMP,
    barrier: int = 0,
    empty_header: int = 0,
) -> bytes:
    """Make a ring item.

    Args:
        kind: its type.
        body: its body.
        source: source id for a body header; None leaves the body header out.
        timestamp: of the body header.
        barrier: of the body header.
        empty_header: the word that says that there is none: 0 in NSCLDAQ 11, 4 in 12.

    Returns:
        The item's bytes.
    """
    if source is None:
        header = struct.pack("<I", empty_header)
    else:
        header = _BODY_HEADER.pack(BODY_HEADER, timestamp, source, barrier)
    return _HEADER.pack(_HEADER.size + len(header) + len(body), kind) + header + body


class EventWriter:
    """Writes an event file of NSCLDAQ 11 or 12.

    The file appears under its name when the writer is left without an error; until then it has
    a temporary name in the same directory, and an error removes it.
    """

    def __init__(self, path: Path, version: int = 11, source: int = 0) -> None:
        """Start a file.

        Args:
            path: the file; what it held before is replaced.
            version: of the data acquisition, 11 or 12.
            source: source id of the documents that are written.

        Raises:
            EventFileError: the file cannot be written.
            ValueError: another version.
        """
        if version not in (11, 12):
            raise ValueError(f"NSCLDAQ {version} is not written; choose 11 or 12")
        self.path = path
        self.version = version
        self.source = source
        self._temporary = temporary_beside(path)
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            self._stream = os.fdopen(os.open(self._temporary, flags, SHARED), "wb")
        except OSError as error:
            raise self._failure(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._stream.close()
            self._temporary.unlink(missing_ok=True)

    def close(self) -> None:
        """Bring the file to the disk and give it its name.

        Raises:
            EventFileError: the disk refuses.
        """
        if self._stream.closed:
            return
        try:
            self._stream.close()
            publish_file(self._temporary, self.path)
        except OSError as error:
            self._temporary.unlink(missing_ok=True)
            raise self._failure(error) from error

    def write_items(self, items: bytes | NDArray[np.uint8]) -> None:
        """Write ring items that are bytes already."""
        try:
            self._stream.write(items.data if isinstance(items, np.ndarray) else items)
        except OSError as error:
            raise self._failure(error) from error

    def write_format(self) -> None:
        """Write the item that states the format's version."""
        self._item(ItemType.RING_FORMAT, format_body(self.version), source=None)

    def write_state_change(self, change: StateChange) -> None:
        """Write the begin or end of a run, or a pause in it."""
        self._item(change.type, state_change_body(change), source=self.source)

    def write_scalers(self, scalers: Scalers) -> None:
        """Write counters."""
        self._item(ItemType.SCALERS, scalers_body(scalers), source=self.source)

    def write_event_count(self, count: EventCount) -> None:
        """Write how many events there were."""
        self._item(ItemType.EVENT_COUNT, event_count_body(count), source=None)

    def _item(self, kind: int, body: bytes, source: int | None) -> None:
        empty = 0 if self.version == 11 else 4
        self.write_items(ring_item(kind, body, source=source, empty_header=empty))

    def _failure(self, error: OSError) -> EventFileError:
        reason = error.strerror or str(error)
        return EventFileError(
            f"{self.path}: cannot be written: {reason}; check the directory and the free space"
        )
