"""Errors of the campaigns.

::

    CampaignError
    ├── CampaignLedgerBusy
    ├── CampaignLedgerUnusable
    ├── CampaignProblems
    ├── MemberRefused
    ├── NeedsCircle
    └── SelectionError
"""

from __future__ import annotations

from collections.abc import Sequence

from headrace.errors import HeadraceError


class CampaignError(HeadraceError):
    """A campaign file, its table or the ledger of campaigns cannot be used as it is."""


class CampaignLedgerBusy(CampaignError):
    """Another process has the ledger of campaigns to itself, or drives the campaign already."""


class CampaignLedgerUnusable(CampaignError):
    """The ledger was deleted, replaced, emptied or damaged: nothing may be started without it."""


class CampaignProblems(CampaignError):
    """Several things are wrong with a campaign; one line each.

    Args:
        problems: the faults, each with its place and the way out.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class MemberRefused(CampaignError):
    """A member's row cannot be used as it is; no other row is concerned."""


class NeedsCircle(CampaignError):
    """Members need each other in a circle: none of them could ever begin."""


class SelectionError(CampaignError):
    """A selection of members cannot be understood."""

    exit_code = 2
