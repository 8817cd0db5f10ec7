"""Selections of runs in addresses: the conditions of the command line as parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from headrace.errors import HeadraceError
from headrace.runs.points_in_time import point_in_time
from headrace.runs.run_pages import PagePosition
from headrace.runs.saved_selections import saved_selection
from headrace.runs.selection import STATUSES, Selection

if TYPE_CHECKING:
    from headrace.project import Project

CONDITIONS: Final = (
    *("flow", "status", "label", "tag", "cause", "endpoint"),
    *("since", "until", "unmended", "held", "selection"),
)
"""Parameters of an address that choose runs."""

OPEN: Final = ("ACTIVE", "INACTIVE")
# Statuses of the runs that a change is for, where a selection names none.
_STATUSES_OF: Final[Mapping[str, tuple[str, ...]]] = {
    "cancel": OPEN,
    "hold": OPEN,
    "release": OPEN,
    "resume": ("INACTIVE",),
    "retry": ("FAILED", "ENDED"),
}
VERBS: Final = tuple(_STATUSES_OF)
"""Changes of many runs."""


def verbs_at(target: str) -> list[str]:
    """Return the changes that runs at a target can be asked for.

    Args:
        target: ``local`` or ``globus``.
    """
    return [verb for verb in VERBS if target == "local" or verb not in ("hold", "release")]


class SelectionError(HeadraceError):
    """Conditions that choose no runs; the message says what is wrong with which."""


def given_conditions(query: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters of an address that choose runs, without those that are empty.

    Args:
        query: parameters of an address.
    """
    return {name: query[name].strip() for name in CONDITIONS if query.get(name, "").strip()}


def selection_query(conditions: Mapping[str, str], **more: str) -> str:
    """Return conditions as the part of an address behind the question mark.

    Args:
        conditions: the conditions.
        more: further parameters.
    """
    return urlencode({**conditions, **{name: value for name, value in more.items() if value}})


def selection_of(project: Project, conditions: Mapping[str, str], verb: str = "") -> Selection:
    """Return the selection that conditions make.

    Args:
        project: whose flows, endpoints and saved selections they name.
        conditions: the conditions.
        verb: the change that the runs are chosen for.

    Raises:
        SelectionError: a status is none.
        ProjectError: a time is none, or no selection has this name.
    """
    statuses = tuple(word.upper() for word in conditions.get("status", "").split(",") if word)
    for status in statuses:
        if status not in STATUSES:
            raise SelectionError(
                f"status {status[:40]!r} is none: choose from {', '.join(STATUSES).lower()}"
            )
    one = {name: (conditions[name],) for name in CONDITIONS[:6] if name in conditions}
    given = Selection(
        flows=one.get("flow", ()),
        statuses=statuses,
        tags=one.get("tag", ()),
        labels=one.get("label", ()),
        causes=one.get("cause", ()),
        endpoints=one.get("endpoint", ()),
        since=point_in_time(conditions["since"]) if "since" in conditions else None,
        until=point_in_time(conditions["until"]) if "until" in conditions else None,
        unmended="unmended" in conditions,
        held="held" in conditions or verb == "release",
    )
    if "selection" in conditions:
        given = given.restricted(saved_selection(project, conditions["selection"]))
    if verb and not given.statuses:
        given = given.restricted(Selection(statuses=_STATUSES_OF[verb]))
    return given


def position_of(query: Mapping[str, str]) -> PagePosition:
    """Return the position that an address names; the beginning where it names none.

    Args:
        query: parameters of an address.
    """
    skip = query.get("skip", "")
    number = int(skip) if skip.isdecimal() and len(skip) < 4 else 0
    return PagePosition(query.get("after", ""), number)
