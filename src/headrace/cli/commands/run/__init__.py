"""``headrace run``."""

from __future__ import annotations

from headrace.cli.groups import lazy_group


@lazy_group(
    __name__,
    (
        *("list", "show", "why", "report", "log", "output", "watch", "wait"),
        *("cancel", "resume", "retry", "delete", "tag", "hold", "release", "undo"),
    ),
)
def run_group() -> None:
    """Manage flow runs.

    RUN is the id of a run, the beginning of one, or `last` for the newest.
    """
