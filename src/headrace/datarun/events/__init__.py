"""Event files of NSCLDAQ 11 and 12: ring items, hits, traces, extensions.

::

    with EventFile(path) as file:
        for batch in file.batches():
            results = fit(batch.hits, batch.traces, batch.trace_start)  # EXTENSION records
            writer.raw(extend(file, batch, results))
"""

from headrace.datarun.events.batch import HitBatch
from headrace.datarun.events.documents import EventCount, Scalers, StateChange
from headrace.datarun.events.encode import encode_events
from headrace.datarun.events.extend import extend, extended_sizes
from headrace.datarun.events.layout import HIT, ITEM, ItemType
from headrace.datarun.events.problems import Flaw, OnCorrupt, Problem
from headrace.datarun.events.reader import EventFile, Split
from headrace.datarun.events.writer import EventWriter, ring_item

__all__ = [
    "HIT",
    "ITEM",
    "EventCount",
    "EventFile",
    "EventWriter",
    "Flaw",
    "HitBatch",
    "ItemType",
    "OnCorrupt",
    "Problem",
    "Scalers",
    "Split",
    "StateChange",
    "encode_events",
    "extend",
    "extended_sizes",
    "ring_item",
]
