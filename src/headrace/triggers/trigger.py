"""Trigger files: one TOML file per trigger says what to watch and which flow to start."""

from __future__ import annotations

import os
import re
import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from headrace._internal.near_names import known_names
from headrace.triggers.completeness.registry import external_keys, parse_value
from headrace.triggers.errors import TriggerError
from headrace.triggers.template import check_template

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_KEYS = {
    "": ("title", "watch", "start"),
    "watch": (
        *("collection", "path", "what", "pattern", "ignore"),
        *("settle", "marker", "check", "observer", "interval", "existing"),
    ),
    "start": ("flow", "label", "tags", "input"),
}


@dataclass(frozen=True)
class Trigger:
    """Watched directory, completeness rules, and the flow to start on each arrival.

    Attributes:
        name: stem of the trigger file.
        file: the trigger file.
        title: for people; default the name.
        collection: name of the collection.
        root: the collection's directory on this machine.
        path: path of the watched directory within the collection, with slashes at both ends.
        what: whether each new directory or each new file is an arrival.
        pattern: shell pattern that an arrival's name matches; default "*".
        ignore: shell patterns of names that neither count nor hold an arrival back.
        settle: seconds without change after which an arrival is complete; default 5.
        marker: name of the file that says an arrival is complete, instead of `settle`.
        check: command that is called, once the arrival seems complete, to decide whether it is.
        observer: how to notice; "auto" polls on network file systems.
        interval: seconds between two scans of the directory; default 10.
        existing: what becomes of what lay there before the directory was ever watched: "run" or
            "skip"; "": that is asked.
        flow: name of the flow.
        label: template of the run's label.
        tags: templates of the run's tags.
        input: template of the run's input.
        rules: values of completeness rules of other packages, by their keys under ``[watch]``.
    """

    name: str
    file: Path
    title: str
    collection: str
    root: Path
    path: str
    what: Literal["directory", "file"]
    flow: str
    pattern: str = "*"
    ignore: tuple[str, ...] = ()
    settle: float = 5.0
    marker: str | None = None
    check: tuple[str, ...] = ()
    observer: Literal["auto", "inotify", "poll"] = "auto"
    interval: float = 10.0
    existing: Literal["", "run", "skip"] = ""
    label: str = "{name}"
    tags: tuple[str, ...] = ()
    input: Mapping[str, Any] = field(default_factory=dict)
    rules: Mapping[str, Any] = field(default_factory=dict)

    @property
    def directory(self) -> Path:
        """The watched directory on this machine."""
        return self.root / self.path.strip("/")

    @property
    def completeness(self) -> dict[str, Any]:
        """Values of the completeness rules by which an arrival is complete, by their keys."""
        first = {"marker": self.marker} if self.marker else {"settle": self.settle}
        program = {"check": self.check} if self.check else {}
        return {**first, **program, **self.rules}


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
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise TriggerError(f"{file}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TriggerError(f"{file}: not valid TOML: {error}") from error
    try:
        trigger = _trigger(file, document, collections)
        if must_exist and (problem := directory_problem(trigger)):
            raise TriggerError(problem)
    except TriggerError as error:
        raise TriggerError(f"{file}: {error}") from error
    return trigger


def directory_problem(trigger: Trigger) -> str:
    """Say what is wrong with the directory that a trigger watches; "" if it can be read."""
    if not trigger.directory.is_dir():
        return (
            f"watch.path: {trigger.directory} is not a directory; make it, or correct the root of "
            f"collection {trigger.collection} in headrace.toml"
        )
    if not os.access(trigger.directory, os.R_OK | os.X_OK):
        return f"watch.path: {trigger.directory} cannot be read: see its permissions"
    return ""


def _trigger(file: Path, document: dict[str, Any], collections: Mapping[str, Path]) -> Trigger:
    reader = _Reader(document)
    collection = reader.text("watch.collection")
    root = collections.get(collection)
    if root is None:
        raise TriggerError(
            f'watch.collection: there is no collection "{collection}" in headrace.toml; '
            f"{known_names(collection, collections)}"
        )
    path = reader.text("watch.path")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if ".." in parts or (parts and parts[0] == "~"):
        raise TriggerError(
            f'watch.path: "{path}" may not contain ".." or "~"; it starts at the collection\'s root'
        )
    marker = reader.text("watch.marker", "") or None
    if marker and "/" in marker:
        raise TriggerError(f'watch.marker: "{marker}" must be a name without "/"')
    trigger = Trigger(
        name=file.stem,
        file=file,
        title=reader.text("title", file.stem),
        collection=collection,
        root=root.absolute(),
        path="/".join(["", *parts, ""]),
        what=cast(Any, reader.choice("watch.what", ("directory", "file"))),
        pattern=reader.text("watch.pattern", "*"),
        ignore=reader.texts("watch.ignore"),
        settle=reader.seconds("watch.settle", 5.0, minimum=0.0),
        marker=marker,
        check=reader.command("watch.check"),
        observer=cast(Any, reader.choice("watch.observer", ("auto", "inotify", "poll"))),
        interval=reader.seconds("watch.interval", 10.0, minimum=0.05),
        existing=cast(Any, reader.choice("watch.existing", ("run", "skip"), optional=True)),
        flow=reader.text("start.flow"),
        label=reader.text("start.label", "{name}"),
        tags=reader.texts("start.tags"),
        input=reader.table("start.input"),
        rules=reader.rules(),
    )
    check_template(trigger.label, "start.label")
    check_template(trigger.tags, "start.tags")
    check_template(trigger.input, "start.input")
    return trigger


class _Reader:
    """Takes values out of a trigger file, with errors that name the key."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        for table, known in _KEYS.items():
            for key in self.table(table) if table else document:
                if key in known:
                    continue
                others = external_keys() if table == "watch" else []
                if key not in others:
                    raise TriggerError(
                        f"{f'{table}.' if table else ''}{key}: unknown key; "
                        f"{known_names(key, [*known, *others])}"
                    )

    def _value(self, key: str) -> Any:
        value: Any = self._document
        for part in key.split("."):
            if value is None:
                return None
            if not isinstance(value, dict):
                raise TriggerError(f"{key.rpartition('.')[0]}: must be a table")
            value = value.get(part)
        return value

    def table(self, key: str) -> dict[str, Any]:
        value = self._value(key)
        if value is not None and not isinstance(value, dict):
            raise TriggerError(f"{key}: must be a table, [{key}]")
        return value or {}

    def rules(self) -> dict[str, Any]:
        """Values of completeness rules of other packages."""
        return {
            key: parse_value(key, value)
            for key, value in self.table("watch").items()
            if key not in _KEYS["watch"]
        }

    def text(self, key: str, default: str | None = None) -> str:
        value = self._value(key)
        if value is None and default is not None:
            return default
        if value is None:
            raise TriggerError(f"{key}: missing")
        if not isinstance(value, str) or not value:
            raise TriggerError(f"{key}: must be a text, not {value!r}")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._value(key)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise TriggerError(f'{key}: must be a list of texts, such as ["one", "two"]')
        return tuple(value)

    def command(self, key: str) -> tuple[str, ...]:
        try:
            return tuple(shlex.split(self.text(key, " ")))
        except ValueError as error:
            raise TriggerError(f"{key}: not a command: {error}") from error

    def choice(self, key: str, allowed: tuple[str, ...], *, optional: bool = False) -> str:
        if optional and self._value(key) is None:
            return ""
        value = self.text(key, allowed[0])
        if value not in allowed:
            raise TriggerError(f'{key}: "{value}" must be {_either(allowed)}')
        return value

    def seconds(self, key: str, default: float, *, minimum: float) -> float:
        value = self._value(key)
        if value is None:
            return default
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not minimum <= value <= 1e7:
            raise TriggerError(
                f"{key}: must be a number of seconds from {minimum:g}, not {value!r}"
            )
        return float(value)


def _either(names: tuple[str, ...] | list[str]) -> str:
    quoted = [f'"{name}"' for name in names]
    return " or ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)
