"""``headrace demo``."""

from __future__ import annotations

from headrace.cli.groups import lazy_group


@lazy_group(__name__, ("adjoint-sources", "data-run", "ert", "inversion", "md", "sweep"))
def demo_group() -> None:
    """Run a pipeline on example data, from end to end."""
