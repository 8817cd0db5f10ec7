"""Task documents of transfers and deletes, as the Transfer service writes them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from headrace.facility.transfer.collection import Collection

ACTIVE, SUCCEEDED, FAILED = "ACTIVE", "SUCCEEDED", "FAILED"
# Seconds between two documents; the last one always comes.
INTERVAL = 0.1

# Options of a body that the document repeats, and what they are when they are missing.
_OPTIONS: dict[str, Any] = {
    "delete_destination_extra": False,
    "encrypt_data": False,
    "fail_on_quota_errors": False,
    "filter_rules": None,
    "label": None,
    "preserve_timestamp": True,
    "skip_source_errors": False,
    "sync_level": None,
    "verify_checksum": True,
}


@dataclass
class Counts:
    """Counters of a task.

    Attributes:
        files: files found, excluded ones not counted.
        directories: directories found.
        files_done: files transferred or deleted.
        files_skipped: files that the sync level found equal.
        skipped_errors: items left out by ``skip_source_errors``.
        bytes_expected: bytes of the files found.
        bytes_done: bytes of the files transferred.
        bytes_in_progress: bytes of the file that is being copied.
        bytes_checksummed: bytes read again to compare checksums.
        faults: attempts that failed.
        deleted: files and directories removed because the source does not have them.
        links_ignored: symbolic links left out.
        special_ignored: FIFOs, sockets and devices left out.
    """

    files: int = 0
    directories: int = 0
    files_done: int = 0
    files_skipped: int = 0
    skipped_errors: int = 0
    bytes_expected: int = 0
    bytes_done: int = 0
    bytes_in_progress: int = 0
    bytes_checksummed: int = 0
    faults: int = 0
    deleted: int = 0
    links_ignored: int = 0
    special_ignored: int = 0


@dataclass
class TaskReport:
    """Task documents of one task, published at most every `INTERVAL` seconds.

    Args:
        task_id: the task.
        type: ``TRANSFER`` or ``DELETE``.
        body: what was asked for; its options are repeated.
        source: collection that is read, or changed by a delete.
        destination: collection that is written; None for a delete.
        publish: called with a new document.
    """

    task_id: str
    type: str
    body: Mapping[str, Any]
    source: Collection
    destination: Collection | None
    publish: Callable[[dict[str, Any]], None]
    counts: Counts = field(default_factory=Counts)
    last_fault: tuple[str, str] | None = None
    _started_at: float = field(default_factory=time.monotonic)
    _requested: str = field(default_factory=lambda: _now())
    _published_at: float = float("-inf")

    def publish_if_due(self) -> None:
        """Publish a document if the last one is old enough."""
        now = time.monotonic()
        if now - self._published_at >= INTERVAL:
            self._published_at = now
            self.publish(self.document(ACTIVE))

    def record_fault(self, code: str, message: str) -> None:
        """Count an attempt that failed."""
        self.counts.faults += 1
        self.last_fault = (code, message)

    def finish(self, status: str, fatal: tuple[str, str] | None = None) -> dict[str, Any]:
        """Publish the last document, and return it.

        Args:
            status: ``SUCCEEDED`` or ``FAILED``.
            fatal: code and description of the error that ended the task.
        """
        document = self.document(status, fatal)
        self.publish(document)
        return document

    def document(self, status: str, fatal: tuple[str, str] | None = None) -> dict[str, Any]:
        """Return the task as a document of JSON values.

        ``bytes_total``, ``items_deleted``, ``symlinks_ignored`` and ``special_files_ignored`` are
        given here only; all other members are the service's.
        """
        counts, active = self.counts, status == ACTIVE
        total = counts.files + counts.directories
        done = counts.files_done + counts.files_skipped
        if status == SUCCEEDED:
            done = total - counts.skipped_errors
        transferred = counts.bytes_done + counts.bytes_in_progress
        elapsed = max(time.monotonic() - self._started_at, 1e-3)
        trouble = fatal or (self.last_fault if active else None)
        destination = self.destination
        document: dict[str, Any] = {
            "DATA_TYPE": "task",
            "task_id": self.task_id,
            "type": self.type,
            "status": status,
            "request_time": self._requested,
            "completion_time": None if active else _now(),
            "deadline": self.body.get("deadline"),
            "source_endpoint_id": self.source.id,
            "source_endpoint": self.source.name,
            "source_endpoint_display_name": self.source.name,
            "destination_endpoint_id": destination.id if destination else None,
            "destination_endpoint": destination.name if destination else None,
            "destination_endpoint_display_name": destination.name if destination else None,
            "files": counts.files,
            "directories": counts.directories,
            "symlinks": 0,
            "files_transferred": counts.files_done if self.type == "TRANSFER" else None,
            "files_skipped": counts.files_skipped,
            "bytes_total": counts.bytes_expected,
            "bytes_transferred": transferred,
            "bytes_checksummed": counts.bytes_checksummed,
            "effective_bytes_per_second": round(transferred / elapsed),
            "faults": counts.faults,
            "fatal_error": {"code": fatal[0], "description": fatal[1]} if fatal else None,
            "is_ok": trouble is None if active else None,
            "is_paused": False,
            "nice_status": (trouble[0] if trouble else "OK") if active else None,
            "nice_status_details": trouble[1] if trouble else None,
            "nice_status_expires_in": None,
            "nice_status_short_description": trouble[0] if trouble else None,
            "recursive_symlinks": "ignore",
            "symlinks_ignored": counts.links_ignored,
            "special_files_ignored": counts.special_ignored,
            "items_deleted": counts.deleted,
            "subtasks_total": total,
            "subtasks_succeeded": done,
            "subtasks_failed": 1 if status == FAILED else 0,
            "subtasks_pending": max(0, total - done) if active else 0,
            "subtasks_retrying": 1 if active and trouble else 0,
            "subtasks_canceled": 0,
            "subtasks_expired": 0,
            "subtasks_skipped_errors": counts.skipped_errors,
            "history_deleted": False,
        }
        for option, default in _OPTIONS.items():
            value = self.body.get(option)
            document[option] = default if value is None else value
        return document


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
