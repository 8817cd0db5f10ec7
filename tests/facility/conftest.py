"""A real facility in a process of its own, for one test or for all of a module."""

from __future__ import annotations

from tests.support.facility.live_facility import facility, settings, shared_facility, start

__all__ = ["facility", "settings", "shared_facility", "start"]
