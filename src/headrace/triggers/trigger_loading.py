"""Trigger files: one TOML file per trigger says what to watch and which flow to start."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from headrace._internal.near_names import known_names
from headrace._internal.settings import FileKind, PlainWording, Reading
from headrace.triggers.errors import TriggerError
from headrace.triggers.name_pattern import InvalidPattern, name_pattern
from headrace.triggers.output_values import OUTPUT, OutputValue, example_output
from headrace.triggers.set_members import InvalidMember, lead_regex
from headrace.triggers.tables.start import StartTable
from headrace.triggers.template import (
    CHAIN_PLACEHOLDERS,
    PLACEHOLDERS,
    TIMER_PLACEHOLDERS,
    Texts,
    check_template,
    parent_names,
)
from headrace.triggers.trigger import Trigger
from headrace.triggers.trigger_file import TRIGGER, TriggerTable, read_document

_LABEL = StartTable.label
_TIMER_LABEL = "{trigger} {name}"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def load_triggers(directory: Path, collections: Mapping[str, Path]) -> list[Trigger]:
    """Read all trigger files of a directory, in the order of their names.

    Args:
        directory: where the ``*.toml`` files lie; one that is not there has no triggers.
        collections: directory of each collection on this machine, by name.

    Returns:
        the triggers.

    Raises:
        TriggerError: a file is not TOML, has an unknown or missing key or a wrong value, names an
            unknown collection, or its watched directory is not there.
    """
    return [load_trigger(file, collections) for file in sorted(directory.glob("*.toml"))]


def load_triggers_and_errors(
    directory: Path, collections: Mapping[str, Path]
) -> tuple[list[Trigger], dict[str, TriggerError]]:
    """Read all trigger files of a directory, and go on after one that is wrong.

    Args:
        directory: where the ``*.toml`` files lie; one that is not there has no triggers.
        collections: directory of each collection on this machine, by name.

    Returns:
        the triggers, those too whose watched directory is not there; and what is wrong with the
        other files, by the names of their triggers.
    """
    triggers, errors = [], {}
    for file in sorted(directory.glob("*.toml")):
        try:
            triggers.append(load_trigger(file, collections, must_exist=False))
        except TriggerError as error:
            errors[file.stem] = error
    return triggers, errors


def load_trigger(
    file: Path, collections: Mapping[str, Path], *, must_exist: bool = True
) -> Trigger:
    """Read one trigger file.

    Args:
        file: the TOML file.
        collections: directory of each collection on this machine, by name.
        must_exist: whether a watched directory that is not there is an error.

    Returns:
        the trigger.

    Raises:
        TriggerError: as `load_triggers`.
    """
    if not _NAME.fullmatch(file.stem):
        raise TriggerError(
            f"{file}: the file's name names the trigger; use letters, digits, '_', '-' and '.'"
        )
    trigger = _trigger(file, collections)
    if must_exist and (problem := directory_problem(trigger)):
        raise TriggerError(f"{file}: {problem}")
    return trigger


def directory_problem(trigger: Trigger) -> str:
    """Say what is wrong with the directory that a trigger watches; "" if it can be read."""
    if not trigger.watches_directory:
        return ""  # it watches none
    if not trigger.directory.is_dir():
        return (
            f"watch.path: {trigger.directory} is not a directory; make it, or correct the root of "
            f"collection {trigger.collection} in headrace.toml"
        )
    if not os.access(trigger.directory, os.R_OK | os.X_OK):
        return f"watch.path: {trigger.directory} cannot be read: see its permissions"
    return _move_problem(trigger)


def _move_problem(trigger: Trigger) -> str:
    """Say why arrivals cannot be moved where the trigger wants them after their runs."""
    folder = trigger.afterwards.move
    if folder is None:
        return ""
    if folder.startswith(trigger.path):
        first = folder.removeprefix(trigger.path).partition("/")[0]
        if not first.startswith("."):
            return (
                f"afterwards.move: {folder} is in the watched directory, where what is moved would "
                "arrive again; write another, or one whose name begins with a dot"
            )
    target = trigger.root / folder.strip("/")
    nearest = next(each for each in (target, *target.parents) if each.exists())
    if nearest.stat().st_dev != trigger.directory.stat().st_dev:
        return (
            f"afterwards.move: {target} is on another file system than {trigger.directory}, and "
            "nothing can be moved there at once; write a directory on the same one"
        )
    return ""


def trigger_file_problems(file: Path) -> list[str]:
    """Return all that is wrong with a trigger file of a project, one line each."""
    from headrace.config import ProjectError
    from headrace.config.project_config import find_config, read_config

    try:
        document = read_document(file)
    except TriggerError as error:
        return [str(error)]
    try:
        collections = read_config(find_config(file.parent)).collections
        roots = {name: one.root for name, one in collections.items()}
    except ProjectError:
        roots = None  # what is wrong with headrace.toml is said where that is checked
    reading = Reading(document, PlainWording())
    _read(reading, roots)
    return [fault.message for fault in reading.faults]


TRIGGER_TOML = FileKind(
    name="trigger.toml",
    description="What a trigger watches, and the flow that it starts.",
    table=TRIGGER,
    patterns=("triggers/*.toml",),
    problems=trigger_file_problems,
)
"""The kind of file."""


def _trigger(file: Path, collections: Mapping[str, Path]) -> Trigger:
    reading = Reading(read_document(file), PlainWording())
    found = _read(reading, collections)
    reading.raise_first(TriggerError)
    if found.every is not None:
        label = _TIMER_LABEL if found.start.label == _LABEL else found.start.label
        return replace(_without_directory(file, found), every=found.every.schedule, label=label)
    if found.after is not None:
        after = found.after
        return replace(
            _without_directory(file, found),
            after=after,
            interval=after.interval,
            existing=after.existing,
        )
    watch, start = found.watch, found.start
    if watch is None:
        raise TriggerError(f"{file}: needs [watch], [every] or [after]")
    return Trigger(
        name=file.stem,
        file=file,
        title=found.title or file.stem,
        collection=watch.collection,
        root=collections[watch.collection].absolute(),
        path=watch.path,
        what=watch.what,
        pattern=watch.pattern,
        regex=watch.lead,
        depth=watch.depth,
        members=watch.members,
        ignore=(*watch.ignore, *_marks(found)),
        settle=watch.settle,
        marker=watch.marker,
        minimum_count=watch.minimum_count,
        manifest=watch.manifest,
        check=watch.check,
        observer=watch.observer,
        interval=watch.interval,
        existing=watch.existing,
        flow=start.flow,
        label=start.label,
        tags=start.tags,
        input=start.input,
        rules=watch.rules,
        preflight=start.preflight,
        limits=found.limits,
        failure=found.failure,
        afterwards=found.afterwards,
    )


def _without_directory(file: Path, found: TriggerTable) -> Trigger:
    """Make the trigger of a timer, or of the ends of runs, but for what these are."""
    start = found.start
    return Trigger(
        name=file.stem,
        file=file,
        title=found.title or file.stem,
        collection="",
        root=file.parent.parent.absolute(),
        path="/",
        what="file",
        flow=start.flow,
        label=start.label,
        tags=start.tags,
        input=start.input,
        preflight=start.preflight,
        limits=found.limits,
        failure=found.failure,
    )


def _read(reading: Reading, collections: Mapping[str, Path] | None) -> TriggerTable:
    """Read a trigger file; report a collection that is not among those that are known."""
    found = TRIGGER.read(reading.document.values, reading.top)
    watch = reading.document.values.get("watch")
    name = watch.get("collection") if isinstance(watch, dict) else None
    if collections is not None and isinstance(name, str) and name and name not in collections:
        reading.top.child("watch").child("collection").refused(
            f'there is no collection "{name}" in headrace.toml; {known_names(name, collections)}'
        )
    _check_templates(reading)
    _check_afterwards(reading)
    return found


def _check_afterwards(reading: Reading) -> None:
    """Report a mark by which an arrival is complete, and several files that are to be moved."""
    watch, afterwards = (reading.document.values.get(name) for name in ("watch", "afterwards"))
    if isinstance(watch, dict) and isinstance(afterwards, dict):
        if watch.get("what") == "set" and "move" in afterwards:
            reading.top.child("afterwards").child("move").refused(
                "moves one file or directory at once, and a set has several files; use "
                "afterwards.mark, or let each set be a directory"
            )
        mark = afterwards.get("mark")
        if mark is not None and mark == watch.get("marker"):
            reading.top.child("afterwards").child("mark").refused(
                f'"{mark}" is the marker by which an arrival is complete; write another'
            )


def _check_templates(reading: Reading) -> None:
    """Report what is wrong with the templates, whatever is wrong with other keys."""
    start, watch = (reading.document.values.get(name) for name in ("start", "watch"))
    known = _example_placeholders(watch if isinstance(watch, dict) else {})
    if "every" in reading.document.values:
        known = dict.fromkeys(TIMER_PLACEHOLDERS, "1")
    elif "after" in reading.document.values:
        example = example_output(list(start.values()) if isinstance(start, dict) else [])
        known = {**dict.fromkeys(CHAIN_PLACEHOLDERS, "1"), OUTPUT: OutputValue(example)}
    for name in ("label", "tags", "input"):
        if isinstance(start, dict) and name in start:
            try:
                check_template(start[name], f"start.{name}", known, typed=name == "input")
            except TriggerError as error:
                reading.top.child("start").child(name).report(str(error))


def _example_placeholders(watch: Mapping[str, Any]) -> dict[str, Texts]:
    """Return the placeholders of a trigger's templates, each with a text that is a number, too.

    Args:
        watch: the table as it is in the file, which may have faults.
    """
    regex, members, depth = watch.get("regex"), watch.get("members"), watch.get("depth", 1)
    is_set = watch.get("what") == "set"
    try:
        if is_set and regex is None and watch.get("pattern", "*") == "*":
            regex = lead_regex(members[0]) if isinstance(members, list) and members else None
        groups = name_pattern(regex).groups if isinstance(regex, str) else ()
    except (InvalidPattern, InvalidMember, TypeError):
        groups = ()
    parents = parent_names(depth) if isinstance(depth, int) and depth < 100 else ()
    texts: dict[str, Texts] = dict.fromkeys((*PLACEHOLDERS, *groups, *parents), "1")
    return {**texts, "members": ("1",)} if is_set else texts


def _marks(found: TriggerTable) -> tuple[str, ...]:
    """Return patterns of the files that mark arrivals after their runs, which are no arrivals."""
    mark = found.afterwards.mark
    if mark is None:
        return ()
    escaped = glob.escape(mark)
    return (escaped, f"*.{escaped.removeprefix('.')}")
