"""Small event files, made piece by piece."""

from __future__ import annotations

import struct
from itertools import chain

import numpy as np

from headrace.datarun.events import HIT, encode_events, ring_item
from headrace.datarun.extension import no_extensions
from tests.support.datarun import reference_reader


def encoded(hits: np.ndarray, traces: list[list[int]], extensions: np.ndarray) -> bytes:
    start = np.cumsum([0, *map(len, traces)])
    flat = np.array(list(chain.from_iterable(traces)), np.uint16)
    cut = len(hits) // 2
    events = np.array([0, cut, len(hits)])
    return encode_events(events, hits, start, flat, extensions, source=9).tobytes()


def one_hit(extension: bytes = b"") -> bytes:
    """The body of an item that is a single hit with four samples."""
    hits = np.zeros(1, HIT)
    hits["msps"], hits["channel"] = 250, 5
    event = reference_reader.items(encoded(hits, [[1, 2, 3, 4]], no_extensions(1)))[-1]
    return reference_reader.body(reference_reader.fragments(event)[0][2]) + extension


def built(*payloads: bytes) -> bytes:
    content = b"".join(struct.pack("<QIII", 5, 1, len(p), 0) + p for p in payloads)
    return ring_item(30, struct.pack("<I", len(content) + 4) + content, source=0, timestamp=5)
