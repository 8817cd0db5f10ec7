"""Conditions of a project that people are told of: nothing happens, a disk is nearly full."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from headrace._internal.durations import parse_duration
from headrace.config.notify_table import parse_free_space
from headrace.notifications import Notification
from headrace.runs.describe import format_duration

# A disk is told of again only after it had so much more free than is asked for.
_RECOVERED = 1.1


class SilenceCheck:
    """Finds that nothing has happened for long; told once, until something happens again.

    Args:
        now: the present, in seconds since the epoch.
    """

    def __init__(self, now: float) -> None:
        self._last = now
        self._events = -1
        self._notified = False

    def check(
        self, settings: Mapping[str, Any], now: float, events: int, expected: Callable[[], str]
    ) -> Notification | None:
        """Return what people are told, if there is silence.

        Args:
            settings: the table ``[notify]``.
            now: the present.
            events: how much has happened since the process began.
            expected: returns why something should happen, in words; empty if nothing should.
        """
        if events != self._events or now < self._last:
            self._last, self._events, self._notified = now, events, False
        limit = settings.get("silence")
        if not limit or self._notified or now - self._last < parse_duration(limit):
            return None
        reason = expected()
        if not reason:
            return None
        self._notified = True
        text = f"nothing has happened for {format_duration(now - self._last)}"
        return Notification(
            text, f"{text}, though {reason}", "warning", "headrace run list", key="silence"
        )


class DiskCheck:
    """Finds disks that are nearly full; each is told once, until it had enough free again.

    Args:
        usage: returns total and free bytes of the disk that holds a directory.
    """

    def __init__(self, usage: Callable[[Path], tuple[int, int]] | None = None) -> None:
        self._usage = usage or _disk_usage
        self._notified: set[Path] = set()

    def check(self, settings: Mapping[str, Any], places: Iterable[Path]) -> list[Notification]:
        """Return what people are told.

        Args:
            settings: the table ``[notify]``.
            places: directories on the disks.
        """
        limit = settings.get("disk")
        if not limit:
            return []
        share, bytes_free = parse_free_space(limit)
        found = []
        disks: set[tuple[int, int]] = set()
        for place in places:
            try:
                total, free = self._usage(place)
            except OSError:
                continue  # one that is away is no full one
            wanted = max(share * total, bytes_free)
            if free >= wanted * _RECOVERED:
                self._notified.discard(place)
            if free >= wanted or place in self._notified:
                continue
            self._notified.add(place)
            # Directories on one disk are told of once.
            if (total, free) in disks:
                continue
            disks.add((total, free))
            percent = 100 * free / total if total else 0.0
            subject = f"disk nearly full: {place}"
            message = (
                f"{place}: {free / 1e9:,.1f} GB free of {total / 1e9:,.1f} GB ({percent:.1f} %)"
            )
            found.append(Notification(subject, message, "urgent", key=f"disk/{place}"))
        return found


def _disk_usage(place: Path) -> tuple[int, int]:
    usage = shutil.disk_usage(place)
    return usage.total, usage.free
