"""Colours of the states of a campaign's members."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

MEMBER_STATE_COLOURS: Final[Mapping[str, str]] = {
    "done": "green",
    "shared": "green",
    "running": "cyan",
    "starting": "cyan",
    "failed": "red",
    "asking": "yellow",
    "held": "yellow",
}
