"""A small project and a small service."""

from __future__ import annotations

from tests.support.small_project import project, root, service, services

__all__ = ["project", "root", "service", "services"]
