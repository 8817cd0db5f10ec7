"""Result types of the hosted action providers."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from functools import cache
from typing import Final

from headrace.flowlang.checker.analysis.json_types import (
    ANY,
    ANY_NUMBER,
    ANY_STRING,
    ARRAY,
    BOOLEAN,
    NULL,
    NUMBER,
    OBJECT,
    STRING,
    JsonType,
    Member,
    Presence,
)
from headrace.flowlang.checker.analysis.schema_types import answer_types
from headrace.flowlang.checker.analysis.type_constructors import array, type_of_values
from headrace.flowlang.limits import CATCH_ALL
from headrace.flowlang.providers import Provider, is_flow

_KIND_LETTERS: Final = {"s": STRING, "n": NUMBER, "b": BOOLEAN, "0": NULL, "a": ARRAY, "o": OBJECT}
SUCCEEDED: Final = "SUCCEEDED"
FAILED: Final = "FAILED"


def _documented_object(
    text: str, *, always_present: str = "", rest: Presence = Presence.UNKNOWN, **more: JsonType
) -> JsonType:
    """Return a documented object: ``name:letters`` gives a member and the kinds it can be of.

    Args:
        text: the members; ``s n b 0 a o`` for string, number, boolean, null, array, object.
        always_present: names of members that are always there; of the others that is not known.
        rest: whether there can be other members.
        more: types of members, which are always there.
    """
    certain = {*always_present.split(), *more}
    json_types = dict(more)
    for word in text.split():
        name, _, letters = word.partition(":")
        kinds = sum({_KIND_LETTERS[letter] for letter in letters})
        json_types.setdefault(name, JsonType(kinds) if kinds else ANY)
    members = {
        name: Member(json_type, Presence.MUST if name in certain else Presence.UNKNOWN)
        for name, json_type in json_types.items()
    }
    return JsonType(OBJECT, members, rest, documented=True)


_STATUS_FIELDS: Final = (
    "action_id:s status:s display_status:s0 creator_id:s label:s0 manage_by:a0 monitor_by:a0 "
    "release_after:sn0 start_time:s0 completion_time:s0 state_name:s"
)
_RUN_FIELDS: Final = (
    "run_id:s flow_id:s flow_title:s flow_last_updated:s tags:a run_owner:s run_managers:a "
    "run_monitors:a created_by:s user_role:s0 user_roles:a blocking_web_input_id:s0 "
    "flow_description:o"
)
STATUS_MEMBERS: Final = frozenset(
    {"details", *(word.partition(":")[0] for word in _STATUS_FIELDS.split())}
)


def status_types(
    url: str, provider: Provider | None, may_have_failed: bool, results: int | None = None
) -> list[JsonType]:
    """Return the types of an Action's status document; each answer has one of them.

    Args:
        url: the provider's address.
        provider: the provider, where it is known.
        may_have_failed: whether it can be the status document of a FAILED action as well.
        results: how many results it is asked for, where that is known and where it gives one for
            each.
    """
    known = provider is not None
    types = [
        _status_type(url, SUCCEEDED, details, known) for details in details_types(provider, results)
    ]
    if may_have_failed:
        types.append(_status_type(url, FAILED, _after_failure(provider), known))
    return types


def details_types(provider: Provider | None, results: int | None = None) -> list[JsonType]:
    """Return the types of the details of an action that succeeded.

    Args:
        provider: the provider, where it is known.
        results: how many results it is asked for, likewise.
    """
    if provider is None:
        return [ANY]
    json_types = _details_types(provider)
    if provider.results_per is None or results is None:
        return list(json_types)
    return [_with_result_count(json_type, results) for json_type in json_types]


@cache
def _details_types(provider: Provider) -> tuple[JsonType, ...]:
    return tuple(answer_types(provider.details))


def _with_result_count(details: JsonType, number: int) -> JsonType:
    members = {
        name: Member(replace(member.json_type, min_items=number, max_items=number), member.presence)
        if member.json_type.kinds == ARRAY
        else member
        for name, member in details.members.items()
    }
    return replace(details, members=members)


def _after_failure(provider: Provider | None) -> JsonType:
    """Return the type of the details of a FAILED action: members of a success may be missing."""
    if provider is None:
        return ANY
    names = {name for json_type in details_types(provider) for name in json_type.members}
    failure_members = {"code", "description", "task_id", "message"}
    members = {name: Member(ANY, Presence.MAY) for name in sorted(names - failure_members)}
    return JsonType(OBJECT | STRING, members)


def _status_type(url: str, status: str, details: JsonType, known: bool) -> JsonType:
    is_run = is_flow(url)
    return _documented_object(
        f"{_STATUS_FIELDS} {_RUN_FIELDS}" if is_run else _STATUS_FIELDS,
        always_present="action_id creator_id state_name",
        rest=Presence.CANNOT if known and not is_run else Presence.UNKNOWN,
        # The status of a run, as an action, is that of the run.
        status=ANY_STRING if is_run else type_of_values([status]) or ANY_STRING,
        details=details,
    )


# What a catcher writes. The other names are those of the Amazon States Language: which of the two
# the hosted service uses is not documented, and runs show this one.
_FAILURE: Final = JsonType(
    OBJECT,
    {
        "state_name": Member(ANY_STRING),
        "exception": Member(ANY_STRING),
        "cause": Member(ANY),
        "Error": Member(ANY_STRING, Presence.MAY),
        "Cause": Member(ANY, Presence.MAY),
    },
    Presence.CANNOT,
    documented=True,
)


def failure_type(provider: Provider | None, caught: Collection[str]) -> JsonType:
    """Return the type of the failure that a catcher writes.

    Args:
        provider: the provider, where it is known.
        caught: the names of the failures that are caught.
    """
    possible = {} if provider is None else provider.failures
    members = dict(_FAILURE.members)
    for name, schema in possible.items():
        if name not in caught and not CATCH_ALL.intersection(caught):
            continue
        (json_type,) = answer_types(schema)
        for key, member in json_type.members.items():
            # Where others are caught as well, it is not known whether it is there.
            members[key] = member if {*caught} == {name} else Member(ANY, Presence.UNKNOWN)
    return replace(_FAILURE, members=members)


CONTEXT: Final = JsonType(
    OBJECT,
    {
        **{
            name: Member(ANY_STRING)
            for name in ("flow_id", "run_id", "username", "email", "user_id")
        },
        "identities": Member(array(ANY_STRING)),
        "token_info": Member(
            JsonType(
                OBJECT,
                {name: Member(ANY_NUMBER) for name in ("exp", "iat", "nbf")},
                documented=True,
            )
        ),
    },
    documented=True,
)
