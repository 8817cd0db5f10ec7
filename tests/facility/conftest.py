"""A real facility in a process of its own, for one test."""

from __future__ import annotations

from tests.support.facility.live_facility import facility, settings, start

__all__ = ["facility", "settings", "start"]
