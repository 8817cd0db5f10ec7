"""The layout of event files once more, with struct and loops: what the room is compared with."""

from __future__ import annotations

import struct
from typing import Any


def items(data: bytes) -> list[bytes]:
    """The ring items of an undamaged file."""
    found, at = [], 0
    while at < len(data):
        (size,) = struct.unpack_from("<I", data, at)
        found.append(data[at : at + size])
        at += size
    assert b"".join(found) == data
    return found


def body(item: bytes) -> bytes:
    (header,) = struct.unpack_from("<I", item, 8)
    return item[8 + max(header, 4) :]


def fragments(item: bytes) -> list[tuple[int, int, bytes]]:
    """Timestamp, source and ring item of each fragment of a built event."""
    content = body(item)
    (size,) = struct.unpack_from("<I", content)
    assert size == len(content)
    found, at = [], 4
    while at < size:
        timestamp, source, payload, _ = struct.unpack_from("<QIII", content, at)
        inner = content[at + 20 : at + 20 + payload]
        assert struct.unpack_from("<I", inner) == (payload,)
        found.append((timestamp, source, inner))
        at += 20 + payload
    assert at == size
    return found


def hit(content: bytes) -> dict[str, Any]:
    """A hit and what follows it."""
    size, module, word, low, high, last = struct.unpack_from("<6I", content)
    header, length = (word >> 12) & 31, (word >> 17) & 0x3FFF
    samples = (last >> 16) & 0x7FFF
    extra = (header - 4) & 14
    optional = {4: "energy_sums", 8: "qdc", 2: "external"}
    at, words = 24, {}
    for bit, name in optional.items():
        if extra & bit:
            words[name] = struct.unpack_from(f"<{bit}I", content, at)
            at += 4 * bit
    assert length == header + samples // 2
    assert at == 8 + 4 * header
    return {
        "msps": module & 0xFFFF,
        "adc_bits": (module >> 16) & 0xFF,
        "revision": module >> 24,
        "channel": word & 15,
        "slot": (word >> 4) & 15,
        "crate": (word >> 8) & 15,
        "pile_up": word >> 31,
        "ticks": low | (high & 0xFFFF) << 32,
        "cfd": high >> 16,
        "energy": last & 0xFFFF,
        "out_of_range": last >> 31,
        "words": words,
        "trace": list(struct.unpack_from(f"<{samples}H", content, at)),
        "extension": content[2 * size :],
    }


def extension(data: bytes) -> dict[str, Any]:
    """An extension of 168 bytes."""
    values = struct.unpack("<6d2I10d2I2dI4x", data)
    return {
        "single": values[:8],
        "pulses": (values[8:12], values[12:16]),
        "double": values[16:20],
        "p": values[20:22],
        "size": values[22],
    }
