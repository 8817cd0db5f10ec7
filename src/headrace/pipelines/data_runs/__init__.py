"""Pages of data runs: rates, backlog, segments, histograms, and traces with their fits."""

from __future__ import annotations

from typing import Final

from headrace.pipelines.data_runs.run_list import PAGE as RUN_LIST
from headrace.pipelines.data_runs.run_page import PAGE as RUN
from headrace.pipelines.data_runs.trace_page import PAGE as TRACES
from headrace.web.page import Page

PAGES: Final[tuple[Page, ...]] = (RUN_LIST, RUN, TRACES)
"""All pages of data runs."""
