"""``headrace facility``."""

from __future__ import annotations

from headrace.cli.groups import lazy_group


@lazy_group(__name__, ("up", "down", "status", "check", "env"))
def facility_group() -> None:
    """Manage the facility: the local Flows, Transfer and Compute service."""
