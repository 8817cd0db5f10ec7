"""The table ``[watch]``: where arrivals come, and when one is complete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Annotated, Any, Final, Literal

from headrace._internal.settings import Declared, Key, Kind, Place, RefusedValue, Table, table_of
from headrace.triggers.completeness.registry import find_rule, rule_keys
from headrace.triggers.errors import TriggerError
from headrace.triggers.name_pattern import name_pattern
from headrace.triggers.tables.kinds import (
    TEXT,
    TEXTS,
    Command,
    FileName,
    NameRegex,
    PathBelowRoot,
    QuotedChoice,
    seconds,
)
from headrace.triggers.template import PLACEHOLDERS


class _Absent(tuple[()]):
    """Stands for the value of a rule that a file does not name."""


_ABSENT: Final = _Absent()


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


@dataclass(frozen=True)
class WatchTable:
    """The table ``[watch]``: where arrivals come, and when one is complete."""

    collection: Annotated[
        str, Key("Collection of headrace.toml that the directory is in.", kind=TEXT)
    ]
    path: Annotated[
        str,
        Key(
            "The watched directory, from the collection's root.",
            kind=PathBelowRoot(empty=False, expected="a text"),
            example='path = "/incoming/"',
        ),
    ]
    what: Annotated[
        Literal["directory", "file"],
        Key(
            "Whether each new directory or each new file is an arrival.",
            kind=QuotedChoice(("directory", "file")),
        ),
    ] = "directory"
    pattern: Annotated[str, Key("Shell pattern that an arrival's name matches.", kind=TEXT)] = "*"
    regex: Annotated[
        str | None,
        Key(
            "Regular expression that all of an arrival's name matches, instead of pattern; its "
            "named groups are placeholders.",
            kind=NameRegex(),
            example="regex = 'run(?P<run>\\d+)'",
        ),
    ] = None
    ignore: Annotated[
        tuple[str, ...],
        Key("Shell patterns of names that neither count nor hold an arrival back.", kind=TEXTS),
    ] = ()
    settle: Annotated[
        float,
        Key(
            "Time without change after which an arrival is complete.",
            kind=seconds(0.0),
            unit="s",
        ),
    ] = 5.0
    marker: Annotated[
        str | None,
        Key(
            "Name of the file that says an arrival is complete, instead of settle.",
            kind=FileName(empty=False, expected="a text"),
            example='marker = "COMPLETE"',
        ),
    ] = None
    minimum_count: Annotated[
        int,
        Key("Number of files that an arrival has at least, besides.", minimum=0),
    ] = 0
    manifest: Annotated[
        str | None,
        Key(
            "Name of the file in an arrival that lists its files with sizes or digests, all of "
            "which must be right, besides.",
            kind=FileName(empty=False, expected="a text"),
            example='manifest = "SHA256SUMS"',
        ),
    ] = None
    check: Annotated[
        tuple[str, ...],
        Key(
            "Command that is called, once the arrival seems complete, to decide whether it is.",
            kind=Command(),
        ),
    ] = ()
    observer: Annotated[
        Literal["auto", "inotify", "poll"],
        Key(
            "How changes are noticed; auto polls on network file systems.",
            kind=QuotedChoice(("auto", "inotify", "poll")),
        ),
    ] = "auto"
    interval: Annotated[
        float, Key("Time between two scans of the directory.", kind=seconds(0.05), unit="s")
    ] = 10.0
    existing: Annotated[
        Literal["", "run", "skip"],
        Key(
            "What becomes of what lay there before the directory was ever watched.",
            kind=QuotedChoice(("run", "skip")),
            default="it is asked",
        ),
    ] = ""
    rules: Mapping[str, Any] = field(default_factory=dict)


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


def _check(watch: WatchTable, place: Place) -> None:
    if watch.regex is not None and watch.pattern != "*":
        place.child("regex").refused("is instead of watch.pattern; leave one of them out")
    for key in ("minimum_count", "manifest"):
        if watch.what != "directory" and getattr(watch, key):
            place.child(key).refused('needs what = "directory"; a file has no files in it')
    for group in name_pattern(watch.regex).groups if watch.regex else ():
        if group in PLACEHOLDERS:
            place.child("regex").refused(
                f"{{{group}}} is a placeholder already; name the group otherwise"
            )


WATCH: Final = Table(_watch_keys, _watch, _check)
"""The table, with the keys of completeness rules of other packages."""
