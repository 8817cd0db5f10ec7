"""``headrace service``."""

from __future__ import annotations

from headrace.cli.groups import lazy_group


@lazy_group(__name__, ("install", "status", "logs", "remove", "run"))
def service_group() -> None:
    """Run facility, watch, campaigns, monitor and pages as services of this machine."""
