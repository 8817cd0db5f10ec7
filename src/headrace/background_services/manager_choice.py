"""Choice of the service manager of this machine: systemd, or cron where there is none."""

from __future__ import annotations

import shutil

from headrace.background_services.cron import CronManager
from headrace.background_services.manager import ServiceManager
from headrace.background_services.systemd import SystemdManager, has_user_manager
from headrace.config.errors import ProjectError


def find_managers(name: str | None = None) -> list[ServiceManager]:
    """Return the manager of a name, or all that this machine has.

    Args:
        name: ``systemd``, ``cron`` or None.

    Raises:
        ProjectError: there is none.
    """
    if name is not None:
        return [find_manager(name)]
    found: list[ServiceManager] = [SystemdManager()] if has_user_manager() else []
    found += [CronManager()] if shutil.which("crontab") else []
    return found or [find_manager()]


def find_manager(name: str | None = None) -> ServiceManager:
    """Return the manager of a name, or the one that this machine has.

    Args:
        name: ``systemd`` or ``cron``; None for systemd if the user has one here, else cron.

    Raises:
        ProjectError: there is none.
    """
    if name == "systemd" or (name is None and has_user_manager()):
        return SystemdManager()
    if name == "cron" or shutil.which("crontab"):
        return CronManager()
    raise ProjectError(
        "neither a systemd of the user nor crontab is on this machine: log in so that "
        "`systemctl --user status` answers, or keep `headrace watch` in a terminal multiplexer"
    )
