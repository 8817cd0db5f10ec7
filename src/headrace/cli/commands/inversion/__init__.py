"""``headrace inversion``."""

from __future__ import annotations

from headrace.cli.groups import lazy_group


@lazy_group(
    __name__,
    (
        "init",
        "check",
        "start",
        "status",
        "pause",
        "resume",
        "redo",
        "back-to",
        "set-band",
        "drop-event",
        "drop-station",
        "branch",
        "plot",
        "report",
    ),
)
def inversion_group() -> None:
    """Manage full-waveform inversions."""
