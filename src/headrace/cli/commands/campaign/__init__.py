"""``headrace campaign``."""

from __future__ import annotations

from headrace.cli.groups import lazy_group


@lazy_group(
    __name__,
    (
        *("init", "import", "check", "add", "start", "run", "drive", "wait", "pause", "resume"),
        *("status", "list", "show", "why"),
        *("retry", "hold", "release", "drop", "move", "priority", "undo"),
        *("drain", "undrain", "limit", "graft"),
        *("get", "table", "report", "clean"),
    ),
)
def campaign_group() -> None:
    """Run a table of simulations, each once, over several machines."""
