"""Rows of the table that `trigger.py` prints."""

from __future__ import annotations

from typing import Any

from .watching import OURS

FLUSH = "write and flush of 4 kB"


def row(
    id_: str, what: str, unit: str, values: dict[str, list[float]], settings: str
) -> dict[str, Any]:
    """Return a row of the table: figures of each round, ours and the peers'."""
    rounded = {name: [round(value, 3) for value in each] for name, each in values.items()}
    peers = [
        {"name": name, "values": each, "settings": peer_settings(name)}
        for name, each in rounded.items()
        if name != OURS
    ]
    return {
        **{"id": id_, "what": what, "unit": unit, "ours": rounded[OURS], "better": "less"},
        **{"peers": peers, "settings": settings},
    }


def peer_settings(name: str) -> str:
    """Return how a peer is set."""
    if name == FLUSH:
        return "the disk's own; a start waits for one"
    return "whole tree" if "watchdog" in name else "poll"


def quantile(values: list[float], share: float) -> float:
    """Return the value that a share of the values is below."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]
