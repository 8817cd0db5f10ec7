"""One campaign in the ledger."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

CampaignState = Literal["draft", "started", "paused", "ended"]


@dataclass(frozen=True, slots=True)
class CampaignRow:
    """One campaign, as the ledger has it.

    Attributes:
        id: its number in this ledger.
        name: its name, that of its file.
        state: "draft" until it is started; "ended" when nothing is left to do.
        pause_reason: why it is paused; "" where a person gave no reason.
        priority: among campaigns; higher first.
        definition: the campaign's file as it was when it was started.
        definition_sha: SHA-256 of that file.
        created_at: when its first member was added, UTC in ISO format.
        started_at: when it was started first; "" before.
        ended_at: when nothing was left to do; "" before.
        spent_core_hours: core hours of all its runs that have ended.
    """

    id: int
    name: str
    state: CampaignState
    pause_reason: str
    priority: float
    definition: Mapping[str, Any]
    definition_sha: str
    created_at: str
    started_at: str
    ended_at: str
    spent_core_hours: float


def campaign_from_row(row: sqlite3.Row) -> CampaignRow:
    """Make a campaign from a row of the ledger's table."""
    values = {name: row[name] for name in CampaignRow.__dataclass_fields__}
    return CampaignRow(**{**values, "definition": json.loads(row["definition"])})
