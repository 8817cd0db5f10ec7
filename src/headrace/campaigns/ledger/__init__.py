"""The ledger of campaigns: their members, starts and attempts, whatever crashes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace._internal.lazy_names import lazy_names

if TYPE_CHECKING:
    from headrace.campaigns.ledger.campaign_ledger import CampaignLedger, read_ledger
    from headrace.campaigns.ledger.campaign_row import CampaignRow, CampaignState
    from headrace.campaigns.ledger.campaign_table import CampaignTable
    from headrace.campaigns.ledger.change import Change
    from headrace.campaigns.ledger.change_table import ChangeTable, RecordedChange
    from headrace.campaigns.ledger.graft_table import (
        Graft,
        GraftAfter,
        GraftStart,
        GraftState,
        GraftTable,
    )
    from headrace.campaigns.ledger.lane_table import LaneState, LaneTable
    from headrace.campaigns.ledger.log_table import LogLine, LogTable
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
    from headrace.campaigns.ledger.member_table import MemberTable
    from headrace.campaigns.ledger.ready_queue import QueueName, ReadyQueue
    from headrace.campaigns.ledger.selection import MemberSelection
    from headrace.campaigns.ledger.start import (
        Attempt,
        AttemptEnd,
        AttemptState,
        NewStart,
        Start,
        StartKind,
        StartState,
    )
    from headrace.campaigns.ledger.start_table import EndedStart, StartTable
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
    "CampaignTable",
    "Change",
    "ChangeTable",
    "EndedStart",
    "Graft",
    "GraftAfter",
    "GraftStart",
    "GraftState",
    "GraftTable",
    "LaneState",
    "LaneTable",
    "LedgerTables",
    "LogLine",
    "LogTable",
    "Member",
    "MemberSelection",
    "MemberSource",
    "MemberState",
    "MemberTable",
    "NewMember",
    "NewStart",
    "QueueName",
    "ReadyQueue",
    "RecordedChange",
    "Start",
    "StartKind",
    "StartState",
    "StartTable",
    "attempt_directory",
    "read_ledger",
]

__getattr__ = lazy_names(__name__)
