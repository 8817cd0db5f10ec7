"""Directories of the results of a campaign and of its members on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace._internal.collection_path import CollectionPath, CollectionPathError
from headrace.campaigns.errors import CampaignError
from headrace.campaigns.rendering import Attempt, attempt_placeholders, member_placeholders, render
from headrace.campaigns.results import LinkedMember

if TYPE_CHECKING:
    from headrace.campaigns.campaign import Campaign
    from headrace.project import Project


def results_directory(project: Project, campaign: Campaign) -> Path | None:
    """Return the directory of a campaign's results, as ``[keep.results]`` says.

    Args:
        project: whose collection it is in.
        campaign: the campaign.

    Returns:
        None where the file says none, or its collection is not on this machine.
    """
    place = campaign.keep.results
    if place is None:
        return None
    root = project.collection(place.collection).root
    path = place.path or f"/campaigns/{campaign.name}/"
    if not root.is_dir():
        return None
    return CollectionPath.parse(place.collection, path).local(root)


def member_results(
    project: Project,
    campaign: Campaign,
    key: str,
    row: Mapping[str, Any],
    *,
    directory: str,
    lane: str = "",
    group: str = "",
    category: str = "",
) -> CollectionPath | None:
    """Return where an attempt's outputs come back to, as ``[results] directory`` says.

    Args:
        project: whose collections are meant.
        campaign: the campaign.
        key: the member.
        row: its columns.
        directory: of the attempt: KEY/STEP-LLL.A.
        lane: where it ran.
        group: the member's group.
        category: the member's category.

    Returns:
        None where the campaign does not say it.

    Raises:
        CampaignError: the template has a fault, or names no collection of the project.
    """
    template = campaign.results.directory
    if not template:
        place = campaign.keep.results
        if place is None:
            return None
        base = place.path or f"/campaigns/{campaign.name}/"
        return _collection_path(project, campaign, f"{place.collection}:{base}{directory}/")
    # STEP-LLL.A
    name, _, attempt = directory.rpartition("/")[2].rpartition(".")
    step, _, leg = name.rpartition("-")
    known = {each.name: each for each in campaign.lanes}
    texts = member_placeholders(campaign.name, key, row, group, category)
    texts |= attempt_placeholders(
        campaign, Attempt(step, known.get(lane), int(leg or 1), int(attempt or 1)), key
    )
    texts["attempt_directory"] = directory
    return _collection_path(
        project, campaign, str(render(template, texts, "results.directory", typed=False))
    )


def local_results(project: Project, campaign: Campaign, member: LinkedMember) -> Path | None:
    """Return where the results of a member are on this machine; None where they are elsewhere.

    A template that cannot be filled in for this member means elsewhere.

    Args:
        project: the project.
        campaign: the campaign.
        member: the member, with the directory of its attempt.
    """
    if not member.directory:
        return None
    try:
        place = member_results(
            *(project, campaign, member.key, member.row),
            directory=member.directory,
            lane=member.lane,
            group=member.group,
        )
    except CampaignError:
        return None
    return None if place is None else place.local(project.collection(place.collection).root)


def _collection_path(project: Project, campaign: Campaign, text: str) -> CollectionPath:
    name, colon, path = text.partition(":")
    if not colon:
        raise CampaignError(
            f"{campaign.file}: results.directory: {text!r} has no collection: write it as "
            "COLLECTION:PATH"
        )
    if name not in project.collections:
        from headrace._internal.near_names import known_names

        known = known_names(name, project.collections)
        raise CampaignError(
            f"{campaign.file}: results.directory: no collection {name!r} in headrace.toml; {known}"
        )
    try:
        return CollectionPath.parse(name, path or "/").as_directory()
    except CollectionPathError as error:
        raise CampaignError(f"{campaign.file}: results.directory: {text!r} {error}") from error
