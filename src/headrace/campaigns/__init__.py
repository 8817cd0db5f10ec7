"""Campaigns: tables of members, each of which goes through the steps of its campaign once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace._internal.lazy_names import lazy_names

if TYPE_CHECKING:
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
    "CampaignError",
    "CampaignLedgerBusy",
    "CampaignLedgerUnusable",
    "CampaignProblems",
    "MemberRefused",
    "NeedsCircle",
    "SelectionError",
]

__getattr__ = lazy_names(__name__)
