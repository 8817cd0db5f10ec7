"""Services on this machine: installed with one manager, looked for with all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from headrace.background_services.definition import BackgroundService
from headrace.background_services.manager import ServiceManager, ServiceStatus
from headrace.background_services.manager_choice import find_manager, find_managers
from headrace.background_services.record import record_installed, record_removed
from headrace.config.errors import ProjectError


@dataclass(frozen=True)
class Installation:
    """Outcome of an installation.

    Attributes:
        manager: name of the manager.
        advice: what is to be done besides, a line each.
    """

    manager: str
    advice: Sequence[str]


def install_services(
    services: Sequence[BackgroundService], manager: str | None = None
) -> Installation:
    """Install services with one manager, and remove them from all others.

    Args:
        services: the services.
        manager: name of the manager; the first one of this machine by default.

    Raises:
        ProjectError: there is no manager, or one refuses.
    """
    chosen = find_manager(manager)
    for other in find_managers():
        if other.name != chosen.name:
            other.remove(services)
    advice = chosen.install(services)
    record_installed(services, chosen.name)
    return Installation(chosen.name, advice)


def remove_services(
    services: Sequence[BackgroundService],
    remaining: Sequence[BackgroundService],
    manager: str | None = None,
) -> list[str]:
    """Stop services and remove them.

    Args:
        services: the services.
        remaining: the other ones of the project; what one of them needs is not removed.
        manager: name of the manager; all by default.

    Returns:
        The names of those that were there.

    Raises:
        ProjectError: one that remains needs one of them; or a manager refuses.
    """
    managers = find_managers(manager)
    names = {service.name for service in services}
    for service in remaining:
        needed = sorted(names & {*service.after})
        if needed and _find_status(service, managers).installed:
            raise ProjectError(f"the {service.name} needs the {needed[0]}: remove it too, or first")
    removed = [name for each in managers for name in each.remove(services)]
    record_removed(services)
    return removed


def service_statuses(
    services: Sequence[BackgroundService], manager: str | None = None
) -> list[ServiceStatus]:
    """Return the state of each service, by the manager that has it.

    Raises:
        ProjectError: there is no manager, or it does not say it.
    """
    managers = find_managers(manager)
    return [_find_status(service, managers) for service in services]


def log_command(
    service: BackgroundService, lines: int, follow: bool, manager: str | None = None
) -> Sequence[str]:
    """Return the command that shows the last lines of a service's log.

    Raises:
        ProjectError: there is no manager, or it does not say whether it has the service.
    """
    managers = find_managers(manager)
    having = (each for each in managers if each.status(service).installed)
    return next(having, managers[0]).log_command(service, lines, follow)


def _find_status(service: BackgroundService, managers: Sequence[ServiceManager]) -> ServiceStatus:
    statuses = [manager.status(service) for manager in managers]
    return next((status for status in statuses if status.installed), statuses[0])
