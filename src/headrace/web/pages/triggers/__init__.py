"""Pages of triggers: all of them, and one with its arrivals."""

from __future__ import annotations

from typing import Final

from headrace.web.page import Page
from headrace.web.pages.triggers import overview, trigger

PAGES: Final[tuple[Page, ...]] = (overview.PAGE, trigger.PAGE)
"""The pages."""
