"""The table ``[watch]``: where arrivals come, and when one is complete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Annotated, Any, Final, Literal

from headrace._internal.settings import Declared, Key, Kind, Place, RefusedValue, Table, table_of
from headrace.triggers.completeness.registry import find_rule, rule_keys
from headrace.triggers.errors import TriggerError
from headrace.triggers.name_pattern import InvalidPattern, name_pattern
from headrace.triggers.set_members import InvalidMember, lead_regex
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
from headrace.triggers.template import PLACEHOLDERS, check_template, parent_names


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
        Literal["directory", "file", "set"],
        Key(
            "Whether each new directory, each new file or each set of files is an arrival.",
            kind=QuotedChoice(("directory", "file", "set")),
        ),
    ] = "directory"
    depth: Annotated[
        int,
        Key(
            "Number of levels below the directory at which arrivals lie; {parent}, {parent2} ... "
            "are the directories between.",
            minimum=1,
        ),
    ] = 1
    members: Annotated[
        tuple[str, ...],
        Key(
            "Templates of the names of a set's files; the first is the one that stands for it.",
            kind=TEXTS,
            example='members = ["{shot}.segy", "{shot}.json"]',
        ),
    ] = ()
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
        Literal["auto", "both", "inotify", "poll"],
        Key(
            "How changes are noticed: by events and scans together (both; inotify is its earlier "
            "name), or by scans; auto takes both where events are reported.",
            kind=QuotedChoice(("auto", "both", "inotify", "poll")),
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

    @property
    def lead(self) -> str | None:
        """The regular expression of names; that of the first member of a set, where none is given.

        Raises:
            InvalidMember: the first member's name says no such thing.
        """
        if self.what == "set" and self.regex is None and self.pattern == "*":
            return lead_regex(self.members[0])
        return self.regex


# Each level takes a look at all directories of the one above.
_DEEPEST: Final = 8
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
    if watch.depth > _DEEPEST:
        place.child("depth").refused(f"is at most {_DEEPEST}")
    _check_members(watch, place)
    for key in ("minimum_count", "manifest"):
        if watch.what != "directory" and getattr(watch, key):
            place.child(key).refused('needs what = "directory"; a file has no files in it')
    for group in name_pattern(watch.regex).groups if watch.regex else ():
        if group in PLACEHOLDERS or group in (*parent_names(watch.depth), "members"):
            place.child("regex").refused(
                f"{{{group}}} is a placeholder already; name the group otherwise"
            )


def _check_members(watch: WatchTable, place: Place) -> None:
    if watch.what == "set" and len(watch.members) < 2:
        place.child("members").refused("a set has the names of two files at least")
    elif watch.what != "set" and watch.members:
        place.child("members").refused('needs what = "set"')
    elif watch.members:
        try:
            groups = name_pattern(watch.lead).groups if watch.lead else ()
            for template in watch.members:
                if "/" in template:
                    raise InvalidMember(f'"{template}" must be a name without "/"')
            texts = dict.fromkeys(("name", "stem", *groups), "1")
            check_template(list(watch.members), "watch.members", texts, typed=False)
        except (InvalidMember, InvalidPattern) as error:
            place.child("members").refused(str(error))
        except TriggerError as error:
            place.child("members").report(str(error))


WATCH: Final = Table(_watch_keys, _watch, _check)
"""The table, with the keys of completeness rules of other packages."""
