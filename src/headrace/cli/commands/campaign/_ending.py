"""The end of a campaign that was waited for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.cli.termio.campaign_progress import counts_text
from headrace.cli.termio.display import display

if TYPE_CHECKING:
    from headrace.campaigns.status import CampaignStatus


def show_ending(status: CampaignStatus) -> None:
    """Display how a campaign stands that goes on no more by itself."""
    document = {
        "name": status.name,
        "state": status.state,
        "total": status.total,
        "counts": {state: count for state, count in status.counts.items() if count},
        "core_hours": status.core_hours,
        "people": list(status.people),
    }
    lines = [f"{status.name}: {counts_text(status)}", *(f"  {line}" for line in status.people)]
    display(document, "\n".join(lines), ("name", "state", "total"))
