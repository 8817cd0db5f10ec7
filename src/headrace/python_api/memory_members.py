"""Members of a campaign that a program has in memory; arrays become files of a collection."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from headrace._internal.atomic import atomic_replacement
from headrace.campaigns.errors import CampaignError
from headrace.campaigns.ledger.member import NewMember
from headrace.campaigns.members.new_members import MemberReader

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.campaigns import Campaign
    from headrace.project import Project


def members_of_rows(
    project: Project,
    campaign: Campaign,
    rows: Sequence[Mapping[str, Any]],
    collection: str | None = None,
) -> list[NewMember]:
    """Make members of columns that a program has.

    Args:
        project: the project.
        campaign: the campaign.
        rows: the columns of each: plain values, numbers and arrays of numpy.
        collection: for the files of arrays; that of ``[keep.results]``, else the project's first.

    Raises:
        CampaignError: a row cannot be used, a key stands twice, or a file cannot be written.
    """
    columns = tuple(dict.fromkeys(name for row in rows for name in row))
    reader = MemberReader(campaign, columns, "added")
    made: list[NewMember] = []
    keys: set[str] = set()
    for number, row in enumerate(rows):
        plain = {name: _plain(value) for name, value in row.items() if not _is_array(value)}
        arrays = {name: value for name, value in row.items() if _is_array(value)}
        try:
            member = reader.member_of({**plain, **dict.fromkeys(arrays, "")})
        except CampaignError as error:
            raise CampaignError(f"member {number} of {len(rows)}: {error}") from error
        if member.key in keys:
            raise CampaignError(f"the key {member.key!r} stands twice: keys are unique")
        keys.add(member.key)
        made.append(member)
    for place, (member, row) in enumerate(zip(made, rows, strict=True)):
        arrays = {name: value for name, value in row.items() if _is_array(value)}
        if arrays:
            paths = _written(project, campaign, member.key, arrays, collection)
            made[place] = replace(member, row={**member.row, **paths})
    return made


def _is_array(value: Any) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, numpy.ndarray)


def _plain(value: Any) -> Any:
    """Return a number of numpy as one of Python, and a path as a text."""
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.generic):
        return value.item()
    return value if isinstance(value, str | int | float | list | dict | None) else str(value)


def _written(
    project: Project,
    campaign: Campaign,
    key: str,
    arrays: Mapping[str, Any],
    collection: str | None,
) -> dict[str, str]:
    """Write arrays as files, and return their paths in the collection by their columns."""
    place = campaign.keep.results
    first = next(iter(project.collections), None)
    name = collection or (place.collection if place else first)
    if name is None:
        raise CampaignError(f"{project.config_file}: has no collection that arrays could lie in")
    root = project.collection(name).root
    if not root.is_dir():
        raise CampaignError(f"collection {name}: its root {root} is not on this machine")
    paths = {}
    for column, value in arrays.items():
        path = f"/campaigns/{campaign.name}/inputs/{key}/{column}.npy"
        _write(root / path.lstrip("/"), value)
        paths[column] = path
    return paths


def _write(path: Path, value: Any) -> None:
    import numpy

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_replacement(path) as temporary, temporary.open("r+b") as stream:
            numpy.save(stream, value, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise CampaignError(f"{path}: the array cannot be written: {error}") from error
