"""Campaigns: tables of members, each of which goes through the steps of its campaign once.

Modules:

==========================================  =====================================================
`campaign`, `campaign_file`, `tables`       what a campaign file says, and its keys, declared
`campaign_loading`, `template_check`        files read, and checked against their project
`rendering`                                 placeholders of members, attempts and lanes
`members`                                   tables and directories, and the members made of them
`check`, `step_check`, `varying_input`,     a campaign checked before it starts, row by row
`input_shapes`, `step_conditions`,
`needs_graph`, `problem_groups`
`fireworks`                                 workflow files of FireWorks, taken over
`hashing`                                   hashes of members' work, by content and input
==========================================  =====================================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace._internal.lazy_names import lazy_names

if TYPE_CHECKING:
    from headrace.campaigns.campaign import Campaign, Graft, Lane, Step
    from headrace.campaigns.campaign_loading import (
        campaign_names,
        campaign_of_definition,
        load_campaign,
        project_problems,
        read_campaign,
    )
    from headrace.campaigns.errors import (
        CampaignError,
        CampaignLedgerBusy,
        CampaignLedgerUnusable,
        CampaignProblems,
        MemberRefused,
        NeedsCircle,
        SelectionError,
    )

__all__ = [
    "Campaign",
    "CampaignError",
    "CampaignLedgerBusy",
    "CampaignLedgerUnusable",
    "CampaignProblems",
    "Graft",
    "Lane",
    "MemberRefused",
    "NeedsCircle",
    "SelectionError",
    "Step",
    "campaign_names",
    "campaign_of_definition",
    "load_campaign",
    "project_problems",
    "read_campaign",
]

__getattr__ = lazy_names(__name__)
