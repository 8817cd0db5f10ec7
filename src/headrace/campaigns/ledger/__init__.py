"""The ledger of campaigns: their members, starts and attempts, whatever crashes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace._internal.lazy_names import lazy_names

if TYPE_CHECKING:
    from headrace.campaigns.ledger.campaign_ledger import CampaignLedger
    from headrace.campaigns.ledger.campaign_row import CampaignRow, CampaignState
    from headrace.campaigns.ledger.member import (
        FINISHED,
        STATES,
        UNDER_WAY,
        AddedMembers,
        Member,
        MemberSource,
        MemberState,
        NewMember,
        attempt_directory,
    )
    from headrace.campaigns.ledger.start import (
        Attempt,
        AttemptEnd,
        AttemptState,
        NewStart,
        Start,
        StartKind,
        StartState,
    )
    from headrace.campaigns.ledger.tables import LedgerTables

__all__ = [
    "FINISHED",
    "STATES",
    "UNDER_WAY",
    "AddedMembers",
    "Attempt",
    "AttemptEnd",
    "AttemptState",
    "CampaignLedger",
    "CampaignRow",
    "CampaignState",
    "LedgerTables",
    "Member",
    "MemberSource",
    "MemberState",
    "NewMember",
    "NewStart",
    "Start",
    "StartKind",
    "StartState",
    "attempt_directory",
]

__getattr__ = lazy_names(__name__)
