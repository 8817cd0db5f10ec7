"""All pages, each declared by a module of this package."""

from __future__ import annotations

from typing import Final

from headrace.web.page import Page
from headrace.web.pages import flow, flow_start, flows, record

PAGES: Final[tuple[Page, ...]] = (flows.PAGE, flow.PAGE, flow_start.PAGE, record.PAGE)
"""All pages."""
