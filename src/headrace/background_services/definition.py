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
from headrace.config.phone_table import phone_settings
from headrace.project.project import Project
from headrace.project.targets import FACILITY_SERVICE_VARIABLE

# The facility speaks every second, but for the time that a look at a large store takes. The watch
# does after each question to the service, which may be away and asked again and again.
_FACILITY_SILENCE: Final = 900
_WATCH_SILENCE: Final = 1800
# The listener speaks at each keepalive of its stream, and between the commands that it carries out.
_ANSWERS_SILENCE: Final = 1800
# The driver of campaigns speaks at each pass, in which the service may be asked again and again.
_CAMPAIGNS_SILENCE: Final = 1800
# The server of the pages speaks twice a minute, whatever it waits for.
_WEB_SILENCE: Final = 300
_KEPT: Final = (
    "PATH",
    *("HEADRACE_STATE", "HEADRACE_COMPUTE_PORT", "HEADRACE_SYNCHRONOUS"),
    *("HEADRACE_RETENTION_DAYS", "HEADRACE_WEB_INPUT_LIFETIME"),
    *("HEADRACE_SCHEDULER", "HEADRACE_SCHEDULER_CACHE", "HEADRACE_JOBS", "HEADRACE_LAUNCH"),
)
_SLUG: Final = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class BackgroundService:
    """A long-running command of a project.

    Attributes:
        name: ``facility``, ``watch``, ``campaigns``, ``monitor``, ``answers`` or ``web``.
        root: the project's root.
        project: the project's name.
        target: where its runs are.
        arguments: command of ``headrace``, without options.
        location: options that say project, target and profile.
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
    location: tuple[str, ...]
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
        return (str(Path(sys.executable).with_name("headrace")), *self.arguments, *self.location)


def project_services(
    project: Project, target: str, environment: Mapping[str, str]
) -> dict[str, BackgroundService]:
    """Return all services that a project can have at a target, by name.

    Args:
        project: the project.
        target: ``local`` or ``globus``.
        environment: variables of this process; `PATH` and those settings that headrace reads and
            that are no secrets are kept for the service.
    """
    profile = ("--profile", project.config.profile) if project.config.profile else ()
    location = ("--project", str(project.root), "--at", target, *profile)
    wanted = {*_KEPT, *project.config.overrides.values()}
    kept = {name: value for name, value in environment.items() if name in wanted}
    first = ("facility",) if target == "local" else ()
    client = {**kept, FACILITY_SERVICE_VARIABLE: "1"} if first else kept
    common = (project.root, project.name, target)
    services = [
        BackgroundService(
            "watch", *common, ("watch",), location, client, _WATCH_SILENCE, False, first
        ),
        BackgroundService(
            "campaigns",
            *common,
            ("campaign", "drive"),
            location,
            client,
            _CAMPAIGNS_SILENCE,
            False,
            first,
        ),
        BackgroundService(
            "monitor", *common, ("endpoint", "monitor"), location, client, 0, True, first
        ),
        BackgroundService(
            "answers",
            *common,
            ("notify", "listen"),
            location,
            client,
            _ANSWERS_SILENCE,
            False,
            first,
        ),
        # Who reads its log gets no link that opens the pages.
        BackgroundService(
            "web", *common, ("web", "--no-link"), location, client, _WEB_SILENCE, False, first
        ),
    ]
    if first:
        up = ("facility", "up", "--foreground")
        facility = BackgroundService(
            "facility", *common, up, location, kept, _FACILITY_SILENCE, False
        )
        services.insert(0, facility)
    return {service.name: service for service in services}


def choose_services(
    project: Project, target: str, environment: Mapping[str, str], names: tuple[str, ...]
) -> list[BackgroundService]:
    """Return the services that are named, or those that the project has use for.

    Args:
        project: the project.
        target: ``local`` or ``globus``.
        environment: variables of this process.
        names: names of services; without any, the facility at ``local``, the watch where there are
            triggers, the driver where there are campaigns, the monitor where there are endpoints,
            and the answers where a phone may give commands; pages in a browser are served where
            ``web`` is named. What they need is chosen too.

    Raises:
        ProjectError: a service is not one of this target, or the phone may give no commands.
    """
    if "answers" in names and not _has_commands(project):
        raise ProjectError(
            f"{project.config_file}: the service answers needs [notify.phone] with commands, such "
            'as commands = ["retry"]'
        )
    services = _services_with(project, target, environment, names)
    chosen = names or default_services(project, target)
    needed = {first for name in chosen for first in services[name].after}
    return [services[name] for name in services if name in {*chosen, *needed}]


def named_services(
    project: Project, target: str, environment: Mapping[str, str], names: tuple[str, ...]
) -> list[BackgroundService]:
    """Return the services that are named, and no other; all of the target where none is named.

    Args:
        project: the project.
        target: ``local`` or ``globus``.
        environment: variables of this process.
        names: names of services.

    Raises:
        ProjectError: a service is not one of this target.
    """
    services = _services_with(project, target, environment, names)
    return [service for name, service in services.items() if name in names or not names]


def default_services(project: Project, target: str) -> tuple[str, ...]:
    """Return the names of the services that a project has use for at a target."""
    has = {
        "facility": target == "local",
        "watch": any(project.triggers_dir.glob("*.toml")),
        "campaigns": any((project.root / "campaigns").glob("*.toml")),
        "monitor": bool(project.config.endpoints),
        "answers": _has_commands(project),
    }
    return tuple(name for name, used in has.items() if used)


def _has_commands(project: Project) -> bool:
    """Say whether a phone of the project may give commands."""
    settings = phone_settings(project.config.notify)
    return settings is not None and bool(settings.commands)


def _services_with(
    project: Project, target: str, environment: Mapping[str, str], names: tuple[str, ...]
) -> dict[str, BackgroundService]:
    """Return all services of a target, among which those that are named must be."""
    services = project_services(project, target, environment)
    for name in names:
        if name not in services:
            raise ProjectError(f"no service {name!r} at {target}; there are {', '.join(services)}")
    return services
