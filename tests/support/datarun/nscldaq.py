"""Event files as the data acquisition writes them, made from its public headers alone.

Independent of `headrace.datarun`: the structures are those of ``DataFormat.h`` of NSCLDAQ 11 and
12, what the event builder's ``glom`` puts around fragments, and ``DDASHitUnpacker.cpp``. Every
function returns the bytes of one structure; all are little-endian and packed.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

BEGIN_RUN, END_RUN, PAUSE_RUN, RESUME_RUN, ABNORMAL_ENDRUN = 1, 2, 3, 4, 5
PACKET_TYPES, MONITORED_VARIABLES, RING_FORMAT = 10, 11, 12
PERIODIC_SCALERS, PHYSICS_EVENT, PHYSICS_EVENT_COUNT = 20, 30, 31
EVB_FRAGMENT, EVB_UNKNOWN_PAYLOAD, EVB_GLOM_INFO = 40, 41, 42
NULL_TIMESTAMP = 0xFFFF_FFFF_FFFF_FFFF


@dataclass(frozen=True)
class Daq:
    """An acquisition of a version: 11 leaves original source ids out, and writes 0 for s_empty."""

    version: int

    def item(self, kind: int, body: bytes, source: int | None = None, time: int = 0) -> bytes:
        """RingItem, with a body header if a source is given."""
        if source is None:
            header = struct.pack("<I", 0 if self.version == 11 else 4)
        else:
            header = struct.pack("<IQII", 20, time, source, 0)
        return struct.pack("<II", 8 + len(header) + len(body), kind) + header + body

    def format(self) -> bytes:
        """DataFormat."""
        return self.item(RING_FORMAT, struct.pack("<HH", self.version, 0))

    def state(
        self, kind: int, run: int, source: int, unix: int, offset: int = 0, header: bool = True
    ) -> bytes:
        """StateChangeItem; run time in ms."""
        body = struct.pack("<4I", run, offset, unix, 1000) + self._original(source)
        title = b"Beam on target".ljust(81, b"\0")
        return self.item(kind, body + title, source if header else None, NULL_TIMESTAMP)

    def abnormal_end(self) -> bytes:
        """AbnormalEndItem: header and s_empty, no body."""
        return self.item(ABNORMAL_ENDRUN, b"")

    def scalers(self, source: int, values: list[int], incremental: bool = True) -> bytes:
        """ScalerItem of ten seconds."""
        words = struct.pack("<6I", 0, 10, 1_700_000_010, 1, len(values), int(incremental))
        body = words + self._original(source) + struct.pack(f"<{len(values)}I", *values)
        return self.item(PERIODIC_SCALERS, body, source, NULL_TIMESTAMP)

    def event_count(self, source: int, events: int) -> bytes:
        """PhysicsEventCountItem."""
        body = struct.pack("<3I", 10, 1, 1_700_000_010) + self._original(source)
        return self.item(PHYSICS_EVENT_COUNT, body + struct.pack("<Q", events), source)

    def text(self, kind: int, strings: list[str]) -> bytes:
        """TextItem without a body header."""
        words = struct.pack("<4I", 0, 1_700_000_010, len(strings), 1) + self._original(0)
        return self.item(kind, words + b"".join(s.encode() + b"\0" for s in strings))

    def glom_parameters(self) -> bytes:
        """GlomParameters."""
        return self.item(EVB_GLOM_INFO, struct.pack("<QHH", 1000, 1, 0))

    def fragment(self, payload: bytes, source: int, time: int) -> bytes:
        """EventBuilderFragment, as it stands in a ring for monitoring."""
        return self.item(EVB_FRAGMENT, payload, source, time)

    def unknown_payload(self, payload: bytes, source: int, time: int) -> bytes:
        """What glom makes of a barrier whose payload is no ring item: no body header at all."""
        fragment = struct.pack("<QIII", time, source, len(payload), 0) + payload
        return struct.pack("<II", 8 + len(fragment), EVB_UNKNOWN_PAYLOAD) + fragment

    def built(self, fragments: list[tuple[int, int, bytes]], source: int = 99) -> bytes:
        """PhysicsEventItem that glom built of (timestamp, source, ring item)."""
        body = b"".join(
            struct.pack("<QIII", time, origin, len(payload), 0) + payload
            for time, origin, payload in fragments
        )
        size = struct.pack("<I", 4 + len(body))
        return self.item(PHYSICS_EVENT, size + body, source, fragments[0][0])

    def hit_item(self, source: int, time: int, content: bytes) -> bytes:
        """The ring item of one hit, as DDASReadout sends it to the event builder."""
        return self.item(PHYSICS_EVENT, content, source, time)

    def _original(self, source: int) -> bytes:
        return struct.pack("<I", source) if self.version == 12 else b""


def ddas_hit(
    crate: int,
    slot: int,
    channel: int,
    ticks: int,
    energy: int,
    trace: list[int],
    *,
    msps: int = 250,
    overflow: bool = False,
    pile_up: bool = False,
) -> bytes:
    """A Pixie-16 hit with its size and module words; the trace has an even length."""
    header = 4
    length = header + len(trace) // 2
    word = channel | slot << 4 | crate << 8 | header << 12 | length << 17
    word |= overflow << 30 | pile_up << 31
    words = [
        2 * (length + 2),
        msps | 14 << 16 | 15 << 24,
        word,
        ticks & 0xFFFFFFFF,
        ticks >> 32,
        energy | len(trace) << 16,
    ]
    return struct.pack("<6I", *words) + struct.pack(f"<{len(trace)}H", *trace)


def other_detector(words: int) -> bytes:
    """The body of another detector's event: a VME module's words, whose first is no size."""
    return struct.pack(f"<{words}I", *(0xF800_0000 | k * 0x0001_0203 for k in range(words)))
