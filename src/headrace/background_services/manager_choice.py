"""Choice of the service manager of this machine: systemd, else cron, else Slurm's scrontab."""

from __future__ import annotations

import shutil

from headrace.background_services.cron import CronManager
from headrace.background_services.manager import ServiceManager
from headrace.background_services.scrontab import ScrontabManager
from headrace.background_services.systemd import SystemdManager, has_user_manager
from headrace.config.errors import ProjectError


def find_managers(name: str | None = None) -> list[ServiceManager]:
    """Return the manager of a name, or all that this machine has.

    Args:
        name: ``systemd``, ``cron``, ``scrontab`` or None.

    Raises:
        ProjectError: there is none.
    """
    if name is not None:
        return [find_manager(name)]
    found: list[ServiceManager] = [SystemdManager()] if has_user_manager() else []
    found += [CronManager()] if shutil.which("crontab") else []
    found += [ScrontabManager()] if shutil.which("scrontab") else []
    return found or [find_manager()]


def find_manager(name: str | None = None) -> ServiceManager:
    """Return the manager of a name, or the one that this machine has.

    Args:
        name: ``systemd``, ``cron`` or ``scrontab``; None for the first that the user has here.

    Raises:
        ProjectError: there is none.
    """
    if name == "systemd" or (name is None and has_user_manager()):
        return SystemdManager()
    if name == "cron" or shutil.which("crontab"):
        return CronManager()
    if name == "scrontab" or shutil.which("scrontab"):
        return ScrontabManager()
    raise ProjectError(
        "no systemd of the user, crontab or scrontab is on this machine: log in so that "
        "`systemctl --user status` answers, or keep the commands (`headrace watch`, "
        "`headrace campaign drive` ...) in a terminal multiplexer"
    )
