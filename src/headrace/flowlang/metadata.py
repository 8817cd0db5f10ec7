"""Titles, descriptions and roles of flows and runs: the service's limits on them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from headrace._internal.json_check import InvalidValue, check_text
from headrace.flowlang import limits
from headrace.flowlang.errors import Entry

PRINCIPAL: Final = re.compile(
    r"urn:globus:(auth:identity|groups:id):[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    re.IGNORECASE,
)

_TEXTS: Final[Mapping[str, tuple[int, int]]] = {
    "title": (1, limits.MAX_TITLE),
    "subtitle": (0, limits.MAX_TITLE),
    "description": (0, limits.MAX_DESCRIPTION),
}
# The role as the service names it, and the words that stand for everyone in it.
_FLOW_ROLES: Final[Mapping[str, tuple[str, frozenset[str]]]] = {
    "flow_viewers": ("FlowViewer", frozenset({"public"})),
    "flow_starters": ("FlowStarter", frozenset({"all_authenticated_users"})),
    "flow_administrators": ("FlowAdministrator", frozenset()),
    "run_managers": ("RunManager", frozenset()),
    "run_monitors": ("RunMonitor", frozenset()),
}
_IDS: Final = ("flow_owner", "subscription_id", "authentication_policy_id")
_RUN_ROLES: Final = ("run_managers", "run_monitors")
_NOTIFIED: Final = ("INACTIVE", "FAILED", "SUCCEEDED")


def metadata_entries(document: Mapping[str, Any]) -> list[Entry]:
    """Return what is wrong with the metadata of a flow.

    Args:
        document: the body of a request that creates or changes a flow. Members that are absent,
            and those that say nothing about the flow (its definition, its input schema), are
            passed over.

    Returns:
        One ``{"loc", "msg", "type"}`` for each mistake, in the service's words.
    """
    entries: list[Entry] = []
    for name, (shortest, longest) in _TEXTS.items():
        value = document.get(name)
        # A subtitle or a description of null is none.
        if name in document and not (value is None and shortest == 0):
            entries += _text([name], value, shortest, longest, multiline=name == "description")
    if document.get("keywords") is not None:
        entries += _keywords(document["keywords"])
    for name in _FLOW_ROLES:
        if document.get(name) is not None:
            entries += _principals(name, document[name])
    for name in _IDS:
        if document.get(name) is not None:
            entries += _text([name], document[name], 1, limits.MAX_TITLE)
    return entries


def run_metadata_entries(document: Mapping[str, Any]) -> list[Entry]:
    """Return what is wrong with the metadata of a run.

    Args:
        document: the body of a request that starts or changes a run; members that are absent or
            null are passed over.

    Returns:
        One ``{"loc", "msg", "type"}`` for each mistake, in the service's words.
    """
    entries: list[Entry] = []
    if document.get("label") is not None:
        entries += _text(["label"], document["label"], 1, limits.MAX_LABEL)
    if document.get("tags") is not None:
        tags = document["tags"]
        if not isinstance(tags, list):
            entries.append(_no_list(["tags"]))
        elif len(tags) > limits.MAX_TAGS:
            message = f"ensure this value has at most {limits.MAX_TAGS} items"
            entries.append(_entry(["tags"], message, "value_error.list.max_items"))
        else:
            for number, tag in enumerate(tags):
                tag = " ".join(tag.split()) if isinstance(tag, str) else tag
                entries += _text(["tags", number], tag, 1, limits.MAX_TAG)
    for name in _RUN_ROLES:
        if document.get(name) is not None:
            entries += _principals(name, document[name])
    if document.get("activity_notification_policy") is not None:
        entries += _policy(document["activity_notification_policy"])
    return entries


def _text(
    loc: list[Any], value: Any, shortest: int, longest: int, multiline: bool = False
) -> list[Entry]:
    if not isinstance(value, str):
        return [_entry(loc, "str type expected", "type_error.str")]
    if len(value) < shortest:
        message = f"ensure this value has at least {shortest} characters"
        return [_entry(loc, message, "value_error.any_str.min_length")]
    if len(value) > longest:
        message = f"ensure this value has at most {longest} characters"
        return [_entry(loc, message, "value_error.any_str.max_length")]
    return _unreadable(loc, value, multiline)


def _unreadable(loc: list[Any], value: str, multiline: bool = False) -> list[Entry]:
    try:
        check_text(value, str(loc[-1]), multiline=multiline)
    except InvalidValue as error:
        return [_entry(loc, error.problem, "value_error")]
    return []


def _keywords(value: Any) -> list[Entry]:
    if not isinstance(value, list):
        return [_no_list(["keywords"])]
    entries = [
        _entry(["keywords", number], "str type expected", "type_error.str")
        for number, word in enumerate(value)
        if not isinstance(word, str)
    ]
    for number, word in enumerate(value):
        if isinstance(word, str):
            entries += _unreadable(["keywords", number], word)
    total = sum(len(word) for word in value if isinstance(word, str))
    if total > limits.MAX_KEYWORDS:
        message = f"the keywords have {total} characters, and at most {limits.MAX_KEYWORDS} may be"
        entries.append(_entry(["keywords"], message, "value_error"))
    return entries


def _principals(name: str, value: Any) -> list[Entry]:
    role, everyone = _FLOW_ROLES[name]
    if not isinstance(value, list):
        return [_no_list([name])]
    allowed = ["<AuthGroupUrn>", "<AuthIdentityUrn>", *(f'"{word}"' for word in sorted(everyone))]
    entries = [
        _entry(
            [name, number],
            f'Unrecognized principal string: "{principal!s:.100}". '
            f'Allowed principal types in role "{role}": [{", ".join(allowed)}]',
            "value_error",
        )
        for number, principal in enumerate(value)
        if not isinstance(principal, str)
        or (principal not in everyone and not PRINCIPAL.fullmatch(principal))
    ]
    if len({str(principal) for principal in value}) > limits.MAX_PRINCIPALS:
        message = f"ensure this value has at most {limits.MAX_PRINCIPALS} items"
        entries.append(_entry([name], message, "value_error.list.max_items"))
    return entries


def _policy(value: Any) -> list[Entry]:
    loc: list[Any] = ["activity_notification_policy"]
    if not isinstance(value, dict):
        return [_entry(loc, "value is not a valid dict", "type_error.dict")]
    entries = [
        _entry([*loc, name], "extra fields not permitted", "value_error.extra")
        for name in value
        if name != "status"
    ]
    statuses = value.get("status", [])
    if not isinstance(statuses, list):
        return [*entries, _no_list([*loc, "status"])]
    known = ", ".join(f"'{status}'" for status in _NOTIFIED)
    message = f"value is not a valid enumeration member; permitted: {known}"
    return entries + [
        _entry([*loc, "status", number], message, "type_error.enum")
        for number, status in enumerate(statuses)
        if status not in _NOTIFIED
    ]


def _no_list(loc: list[Any]) -> Entry:
    return _entry(loc, "value is not a valid list", "type_error.list")


def _entry(loc: list[Any], message: str, kind: str) -> Entry:
    return {"loc": loc, "msg": message, "type": kind}
