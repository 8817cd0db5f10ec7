"""Directories of the results of a campaign and of its members on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from headrace._internal.collection_path import CollectionPath

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
