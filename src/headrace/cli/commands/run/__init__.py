"""``headrace run``."""

from __future__ import annotations

from headrace.cli.groups import lazy_group


@lazy_group(
    __name__,
    ("list", "show", "log", "cancel", "resume", "watch", "wait", "delete", "retry", "output"),
)
def run_group() -> None:
    """Run: list, look, wait, read output, cancel, take up again.

    RUN is a run's id, the beginning of one, or `last`.
    """
