"""An arrival that a person names by its path."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from headrace.triggers.arrival import Arrival, Identity
from headrace.triggers.arrival_location import arrival_from_record
from headrace.triggers.arrival_table import find_present
from headrace.triggers.completeness.background import BackgroundRules
from headrace.triggers.completeness.registry import make_rules
from headrace.triggers.completeness.rule import Look, PolledRule
from headrace.triggers.entries import entry_path, make_arrival
from headrace.triggers.errors import TriggerError
from headrace.triggers.ignored_names import is_printable_name
from headrace.triggers.ledger_access import read_arrival
from headrace.triggers.ledger_kind import ledger_connection
from headrace.triggers.named_tick import find_tick
from headrace.triggers.record import Record
from headrace.triggers.trigger import Trigger
from headrace.triggers.watched_directory import WatchedDirectory

# An arrival that has to settle for longer is not waited for, seconds.
_LONGEST_LOOK = 10.0


@dataclass(frozen=True)
class NamedArrival:
    """Something that lies in the directory of a trigger.

    Attributes:
        trigger: the trigger.
        arrival: name, path and generation of the arrival.
        root: which watched directory it lies in.
        identity: differs from that of its replacement.
        stable_inodes: whether inode numbers last on its file system.
        record: its record in the ledger; None where no watcher has seen it.
    """

    trigger: Trigger
    arrival: Arrival
    root: str
    identity: Identity
    stable_inodes: bool
    record: Record | None

    def missing_reason(self) -> str:
        """Look whether it is complete; it has to lie unchanged for the time that its trigger says.

        Returns:
            what is missing; "" if it is complete.

        Raises:
            OSError: it cannot be read.
            TriggerError: a completeness rule fails.
        """
        if not self.trigger.watches_directory:
            return ""
        look = Look(self.stable_inodes, time.monotonic, lambda problem: None)
        rules = make_rules(self.trigger, self.arrival)
        polled = {key: rule for key, rule in rules.items() if isinstance(rule, PolledRule)}
        for rule in polled.values():
            missing = rule.missing_reason(look)
            if missing and rule.complete_at is not None and self.trigger.settle <= _LONGEST_LOOK:
                time.sleep(max(0.0, rule.complete_at - time.monotonic()))
                missing = rule.missing_reason(look)
            if missing:
                return missing
        others = {key: rule for key, rule in rules.items() if key not in polled}
        return BackgroundRules(self.trigger, others).evaluate(look)


def find_arrival(trigger: Trigger, path: Path, ledger: Path) -> NamedArrival:
    """Find the arrival that lies at a path.

    Args:
        trigger: the trigger.
        path: where it lies on this machine; of a timer ``next``, or the time of a tick.
            Ends of runs: `headrace.triggers.named_run_end`.
        ledger: the ledger's file; there may be none.

    Raises:
        TriggerError: nothing lies there that is an arrival of the trigger; or the ledger cannot be
            read.
    """
    if trigger.every is not None:
        tick, moment, id_ = find_tick(trigger, str(path), ledger)
        known = None if id_ is None else read_arrival(ledger, id_)
        return NamedArrival(trigger, tick, "", moment, True, known)
    # The last part is not followed: a link is no arrival.
    location = path.parent.resolve() / path.name
    watched = trigger.directory.resolve()
    if watched not in location.parents:
        raise TriggerError(
            f"{path}: does not lie in {trigger.directory}, which trigger {trigger.name} watches; "
            "an arrival is an entry of that directory"
        )
    key = str(location.relative_to(watched))
    if key.count("/") != trigger.depth - 1:
        raise TriggerError(
            f"{path}: does not lie in {trigger.directory} at depth {trigger.depth}, where arrivals "
            f"of trigger {trigger.name} are"
        )
    try:
        with WatchedDirectory(trigger) as directory:
            filesystem = directory.probe_filesystem()
            inodes = filesystem.stable_inodes
            identity = directory.identify(key, inodes=inodes)
    except OSError as error:
        raise TriggerError(f"{path}: cannot be looked at: {error.strerror}") from error
    if identity is None or not is_printable_name(location.name):
        raise TriggerError(f"{path}: {_refusal(trigger, location)}")
    record = None
    inner = entry_path(trigger, key)
    if ledger.exists():
        place = (trigger.name, trigger.collection, inner)
        with ledger_connection(ledger) as database:
            for root in (filesystem.root, filesystem.earlier_root):
                record = record or find_present(database, place, root, identity)
    arrival = make_arrival(trigger, inner)
    if record is not None:
        arrival = arrival_from_record(trigger, record)
    return NamedArrival(trigger, arrival, filesystem.root, identity, inodes, record)


def _refusal(trigger: Trigger, location: Path) -> str:
    """Say why something is no arrival of a trigger."""
    if not os.path.lexists(location):
        return "there is no such file or directory"
    if not is_printable_name(location.name):
        return "its name has control characters or is not UTF-8; rename it"
    right = location.is_dir if trigger.what == "directory" else location.is_file
    if location.is_symlink() or not right():
        kind = "directory" if trigger.what == "directory" else "file"
        return f"is no {kind}, and trigger {trigger.name} takes nothing else"
    which = f"regex {trigger.regex!r}" if trigger.regex else f"pattern {trigger.pattern!r}"
    return (
        f"its name does not match watch.{which} of {trigger.file}, or is one "
        "that is left alone: hidden, temporary, a marker, or in watch.ignore"
    )
