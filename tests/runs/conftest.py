"""A small project, a small service and a real facility."""

from __future__ import annotations

from tests.support.facility.live_facility import facility, settings, shared_facility, start
from tests.support.small_project import project, root, service, services

__all__ = [
    "facility",
    "project",
    "root",
    "service",
    "services",
    "settings",
    "shared_facility",
    "start",
]
