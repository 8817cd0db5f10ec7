"""The keys of trigger files, declared: what to watch, and what to start."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from headrace._internal.collection_path import CollectionPath, CollectionPathError
from headrace._internal.settings import (
    Choice,
    Declared,
    InvalidValue,
    Key,
    Kind,
    ListOf,
    Number,
    Place,
    RefusedValue,
    Table,
    Text,
    TomlDocument,
    table_of,
)
from headrace.triggers.completeness.registry import find_rule, rule_keys
from headrace.triggers.errors import TriggerError
from headrace.triggers.template import check_template

_TEXT: Final = Text(empty=False, expected="a text")
_TEXTS: Final = ListOf(Text())
_LONGEST: Final = 1e7


class _Absent(tuple[()]):
    """Stands for the value of a rule that a file does not name."""


_ABSENT: Final = _Absent()


class _OneOf(Choice):
    """One of some texts, quoted in messages."""

    def parse(self, value: Any) -> str:
        """Return one of the texts."""
        text = _TEXT.parse(value)
        if text not in self.names:
            quoted = [f'"{name}"' for name in self.names]
            words = " or ".join([", ".join(quoted[:-1]), quoted[-1]])
            raise RefusedValue(f'"{text}" must be {words}')
        return text


class _Command(Text):
    """A command with its arguments; it is read as its words."""

    def __init__(self) -> None:
        super().__init__(empty=False, expected="a text")

    def parse(self, value: Any) -> Any:
        """Return the words."""
        try:
            return tuple(shlex.split(super().parse(value)))
        except InvalidValue:
            raise
        except ValueError as error:
            raise RefusedValue(f"not a command: {error}") from error


class _PathBelowRoot(Text):
    """A path within a collection, from its root."""

    def parse(self, value: Any) -> str:
        """Return the path with slashes at both ends."""
        path = super().parse(value)
        rule = 'it starts at the collection\'s root, and may not contain ".." or "~"'
        try:
            parsed = CollectionPath("").join(path.lstrip("/"))
        except CollectionPathError as error:
            raise RefusedValue(f'"{path}" {error}; {rule}') from error
        if parsed.parts[:1] == ("~",):
            raise RefusedValue(f'"{path}": {rule}')
        return parsed.as_directory().path


class _FileName(Text):
    """The name of a file, without its directory."""

    def parse(self, value: Any) -> str:
        """Return the name."""
        name = super().parse(value)
        if "/" in name:
            raise RefusedValue(f'"{name}" must be a name without "/"')
        return name


class _RuleValue(Kind):
    """The value of a completeness rule of another package, as the rule reads it."""

    expected = "as its completeness rule says"

    def __init__(self, key: str) -> None:
        self._key = key

    def parse(self, value: Any) -> Any:
        """Return the value that the rule is made with."""
        try:
            return find_rule(self._key).parse(value)
        except TriggerError as error:
            raise RefusedValue(str(error).removeprefix(f"watch.{self._key}: ")) from error
        except ValueError as error:
            raise RefusedValue(str(error)) from error


def _seconds(minimum: float) -> Number:
    return Number(minimum, _LONGEST, f"a number of seconds from {minimum:g}")


@dataclass(frozen=True)
class WatchTable:
    """The table ``[watch]``: where arrivals come, and when one is complete."""

    collection: Annotated[
        str, Key("Collection of headrace.toml that the directory is in.", kind=_TEXT)
    ]
    path: Annotated[
        str,
        Key(
            "The watched directory, from the collection's root.",
            kind=_PathBelowRoot(empty=False, expected="a text"),
            example='path = "/incoming/"',
        ),
    ]
    what: Annotated[
        Literal["directory", "file"],
        Key(
            "Whether each new directory or each new file is an arrival.",
            kind=_OneOf(("directory", "file")),
        ),
    ] = "directory"
    pattern: Annotated[str, Key("Shell pattern that an arrival's name matches.", kind=_TEXT)] = "*"
    ignore: Annotated[
        tuple[str, ...],
        Key("Shell patterns of names that neither count nor hold an arrival back.", kind=_TEXTS),
    ] = ()
    settle: Annotated[
        float,
        Key(
            "Time without change after which an arrival is complete.",
            kind=_seconds(0.0),
            unit="s",
        ),
    ] = 5.0
    marker: Annotated[
        str | None,
        Key(
            "Name of the file that says an arrival is complete, instead of settle.",
            kind=_FileName(empty=False, expected="a text"),
            example='marker = "COMPLETE"',
        ),
    ] = None
    check: Annotated[
        tuple[str, ...],
        Key(
            "Command that is called, once the arrival seems complete, to decide whether it is.",
            kind=_Command(),
        ),
    ] = ()
    observer: Annotated[
        Literal["auto", "inotify", "poll"],
        Key(
            "How changes are noticed; auto polls on network file systems.",
            kind=_OneOf(("auto", "inotify", "poll")),
        ),
    ] = "auto"
    interval: Annotated[
        float, Key("Time between two scans of the directory.", kind=_seconds(0.05), unit="s")
    ] = 10.0
    existing: Annotated[
        Literal["", "run", "skip"],
        Key(
            "What becomes of what lay there before the directory was ever watched.",
            kind=_OneOf(("run", "skip")),
            default="it is asked",
        ),
    ] = ""
    rules: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class StartTable:
    """The table ``[start]``: the flow, and the templates of what a run of it gets."""

    flow: Annotated[str, Key("Name of the flow.", kind=_TEXT)]
    label: Annotated[str, Key("Template of the run's label.", kind=_TEXT)] = "{name}"
    tags: Annotated[tuple[str, ...], Key("Templates of the run's tags.", kind=_TEXTS)] = ()
    input: Annotated[
        Mapping[str, Any],
        Key(
            "Template of the run's input; {name}, {stem}, {path}, {folder}, {collection} and "
            "{trigger} are filled in."
        ),
    ] = field(default_factory=dict)


def _check_templates(start: StartTable, place: Place) -> None:
    for name in ("label", "tags", "input"):
        try:
            check_template(getattr(start, name), f"start.{name}")
        except TriggerError as error:
            place.child(name).report(str(error))


@dataclass(frozen=True)
class TriggerTable:
    """The top table of a trigger file."""

    watch: WatchTable
    start: StartTable
    title: str | None = None


_WATCH: Final = table_of(WatchTable)


def _watch_keys() -> dict[str, Declared]:
    """Return the keys of ``[watch]``, with those of completeness rules that it does not name."""
    others = {
        key: Declared(key, Key("A completeness rule."), _RuleValue(key), _ABSENT)
        for key in rule_keys()
        if key not in _WATCH.keys
    }
    return {**others, **_WATCH.keys}


def _watch(values: dict[str, Any]) -> WatchTable:
    own = {item.name for item in fields(WatchTable)}
    rules = {k: v for k, v in values.items() if k not in own and v is not _ABSENT}
    return WatchTable(**{k: v for k, v in values.items() if k in own}, rules=rules)


TRIGGER: Final = Table(
    {
        "title": Declared(
            "title",
            Key("What people see of the trigger.", default="the file's name"),
            _TEXT,
            None,
        ),
        "watch": Declared("watch", Key("What is watched."), Table(_watch_keys, _watch)),
        "start": Declared(
            "start", Key("What is started."), table_of(StartTable, check=_check_templates)
        ),
    },
    lambda values: TriggerTable(**values),
)


def read_document(file: Path) -> TomlDocument:
    """Read a trigger file as TOML.

    Raises:
        TriggerError: it cannot be read, or is not TOML.
    """
    return TomlDocument.read_or_raise(file, TriggerError)
