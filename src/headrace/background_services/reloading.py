"""Services that are to read their settings again while they work."""

from __future__ import annotations

from collections.abc import Sequence

from headrace.background_services.definition import BackgroundService
from headrace.background_services.manager_choice import find_managers


def reload_services(services: Sequence[BackgroundService], manager: str | None = None) -> list[str]:
    """Have services read their settings again.

    Args:
        services: the services; those that read nothing again, or do not work, are left alone.
        manager: name of the manager; all by default.

    Returns:
        The names of those that do.

    Raises:
        ProjectError: there is no manager, or one refuses.
    """
    reloaded = []
    managers = find_managers(manager)
    for service in services:
        having = [each for each in managers if service.reloads and each.status(service).active]
        for each in having:
            each.reload(service)
        reloaded += [service.name] if having else []
    return reloaded
