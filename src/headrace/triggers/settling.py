"""Look at an arrival that is not known to be complete: what holds it back, and since when."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from headrace.triggers.arrival import Arrival
from headrace.triggers.completeness.quiescence import QuiescenceRule
from headrace.triggers.completeness.registry import make_rules
from headrace.triggers.completeness.rule import Look, PolledRule
from headrace.triggers.completeness.snapshot import take_snapshot
from headrace.triggers.ignored_names import is_ignored, is_temporary_name
from headrace.triggers.trigger import Trigger

_MOST_ENTRIES: Final = 10_000


@dataclass(frozen=True)
class Settling:
    """Look at an arrival.

    Attributes:
        missing: what it lacks to be complete, as far as one quick look shows; "" for nothing.
        changed_at: when what holds it back, or else the arrival, was last changed, in seconds since
            1970; None where that is not known.
        files: number of its files.
        size: their bytes.
    """

    missing: str
    changed_at: float | None = None
    files: int = 0
    size: int = 0


@dataclass(frozen=True)
class UnfinishedCopy:
    """An entry of a watched directory that has a temporary name, and is no arrival yet.

    Attributes:
        name: its name.
        changed_at: when it was last changed, in seconds since 1970.
        size: its bytes; 0 of a directory.
    """

    name: str
    changed_at: float
    size: int


def look_at(trigger: Trigger, arrival: Arrival) -> Settling:
    """Look once at an arrival, without waiting and without calling programs.

    Args:
        trigger: its trigger.
        arrival: the arrival.

    Raises:
        TriggerError: a completeness rule of the trigger cannot be imported.
    """
    if not trigger.watches_directory:
        return Settling("")
    look = Look(False, time.monotonic, lambda problem: None)
    try:
        status = arrival.location.lstat()
        for rule in make_rules(trigger, arrival).values():
            if not isinstance(rule, PolledRule):
                continue
            missing = rule.missing_reason(look)
            files, size = rule.size
            if missing and isinstance(rule, QuiescenceRule):
                return _quiescence(trigger, arrival, missing, (files, size))
            if missing:
                return Settling(missing, status.st_mtime, files, size)
    except OSError as error:
        return Settling(f"to be readable: {error.strerror or error}")
    return Settling("", status.st_mtime)


def unfinished_copies(trigger: Trigger, most: int = 20) -> list[UnfinishedCopy]:
    """Return what in the watched directory has a temporary name, such as ``trace.dat.part``.

    Args:
        trigger: the trigger.
        most: how many at most; of very many entries not all are looked at.

    Raises:
        OSError: the directory cannot be read.
    """
    if not trigger.watches_directory:
        return []
    return [*islice(_unfinished(trigger), most)]


def _unfinished(trigger: Trigger) -> Iterator[UnfinishedCopy]:
    with os.scandir(trigger.directory) as listing:
        for entry in islice(listing, _MOST_ENTRIES):
            if is_temporary_name(entry.name, trigger.ignore):
                try:
                    status = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                size = 0 if entry.is_dir(follow_symlinks=False) else status.st_size
                yield UnfinishedCopy(entry.name, status.st_mtime, size)


def _quiescence(
    trigger: Trigger, arrival: Arrival, missing: str, size: tuple[int, int]
) -> Settling:
    """Tell by the times of its files whether it has been unchanged for as long as it is to be."""
    newest = arrival.location.lstat().st_mtime
    if arrival.location.is_dir() and not arrival.location.is_symlink():
        snapshot = take_snapshot(arrival.location, ignore=trigger.ignore)
        held = arrival.location / snapshot.unfinished
        if snapshot.unfinished and not is_ignored(held.name, trigger.ignore):
            return Settling(missing, held.lstat().st_mtime, *size)
        newest = max(newest, _newest(arrival))
    quiet = time.time() - newest
    if size[0] and quiet > trigger.settle:
        return Settling("", newest, *size)
    return Settling(missing, newest, *size)


def _newest(arrival: Arrival) -> float:
    """Return the time of the newest entry of a directory's first level."""
    with os.scandir(arrival.location) as listing:
        times = [each.stat(follow_symlinks=False).st_mtime for each in islice(listing, 1_000)]
    return max(times, default=0.0)
