"""What the hosted action providers answer, as shapes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from functools import cache
from typing import Final

from headrace.flowlang.checker.analysis.json_types import (
    ANY,
    ARRAY,
    BOOLEAN,
    COUNT,
    NULL,
    NUMBER,
    OBJECT,
    STRING,
    TEXT,
    Member,
    Presence,
    Shape,
    array,
    one_of,
)
from headrace.flowlang.checker.analysis.schema_types import answers
from headrace.flowlang.limits import CATCH_ALL
from headrace.flowlang.providers import Provider, is_flow, provider_of

_LETTERS: Final = {"s": STRING, "n": NUMBER, "b": BOOLEAN, "0": NULL, "a": ARRAY, "o": OBJECT}
SUCCEEDED: Final = "SUCCEEDED"
FAILED: Final = "FAILED"


def _document(
    text: str, *, sure: str = "", rest: Presence = Presence.UNKNOWN, **more: Shape
) -> Shape:
    """Return a documented object: ``name:letters`` gives a member and the kinds it can be of.

    Args:
        text: the members; ``s n b 0 a o`` for string, number, boolean, null, array, object.
        sure: names of members that are always there; of the others that is not known.
        rest: whether there can be other members.
        more: shapes of members, which are always there.
    """
    certain = {*sure.split(), *more}
    shapes = dict(more)
    for word in text.split():
        name, _, letters = word.partition(":")
        kinds = sum({_LETTERS[letter] for letter in letters})
        shapes.setdefault(name, Shape(kinds) if kinds else ANY)
    members = {
        name: Member(shape, Presence.MUST if name in certain else Presence.UNKNOWN)
        for name, shape in shapes.items()
    }
    return Shape(OBJECT, members, rest, named=True)


_ANSWER: Final = (
    "action_id:s status:s display_status:s0 creator_id:s label:s0 manage_by:a0 monitor_by:a0 "
    "release_after:sn0 start_time:s0 completion_time:s0 state_name:s"
)
_RUN: Final = (
    "run_id:s flow_id:s flow_title:s flow_last_updated:s tags:a run_owner:s run_managers:a "
    "run_monitors:a created_by:s user_role:s0 user_roles:a blocking_web_input_id:s0 "
    "flow_description:o"
)
STATUS_MEMBERS: Final = frozenset(
    {"details", *(word.partition(":")[0] for word in _ANSWER.split())}
)


def status_documents(url: str, failed_too: bool, results: int | None = None) -> list[Shape]:
    """Return the shapes of what an Action puts at its ResultPath; each answer has one of them.

    Args:
        url: the provider.
        failed_too: whether the status document of a FAILED action can stand there as well.
        results: how many results it is asked for, where that is known and where it gives one for
            each.
    """
    provider = provider_of(url)
    documents = [_status(url, SUCCEEDED, details) for details in details_of(provider, results)]
    if failed_too:
        documents.append(_status(url, FAILED, _after_failure(provider)))
    return documents


def details_of(provider: Provider | None, results: int | None = None) -> list[Shape]:
    """Return the shapes of the details of an action that succeeded.

    Args:
        provider: the provider, where it is known.
        results: how many results it is asked for, likewise.
    """
    if provider is None:
        return [ANY]
    shapes = _shapes(provider.url)
    if provider.results_per is None or results is None:
        return list(shapes)
    return [_with_results(shape, results) for shape in shapes]


@cache
def _shapes(url: str) -> tuple[Shape, ...]:
    provider = provider_of(url)
    return tuple(answers(provider.details)) if provider is not None else (ANY,)


def _with_results(details: Shape, number: int) -> Shape:
    members = {
        name: Member(replace(member.shape, least=number, most=number), member.presence)
        if member.shape.kinds == ARRAY
        else member
        for name, member in details.members.items()
    }
    return replace(details, members=members)


def _after_failure(provider: Provider | None) -> Shape:
    """Return the details of a FAILED action: what it gives after success may be missing."""
    if provider is None:
        return ANY
    names = {name for shape in details_of(provider) for name in shape.members}
    told = {"code", "description", "task_id", "message"}
    members = {name: Member(ANY, Presence.MAY) for name in sorted(names - told)}
    return Shape(OBJECT | STRING, members)


def _status(url: str, status: str, details: Shape) -> Shape:
    is_run = is_flow(url)
    known = provider_of(url) is not None and not is_run
    return _document(
        f"{_ANSWER} {_RUN}" if is_run else _ANSWER,
        sure="action_id creator_id state_name",
        rest=Presence.CANNOT if known else Presence.UNKNOWN,
        # The status of a run, as an action, is that of the run.
        status=TEXT if is_run else one_of([status]) or TEXT,
        details=details,
    )


# What a catcher writes. The other names are those of the Amazon States Language: which of the two
# manners the hosted service has is not documented, and runs show this one.
_FAILURE: Final = Shape(
    OBJECT,
    {
        "state_name": Member(TEXT),
        "exception": Member(TEXT),
        "cause": Member(ANY),
        "Error": Member(TEXT, Presence.MAY),
        "Cause": Member(ANY, Presence.MAY),
    },
    Presence.CANNOT,
    named=True,
)


def failure_of(url: str, caught: Collection[str]) -> Shape:
    """Return the shape of what a catcher writes of an action's failure.

    Args:
        url: the provider.
        caught: the names of the failures that are caught.
    """
    provider = provider_of(url)
    possible = {} if provider is None else provider.failures
    members = dict(_FAILURE.members)
    for name, schema in possible.items():
        if name not in caught and not CATCH_ALL.intersection(caught):
            continue
        (shape,) = answers(schema)
        for key, member in shape.members.items():
            # Where others are caught as well, it is not known whether it is there.
            members[key] = member if {*caught} == {name} else Member(ANY, Presence.UNKNOWN)
    return replace(_FAILURE, members=members)


CONTEXT: Final = Shape(
    OBJECT,
    {
        **{name: Member(TEXT) for name in ("flow_id", "run_id", "username", "email", "user_id")},
        "identities": Member(array(TEXT)),
        "token_info": Member(
            Shape(OBJECT, {name: Member(COUNT) for name in ("exp", "iat", "nbf")}, named=True)
        ),
    },
    named=True,
)
