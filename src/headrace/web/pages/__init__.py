"""All pages, each declared by a module of this package."""

from __future__ import annotations

from typing import Final

from headrace.web.page import Page
from headrace.web.pages import (
    campaigns,
    documentation,
    endpoint,
    endpoints,
    facility,
    flow,
    flow_start,
    flows,
    notifications,
    now,
    record,
    run,
    run_changes,
    runs,
    triggers,
    web_inputs,
)

PAGES: Final[tuple[Page, ...]] = (
    now.PAGE,
    runs.PAGE,
    run_changes.CHANGE_PAGE,
    run_changes.UNDO_PAGE,
    run.PAGE,
    run.OUTPUT_PAGE,
    web_inputs.PAGE,
    flows.PAGE,
    flow.PAGE,
    flow_start.PAGE,
    *triggers.PAGES,
    facility.PAGE,
    notifications.PAGE,
    *documentation.PAGES,
    *campaigns.PAGES,
    endpoints.PAGE,
    endpoint.PAGE,
    record.PAGE,
)
"""All pages."""
