"""The services of a project: which there are, and the command of each."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from headrace.config.errors import ProjectError
from headrace.project.project import Project
from headrace.project.targets import FACILITY_SERVICE_VARIABLE

# The facility speaks every second, but for the time that a look at a large store takes. The watch
# does after each question to the service, which may be away and asked again and again.
_FACILITY_SILENCE: Final = 900
_WATCH_SILENCE: Final = 1800
_SAID_BY_OPTIONS: Final = frozenset({"HEADRACE_AT", "HEADRACE_PROFILE", FACILITY_SERVICE_VARIABLE})
_SLUG: Final = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class BackgroundService:
    """A long-running command of a project.

    Attributes:
        name: ``facility``, ``watch`` or ``monitor``.
        root: the project's root.
        project: the project's name.
        target: where its runs are.
        arguments: arguments of ``headrace``.
        environment: variables that it needs besides those that it finds.
        watchdog_seconds: seconds of silence after which it is taken for stuck; 0 where it does not
            tell the manager that it has started and goes on.
        leaves_processes: whether what it has started outlives it.
        after: names of the services that are started first.
    """

    name: str
    root: Path
    project: str
    target: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    watchdog_seconds: int
    leaves_processes: bool
    after: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Name of the service on this machine; that of another project or target differs."""
        slug = _SLUG.sub("-", self.project.lower()).strip("-")[:40] or "project"
        identity = f"{self.root}\0{self.target}".encode("utf-8", "surrogateescape")
        return f"headrace-{slug}-{hashlib.sha256(identity).hexdigest()[:8]}-{self.name}"

    @property
    def command(self) -> tuple[str, ...]:
        """Program and arguments."""
        return (str(Path(sys.executable).with_name("headrace")), *self.arguments)


def project_services(
    project: Project, target: str, environment: Mapping[str, str]
) -> dict[str, BackgroundService]:
    """Return all services that a project can have at a target, by name.

    Args:
        project: the project.
        target: ``local`` or ``globus``.
        environment: variables of this process; those named ``HEADRACE_*`` are kept for the service,
            but for secrets.
    """
    profile = ("--profile", project.config.profile) if project.config.profile else ()
    where = ("--project", str(project.root), "--at", target, *profile)
    kept = {
        name: value
        for name, value in environment.items()
        if name.startswith("HEADRACE_") and name not in _SAID_BY_OPTIONS and not is_secret(name)
    }
    first = ("facility",) if target == "local" else ()
    client = {**kept, FACILITY_SERVICE_VARIABLE: "1"} if first else kept
    common = (project.root, project.name, target)
    services = [
        BackgroundService(
            *("watch", *common, ("watch", *where), client), _WATCH_SILENCE, False, first
        ),
        BackgroundService(
            *("monitor", *common, ("endpoint", "monitor", *where), client), 0, True, first
        ),
    ]
    if first:
        up = ("facility", "up", "--foreground", *where)
        services.insert(
            0, BackgroundService("facility", *common, up, kept, _FACILITY_SILENCE, False)
        )
    return {service.name: service for service in services}


def is_secret(name: str) -> bool:
    """Say whether the variable of a name holds a secret."""
    return any(word in name for word in ("SECRET", "TOKEN", "PASSWORD"))


def choose_services(
    project: Project, target: str, environment: Mapping[str, str], names: tuple[str, ...]
) -> list[BackgroundService]:
    """Return the services that are named, or those that the project has use for.

    Args:
        project: the project.
        target: ``local`` or ``globus``.
        environment: variables of this process.
        names: names of services; without any, the facility at ``local``, the watch where there are
            triggers, and the monitor where there are endpoints.

    Raises:
        ProjectError: a service is not one of this target.
    """
    services = project_services(project, target, environment)
    for name in names:
        if name not in services:
            raise ProjectError(f"no service {name!r} at {target}; there are {', '.join(services)}")
    return [services[name] for name in names or default_services(project, target)]


def default_services(project: Project, target: str) -> tuple[str, ...]:
    """Return the names of the services that a project has use for at a target."""
    has = {
        "facility": target == "local",
        "watch": any(project.triggers_dir.glob("*.toml")),
        "monitor": bool(project.config.endpoints),
    }
    return tuple(name for name, used in has.items() if used)
