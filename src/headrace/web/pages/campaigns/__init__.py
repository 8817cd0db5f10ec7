"""Pages of campaigns: all of them, one of them, its members, and one member."""

from __future__ import annotations

from typing import Final

from headrace.web.page import Page
from headrace.web.pages.campaigns import campaign, member, members, overview

PAGES: Final[tuple[Page, ...]] = (overview.PAGE, campaign.PAGE, members.PAGE, member.PAGE)
"""The pages."""
