"""Status of what pipelines process, from their directories and their runs.

Command line and pages show it. A pipeline is asked about here only as far as headrace itself is
concerned: where its data and products are, and how far each is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace._internal.lazy_names import lazy_names

if TYPE_CHECKING:
    from headrace.pipeline_status.data_run_segments import SegmentStatus, list_segment_status
    from headrace.pipeline_status.data_runs import DataRunPlaces, DataRuns

__all__ = ["DataRunPlaces", "DataRuns", "SegmentStatus", "list_segment_status"]

__getattr__ = lazy_names(__name__)
