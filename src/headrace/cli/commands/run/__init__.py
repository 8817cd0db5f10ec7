"""``headrace run``."""

from __future__ import annotations

from headrace.cli.groups import lazy_group


@lazy_group(
    __name__,
    (
        "list",
        "show",
        "log",
        "cancel",
        "resume",
        "watch",
        "wait",
        "delete",
        "retry",
        "output",
        "tag",
    ),
)
def run_group() -> None:
    """Manage flow runs.

    RUN is the id of a run, the beginning of one, or `last` for the newest.
    """
