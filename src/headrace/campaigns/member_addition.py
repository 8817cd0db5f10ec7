"""Members that are added to a campaign in the ledger, from its table or from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from headrace.campaigns.campaign import Campaign
from headrace.campaigns.errors import CampaignError
from headrace.campaigns.ledger.member import AddedMembers, NewMember
from headrace.campaigns.ledger.tables import LedgerTables

if TYPE_CHECKING:
    from headrace.campaigns.start_check import StartCheck

LOCAL_LANE = "local"
"""The lane of members that shall run on this machine, where a campaign has one."""


@dataclass(frozen=True)
class AdditionOptions:
    """Options of an addition of members.

    Attributes:
        priority: of all of them; None for their own.
        group: of all of them; None for their own.
        lane: where they are wanted; "" for any.
    """

    priority: float | None = None
    group: str | None = None
    lane: str = ""


def add_members(
    tables: LedgerTables,
    campaign: Campaign,
    members: Iterable[NewMember],
    options: AdditionOptions | None = None,
    check: StartCheck | None = None,
) -> AddedMembers:
    """Add members to a campaign, which the ledger has from then on.

    Args:
        tables: the ledger, in a transaction.
        campaign: the campaign.
        members: the members; read as they come.
        options: priority, group and lane of all of them.
        check: finds what would keep them from being started, where the campaign was started.

    Raises:
        CampaignError: the campaign has no such lane, or a member cannot be added.
        CampaignProblems: members that could not be started.
    """
    options = options or AdditionOptions()
    if options.lane:
        check_lane(campaign, options.lane)
    row = tables.campaigns.add(
        campaign.name,
        dict(campaign.definition),
        campaign.definition_sha,
        priority=campaign.priority,
    )
    keys: list[str] = []

    def changed() -> Iterator[NewMember]:
        for member in members:
            if options.lane:
                keys.append(member.key)
            yield replace(
                member,
                priority=member.priority if options.priority is None else options.priority,
                group=member.group if options.group is None else options.group,
            )

    given = members if options == AdditionOptions() else changed()
    added = tables.members.add(row.id, given, step=campaign.steps[0].name)
    if keys:
        tables.database.execute(
            "UPDATE members SET wanted_lane = ?, revision = revision + 1 WHERE campaign = ? "
            "AND attempt = 0 AND key IN (SELECT value FROM json_each(?))",
            (options.lane, row.id, json.dumps(keys)),
        )
    if check is not None and row.state != "draft" and (count := added.added + len(added.updated)):
        check.check(tables, row.id, newest=count)
    return added


def check_lane(campaign: Campaign, name: str) -> None:
    """Check that a campaign has a lane.

    Raises:
        CampaignError: it has none of this name.
    """
    if name == LOCAL_LANE and name not in [lane.name for lane in campaign.lanes]:
        raise CampaignError(
            f"{campaign.file}: has no lane for this machine: write [lanes.{LOCAL_LANE}] with an "
            "endpoint that runs here"
        )
    campaign.lane(name)
