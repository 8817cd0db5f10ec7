"""Histograms of a run by a user's class, added over its segments, and pictures of them.

A class of one's own::

    import hist

    class Gammas:
        columns = ("channel", "energy")

        def begin(self, segment):
            self.energy = hist.Hist.new.Reg(1000, 0, 65536, name="energy").Double()

        def process(self, batch):
            self.energy.fill(batch.hits["energy"][batch.hits["channel"] < 4])

        def end(self):
            return {"energy": self.energy}
"""

from headrace.datarun.analysis.batch import Batch, Segment
from headrace.datarun.analysis.protocol import Analysis, AnalysisError, load_analysis
from headrace.datarun.analysis.runner import (
    RunResult,
    SegmentResult,
    analyze_run,
    analyze_segment,
    merge,
)
from headrace.datarun.analysis.sources import find_segments, open_segment
from headrace.datarun.analysis.stored import read_histograms

__all__ = [
    "Analysis",
    "AnalysisError",
    "Batch",
    "RunResult",
    "Segment",
    "SegmentResult",
    "analyze_run",
    "analyze_segment",
    "find_segments",
    "load_analysis",
    "merge",
    "open_segment",
    "read_histograms",
]
