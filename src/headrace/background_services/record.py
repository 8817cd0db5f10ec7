"""Record of the services that are installed, in the state directory: other machines see it, too."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from headrace._internal.files import write_private
from headrace.config.errors import ProjectError
from headrace.project.project import Project

if TYPE_CHECKING:
    from headrace.background_services.definition import BackgroundService

_UNKNOWN: Final = "unknown"


@dataclass(frozen=True)
class RecordedService:
    """A service that was installed.

    Attributes:
        name: ``facility``, ``watch``, ``campaigns``, ``monitor`` or ``answers``.
        manager: what starts it.
        host: the machine it was installed on.
    """

    name: str
    manager: str
    host: str


@dataclass(frozen=True)
class InstalledState:
    """A service that is installed, and its state.

    Attributes:
        name: ``facility``, ``watch``, ``campaigns``, ``monitor`` or ``answers``.
        manager: what starts it.
        host: the machine it was installed on.
        state: its state, in the manager's words; ``elsewhere`` on another machine, where its
            heartbeat alone tells how it is; ``unknown`` where its manager cannot be asked.
        problem: why it cannot be asked.
    """

    name: str
    manager: str
    host: str
    state: str
    problem: str = ""


def record_installed(services: Sequence[BackgroundService], manager: str) -> None:
    """Record that services are installed.

    Args:
        services: the services, of one project and target.
        manager: name of their manager.
    """
    for path, group in _by_path(services).items():
        known = {each.name: each for each in _read(path)}
        for service in group:
            known[service.name] = RecordedService(service.name, manager, socket.gethostname())
        _write(path, known.values())


def record_removed(services: Sequence[BackgroundService]) -> None:
    """Record that services are not installed any more."""
    for path, group in _by_path(services).items():
        names = {service.name for service in group}
        before = _read(path)
        if any(each.name in names for each in before):
            _write(path, [each for each in before if each.name not in names])


def recorded_services(project: Project, target: str) -> list[RecordedService]:
    """Return the services of a project that were installed, on whichever machine.

    Args:
        project: the project.
        target: where its runs are.
    """
    return _read(_path(project.root, target))


def installed_services(
    project: Project, target: str, environment: Mapping[str, str]
) -> list[InstalledState]:
    """Return the services that are installed, each with its state.

    Args:
        project: the project.
        target: where its runs are.
        environment: variables of this process.
    """
    recorded = recorded_services(project, target)
    if not recorded:
        return []
    from headrace.background_services.definition import project_services

    known = project_services(project, target, environment)
    return [_state(each, known.get(each.name)) for each in recorded]


def _state(recorded: RecordedService, service: BackgroundService | None) -> InstalledState:
    from headrace.background_services.manager_choice import find_manager

    what = (recorded.name, recorded.manager, recorded.host)
    if recorded.host != socket.gethostname():
        return InstalledState(*what, "elsewhere", f"it is installed on {recorded.host}")
    try:
        if service is None:
            return InstalledState(*what, "not installed")
        return InstalledState(*what, find_manager(recorded.manager).status(service).state)
    except ProjectError as error:
        return InstalledState(*what, _UNKNOWN, str(error))


def _by_path(services: Sequence[BackgroundService]) -> dict[Path, list[BackgroundService]]:
    found: dict[Path, list[BackgroundService]] = {}
    for service in services:
        found.setdefault(_path(service.root, service.target), []).append(service)
    return found


def _path(root: Path, target: str) -> Path:
    from headrace.facility import state_directory

    return state_directory(root) / "services" / f"installed.{target}.json"


def _read(path: Path) -> list[RecordedService]:
    try:
        known = json.loads(path.read_bytes())
        return [
            RecordedService(str(each["name"]), str(each["manager"]), str(each["host"]))
            for each in known
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _write(path: Path, services: Iterable[RecordedService]) -> None:
    # The services are installed whether or not that can be written down.
    with suppress(OSError):
        write_private(path, json.dumps([asdict(each) for each in services], indent=1) + "\n")
