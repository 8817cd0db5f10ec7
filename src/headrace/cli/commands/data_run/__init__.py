"""``headrace data-run``."""

from __future__ import annotations

from headrace.cli.groups import lazy_group


@lazy_group(__name__, ("status", "plot"))
def data_run_group() -> None:
    """Show the status and pictures of data runs."""
