"""The place of an arrival: it is there, it is gone, or its whole directory is away."""

from __future__ import annotations

import json
from typing import Literal

from headrace.triggers.arrival import Arrival, identify
from headrace.triggers.entries import entry_key, make_arrival
from headrace.triggers.record import Record
from headrace.triggers.run_end import end_texts
from headrace.triggers.timer_schedule import tick_values
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
    if trigger.every is not None:
        name = record.path.rpartition("/")[2]
        place = (trigger.name, record.collection, name, record.path, trigger.root / record.path)
        values = tick_values(name, record.identity.born)
        return Arrival(*place, record.generation, values)
    if trigger.after is not None:
        run_id = record.path.rpartition("/")[2]
        place = (trigger.name, record.collection, run_id, record.path, trigger.root / record.path)
        output = json.dumps(record.details["output"]) if "output" in record.details else ""
        return Arrival(
            *(*place, record.generation, end_texts(run_id, record.details)),
            output=output,
            chain_depth=record.chain_depth,
        )
    return make_arrival(trigger, record.path, record.generation)


def locate(trigger: Trigger, arrival: Arrival, record: Record) -> Literal["there", "gone", "away"]:
    """Tell whether an arrival is there, is gone, or its whole directory is away.

    Args:
        trigger: the trigger.
        arrival: the arrival.
        record: its record in the ledger.
    """
    if not trigger.watches_directory:
        return "there"
    try:
        # The path of the trigger may have been changed since.
        watched = record.path.startswith(trigger.path)
        folder = trigger.directory if watched else arrival.location.parent
        key = entry_key(trigger, record.path) if watched else arrival.name
        with WatchedDirectory(trigger, folder) as directory:
            filesystem = directory.probe_filesystem()
            here = filesystem.root == record.root
            try:
                identity = identify(key, inodes=filesystem.stable_inodes, dir_fd=directory.fd)
            except FileNotFoundError:
                return "gone" if here else "away"
            if identity.surely_same(record.identity):
                return "there"
            if not here:
                return "away"
            return "there" if identity.same(record.identity) else "gone"
    except OSError:
        return "away"
