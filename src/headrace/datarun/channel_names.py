"""Names of digitiser channels."""

from __future__ import annotations


def channel_name(crate: int, slot: int, channel: int) -> str:
    """Return the name of a digitiser channel: ``c0s02ch05``."""
    return f"c{crate}s{slot:02d}ch{channel:02d}"
