"""Services as units of the user's systemd.

Sources: systemd.unit(5), systemd.service(5), systemd.exec(5) for the keys and the quoting.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from headrace._internal.atomic import PRIVATE, write_atomic
from headrace.background_services.definition import BackgroundService
from headrace.background_services.manager import ServiceStatus, failure_text, run_program
from headrace.config.errors import ProjectError

# A check of a large store for damage, before the facility answers.
_START_SECONDS: Final = 1800
_STOP_SECONDS: Final = 120
_RESTART_SECONDS: Final = 10
_PROPERTIES: Final = (
    "LoadState",
    "ActiveState",
    "MainPID",
    "NRestarts",
    "StateChangeTimestamp",
)


class SystemdManager:
    """The systemd of the user."""

    name = "systemd"

    def install(self, services: Sequence[BackgroundService]) -> list[str]:
        """Write the units, and have them started now and with the machine."""
        directory = unit_directory()
        directory.mkdir(parents=True, exist_ok=True)
        for service in services:
            write_atomic(directory / _unit(service), unit_text(service), PRIVATE)
        self._systemctl("daemon-reload")
        for service in services:
            self._systemctl("enable", _unit(service))
            # Also one that runs already, with the unit of before.
            self._systemctl("restart", "--no-block", _unit(service))
        if _lingers():
            return []
        return ["`loginctl enable-linger` lets them go on after you log out, and start at boot"]

    def remove(self, services: Sequence[BackgroundService]) -> list[str]:
        """Stop the units and delete them."""
        removed: list[str] = []
        # What needs another one first.
        for service in reversed(services):
            path = unit_directory() / _unit(service)
            if not path.exists():
                continue
            self._systemctl("disable", "--now", _unit(service))
            path.unlink()
            removed.insert(0, service.name)
        if removed:
            self._systemctl("daemon-reload")
        return removed

    def status(self, service: BackgroundService) -> ServiceStatus:
        """Return what systemd says of the unit."""
        done = self._systemctl("show", _unit(service), f"--property={','.join(_PROPERTIES)}")
        said = dict(line.partition("=")[::2] for line in done.splitlines())
        loaded = said.get("LoadState") == "loaded"
        return ServiceStatus(
            service.name,
            _unit(service),
            said.get("ActiveState", "unknown") if loaded else "not installed",
            said.get("StateChangeTimestamp", "") if loaded else "",
            int(said.get("MainPID") or 0),
            int(said["NRestarts"]) if loaded and said.get("NRestarts") else None,
        )

    def log_command(self, service: BackgroundService, lines: int, follow: bool) -> Sequence[str]:
        """Return the command that shows the unit's lines of the journal."""
        follows = ("--follow",) if follow else ()
        return (
            *("journalctl", "--user", "--unit", _unit(service), "--lines", str(lines)),
            *("--no-pager", *follows),
        )

    def _systemctl(self, *arguments: str) -> str:
        done = run_program(("systemctl", "--user", *arguments), seconds=2.0 * _STOP_SECONDS)
        if done.returncode != 0:
            raise ProjectError(f"systemctl --user {' '.join(arguments)}: {failure_text(done)}")
        return done.stdout


def has_user_manager() -> bool:
    """Say whether a systemd of the user answers on this machine."""
    try:
        done = run_program(("systemctl", "--user", "show", "--property=Version"))
    except ProjectError:
        return False
    return done.returncode == 0 and "Version=" in done.stdout


def unit_directory() -> Path:
    """Return the directory of the user's own units."""
    base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "systemd" / "user"


def unit_text(service: BackgroundService) -> str:
    """Return the unit of a service.

    Raises:
        ProjectError: a path or a variable has a line break, which no unit can hold.
    """
    words = (*service.command, *service.environment.values(), str(service.root))
    if any("\n" in word for word in words):
        raise ProjectError(f"a unit cannot hold a line break: {words!r}")
    siblings = [_unit(_renamed(service, name)) for name in service.after]
    order = [f"After={' '.join(siblings)}", f"Wants={' '.join(siblings)}"] if siblings else []
    environment = [
        f"Environment={_quoted(f'{name}={value}')}"
        for name, value in sorted(service.environment.items())
    ]
    silence = service.watchdog_seconds
    kind = ["Type=notify", f"WatchdogSec={silence}"] if silence else ["Type=exec"]
    lines = [
        "# Written by `headrace service install`; `headrace service remove` deletes it.",
        "[Unit]",
        f"Description={_escaped(f'headrace {service.name} of {service.project}')}",
        # It is to be started again for months, whatever happens.
        "StartLimitIntervalSec=0",
        *order,
        "",
        "[Service]",
        *kind,
        "NotifyAccess=main",
        f"ExecStart={' '.join(_command_word(word) for word in service.command)}",
        f"WorkingDirectory={_escaped(str(service.root))}",
        *environment,
        "Restart=on-failure",
        f"RestartSec={_RESTART_SECONDS}",
        f"TimeoutStartSec={_START_SECONDS}",
        f"TimeoutStopSec={_STOP_SECONDS}",
        f"KillMode={'process' if service.leaves_processes else 'mixed'}",
        f"UMask={current_umask():04o}",
        "",
        "[Install]",
        "WantedBy=default.target",
    ]
    return "".join(f"{line}\n" for line in lines)


def current_umask() -> int:
    """Return the umask of this process, by which a service makes the files of its user."""
    umask = os.umask(0o077)
    os.umask(umask)
    return umask


def _unit(service: BackgroundService) -> str:
    return f"{service.id}.service"


def _renamed(service: BackgroundService, name: str) -> BackgroundService:
    return replace(service, name=name)


def _escaped(text: str) -> str:
    return text.replace("%", "%%")


def _quoted(text: str) -> str:
    inner = _escaped(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{inner}"'


def _command_word(word: str) -> str:
    return _quoted(word.replace("$", "$$"))


def _lingers() -> bool:
    try:
        done = run_program(("loginctl", "show-user", str(os.getuid()), "--property=Linger"))
    except ProjectError:
        return False
    return "Linger=yes" in done.stdout
