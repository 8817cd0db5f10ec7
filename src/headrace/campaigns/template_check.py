"""Mistakes in the templates of a campaign file, found before a member is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from headrace._internal.settings import Place, PlainWording, Reading, TomlDocument
from headrace.campaigns.campaign import Campaign
from headrace.campaigns.rendering import (
    ATTEMPT_PLACEHOLDERS,
    MEMBER_PLACEHOLDERS,
    MEMBERS,
    MEMBERS_FILE,
)
from headrace.triggers.errors import TriggerError
from headrace.triggers.template import JsonValue, Texts, check_template

_EXAMPLE: Final = "1"
_MEMBER_KEYS: Final = ("key", "priority", "group", "category", "needs", "hash")
_STEP_KEYS: Final = ("label", "tags", "input", "member", "cost", "disk")
_GRAFT_KEYS: Final = ("label", "tags", "input")
_VALUES: Final = frozenset({"input", "member"})
"""Keys in whose templates a text may become another value."""


class AnyColumn(Mapping[str, Texts]):
    """Placeholders of a campaign whose columns are not known before its members come.

    Args:
        known: those that are known.
    """

    def __init__(self, known: Mapping[str, Texts]) -> None:
        self._known = known

    def __getitem__(self, name: str) -> Texts:
        if not name:
            raise KeyError(name)
        return self._known.get(name, _EXAMPLE)

    def __contains__(self, name: object) -> bool:
        return name != ""

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


def check_templates(reading: Reading, file: Path, columns: tuple[str, ...] | None = None) -> None:
    """Report what is wrong with the templates of a campaign file, whatever else is wrong with it.

    Args:
        reading: of the file.
        file: its path.
        columns: of the members' table; None: they are not known.
    """
    values, top = reading.document.values, reading.top
    if isinstance(members := values.get("members"), dict):
        texts = _with_key_types(_known(columns, {}))
        for key in _MEMBER_KEYS:
            _check(members, key, top.child("members"), texts)
    for table, place in _steps(values, top):
        texts = _known(columns, step_examples(values))
        for key in _STEP_KEYS:
            both = _with_members(texts) if table.get("member") and key == "input" else texts
            _check(table, key, place, both)
    if isinstance(results := values.get("results"), dict):
        _check(results, "directory", top.child("results"), _known(columns, step_examples(values)))
    after = values.get("after")
    for name, graft in after.items() if isinstance(after, dict) else ():
        if isinstance(graft, dict):
            texts = graft_examples(name, columns, values)
            for key in _GRAFT_KEYS:
                _check(graft, key, top.child("after").child(name), texts)


def check_columns(campaign: Campaign, columns: Sequence[str]) -> list[str]:
    """Return what is wrong with a campaign's templates where the columns are known.

    Args:
        campaign: the campaign.
        columns: of its table.
    """
    reading = Reading(TomlDocument(str(campaign.file), campaign.definition), PlainWording())
    check_templates(reading, campaign.file, tuple(columns))
    found = [fault.message.removeprefix(f"{campaign.file}: ") for fault in reading.faults]
    taken = sorted({*ATTEMPT_PLACEHOLDERS, "campaign", MEMBERS} & set(columns))
    if taken:
        found.append(
            f"column {taken[0]!r} has the name of a placeholder, which stands for something else: "
            "give it another name"
        )
    return found


def step_examples(values: Mapping[str, Any]) -> dict[str, Texts]:
    """Return an example of each placeholder that templates of steps have, beside the columns.

    Args:
        values: the campaign file, which may have faults.
    """
    examples: dict[str, Texts] = dict.fromkeys(
        (*MEMBER_PLACEHOLDERS, *ATTEMPT_PLACEHOLDERS), _EXAMPLE
    )
    lanes = values.get("lanes")
    for lane in lanes.values() if isinstance(lanes, dict) else ():
        own = lane.get("values") if isinstance(lane, dict) else None
        for name in own if isinstance(own, dict) else ():
            examples[f"lane.{name}"] = _EXAMPLE
    retries = values.get("retries")
    grow = retries.get("grow") if isinstance(retries, dict) else None
    for name in grow if isinstance(grow, dict) else ():
        examples[f"grow.{name}"] = JsonValue(1.0)
    return examples


def graft_examples(
    after: str, columns: tuple[str, ...] | None, values: Mapping[str, Any]
) -> Mapping[str, Texts]:
    """Return an example of each placeholder that the templates of a graft have.

    Args:
        after: what it starts after: ``leg``, ``member``, ``group`` or ``campaign``.
        columns: of the members' table; None: they are not known.
        values: the campaign file, which may have faults.
    """
    if after == "group":
        return dict.fromkeys(("campaign", "group", MEMBERS_FILE), _EXAMPLE)
    if after == "campaign":
        return dict.fromkeys(("campaign", MEMBERS_FILE), _EXAMPLE)
    return _known(columns, step_examples(values))


def _known(columns: tuple[str, ...] | None, others: Mapping[str, Texts]) -> Mapping[str, Texts]:
    if columns is None:
        return AnyColumn(others)
    return {**dict.fromkeys(columns, _EXAMPLE), **others}


def _with_key_types(texts: Mapping[str, Texts]) -> Mapping[str, Texts]:
    """Return placeholders with ``{COLUMN:key}``, a column's text made safe for a key."""
    if isinstance(texts, AnyColumn):
        return texts
    return {**texts, **{f"{name}:key": _EXAMPLE for name in texts}}


def _with_members(texts: Mapping[str, Texts]) -> Mapping[str, Texts]:
    examples = {name: texts[name] for name in texts} | {MEMBERS: (_EXAMPLE,)}
    return AnyColumn(examples) if isinstance(texts, AnyColumn) else examples


def _steps(values: Mapping[str, Any], top: Place) -> Iterator[tuple[dict[str, Any], Place]]:
    if isinstance(start := values.get("start"), dict):
        yield start, top.child("start")
    steps = values.get("steps")
    for number, step in enumerate(steps if isinstance(steps, list) else ()):
        if isinstance(step, dict):
            yield step, top.child("steps").child(number)


def _check(table: Mapping[str, Any], key: str, place: Place, texts: Mapping[str, Texts]) -> None:
    if key not in table or isinstance(table[key], int | float):
        return
    try:
        check_template(table[key], key, texts, typed=key in _VALUES)
    except TriggerError as error:
        place.child(key).report(_with_place(str(error), place))


def _with_place(message: str, place: Place) -> str:
    from headrace._internal.settings.document import dotted

    return f"{dotted(place.key)}.{message}"
