"""Claims: which process drives which campaign, so that one does at a time."""

from __future__ import annotations

from pathlib import Path

from headrace.campaigns.errors import CampaignError, CampaignLedgerBusy
from headrace.ledger_file.claims import Claims, Holder, holders


class CampaignClaims(Claims):
    """The campaigns that this process drives, until it lets go of them or ends.

    Args:
        ledger: the ledger's file; the claims lie beside it.
    """

    def __init__(self, ledger: Path) -> None:
        super().__init__(_directory(ledger), CampaignError)

    def take(self, name: str) -> None:
        """Take a campaign.

        Raises:
            CampaignLedgerBusy: another process drives it.
            CampaignError: the claim cannot be written.
        """
        if not self.try_one(name):
            holder = self.find_holder(name)
            who = f"process {holder.pid} on {holder.host}" if holder else "another process"
            since = f" since {holder.since}" if holder else ""
            raise CampaignLedgerBusy(
                f"campaign {name} is driven already, by {who}{since}; leave the work to it, or end "
                "it first"
            )


def drivers(ledger: Path) -> dict[str, Holder]:
    """Return the processes that drive campaigns at this moment, by the names of the campaigns.

    Args:
        ledger: the ledger's file.
    """
    return {name: holder for holder in holders(_directory(ledger)) for name in holder.names}


def _directory(ledger: Path) -> Path:
    return ledger.with_name(f"{ledger.name}.drivers")
