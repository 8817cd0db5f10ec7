"""Ring items and Pixie-16 hits: their types, sizes and the records that they are read into.

Sources: the NSCLDAQ 11 and 12 ring item formats; XIA's Pixie-16 list-mode format as DDAS
writes it. Everything is little-endian and packed.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class ItemType(IntEnum):
    """Types of ring items; from `USER` on, a site's own."""

    BEGIN_RUN = 1
    END_RUN = 2
    PAUSE_RUN = 3
    RESUME_RUN = 4
    ABNORMAL_END = 5
    PACKET_TYPES = 10
    MONITORED_VARIABLES = 11
    RING_FORMAT = 12
    SCALERS = 20
    PHYSICS_EVENT = 30
    EVENT_COUNT = 31
    FRAGMENT = 40
    UNKNOWN_PAYLOAD = 41
    GLOM_PARAMETERS = 42
    USER = 0x8000


MAX_ITEM_TYPE = 0xFFFF
"""A type above this is no type: the bytes are damaged, or of a big-endian machine."""

MIN_ITEM_BYTES = 12
"""Bytes of an item with neither body header nor body: size, type, body header word."""

BODY_HEADER = 20
"""Bytes of a body header: its size, timestamp, source id, barrier."""

FRAGMENT_HEADER = 20
"""Bytes before a fragment's payload: timestamp, source id, payload size, barrier."""

MIN_HIT_BYTES = 24
"""Bytes of a hit without optional words and trace: six words."""

NO_TIMESTAMP = 0xFFFF_FFFF_FFFF_FFFF
"""The timestamp of an item that the event builder gives its own."""

ITEM = np.dtype(
    [
        ("offset", "<i8"),
        ("timestamp", "<u8"),
        ("size", "<u4"),
        ("type", "<u4"),
        ("source", "<u4"),
        ("header", "<u4"),
    ]
)
"""One ring item of an index, 32 bytes: byte offset in the file, timestamp and source id of its
body header (all ones and 0 without one), size in bytes, type, bytes before the body."""

HIT = np.dtype(
    [
        ("offset", "<i8"),
        ("timestamp", "<u8"),
        ("ticks", "<u8"),
        ("time", "<f8"),
        ("external_timestamp", "<u8"),
        ("event", "<i8"),
        ("source", "<u4"),
        ("energy_sums", "<u4", (4,)),
        ("qdc", "<u4", (8,)),
        ("energy", "<u2"),
        ("cfd", "<u2"),
        ("trace_length", "<u2"),
        ("msps", "<u2"),
        ("adc_bits", "u1"),
        ("revision", "u1"),
        ("crate", "u1"),
        ("slot", "u1"),
        ("channel", "u1"),
        ("optional", "u1"),
        ("pile_up", "u1"),
        ("out_of_range", "u1"),
        ("cfd_failed", "u1"),
        ("spare", "u1", (3,)),
    ]
)
"""One hit, 120 bytes.

``offset`` byte of its first word in the file; ``timestamp`` and ``source`` of its fragment;
``ticks`` the digitiser's 48-bit clock; ``time`` in ns: ticks times their length, plus the CFD
correction unless that failed; ``event`` number in the batch; ``energy`` in ADC units; ``cfd``
the raw 16 bits; ``trace_length`` in samples; ``msps`` sampling rate of the module in MHz;
``optional`` which words are there (`EXTERNAL`, `ENERGY_SUMS`, `QDC`); flags are 0 or 1."""

EXTERNAL, ENERGY_SUMS, QDC = 1, 2, 4
"""Bits of a hit's field ``optional``."""

TICK_NS = {100: 10, 250: 8, 500: 10}
"""Length of a timestamp's tick in ns, by sampling rate in MHz."""
