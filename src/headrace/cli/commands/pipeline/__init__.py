"""``headrace pipeline``."""

from __future__ import annotations

from headrace.cli.groups import lazy_group


@lazy_group(__name__, ("list", "show"))
def pipeline_group() -> None:
    """List and show pipelines: flows with their functions, job scripts and triggers."""
