"""The place of an arrival: it is there, it is gone, or its whole directory is away."""

from __future__ import annotations

from typing import Literal

from headrace.triggers.arrival import Arrival, identify
from headrace.triggers.record import Record
from headrace.triggers.trigger import Trigger
from headrace.triggers.watched_directory import WatchedDirectory


def arrival_from_record(trigger: Trigger, record: Record) -> Arrival:
    """Make an arrival from its record.

    Args:
        trigger: the trigger that saw it.
        record: its record in the ledger.

    Returns:
        the arrival.
    """
    inner = record.path.strip("/")
    name = inner.rpartition("/")[2]
    return Arrival(
        trigger=trigger.name,
        collection=record.collection,
        name=name,
        path=record.path,
        location=trigger.root / inner,
        generation=record.generation,
        groups=trigger.match_groups(name),
    )


def locate(trigger: Trigger, arrival: Arrival, record: Record) -> Literal["there", "gone", "away"]:
    """Tell whether an arrival is there, is gone, or its whole directory is away.

    Args:
        trigger: the trigger.
        arrival: the arrival.
        record: its record in the ledger.
    """
    try:
        with WatchedDirectory(trigger, arrival.location.parent) as directory:
            filesystem = directory.probe_filesystem()
            here = filesystem.root == record.root
            try:
                identity = identify(
                    arrival.name, inodes=filesystem.stable_inodes, dir_fd=directory.fd
                )
            except FileNotFoundError:
                return "gone" if here else "away"
            if identity.surely_same(record.identity):
                return "there"
            if not here:
                return "away"
            return "there" if identity.same(record.identity) else "gone"
    except OSError:
        return "away"
