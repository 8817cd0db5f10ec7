"""Changes of a campaign that people ask for, whether a driver works with it or not.

Each is made within one transaction, changes only what is in a state that allows it, says what it
left and why, and keeps what was before, so that the last one can be undone (`undo`).
"""

from __future__ import annotations

from headrace.campaigns.ledger.campaign_requests import drain, limit, pause, resume, undrain
from headrace.campaigns.ledger.member_requests import (
    drop,
    hold,
    move,
    release,
    retry,
    set_priority,
)
from headrace.campaigns.ledger.undo import undo

__all__ = [
    "drain",
    "drop",
    "hold",
    "limit",
    "move",
    "pause",
    "release",
    "resume",
    "retry",
    "set_priority",
    "undo",
    "undrain",
]
