"""The directory of an endpoint: its identity, process, state and logs."""

from __future__ import annotations

import json
import os
import re
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import psutil

from headrace._internal.files import write_whole
from headrace.compute.templates import CONFIG_FILE, TEMPLATE_FILE

# The endpoint touches its pid file every 15 s, and calls one dead that is older than 30 s. The
# file's age is valid on every login node of a cluster; a process id on one.
STALE_SECONDS: Final = 30.0
# Every process of an endpoint carries its directory in this variable.
DIRECTORY_VARIABLE: Final = "HEADRACE_ENDPOINT"

_PID: Final = re.compile(r"[0-9]{1,9}")

State = Literal["stopped", "running", "disconnected"]


@dataclass(frozen=True)
class ManagedEndpoint:
    """An endpoint as `globus-compute-endpoint` keeps it.

    Attributes:
        name: its name.
        home: where endpoints are kept (``GLOBUS_COMPUTE_USER_DIR``).
        environment: what its processes need besides this one's environment: credentials.
    """

    name: str
    home: Path
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def directory(self) -> Path:
        """Its directory."""
        return self.home / self.name

    @property
    def exists(self) -> bool:
        """True once it was created."""
        return (self.directory / CONFIG_FILE).is_file()

    @property
    def id(self) -> str:
        """The id under which it has registered; empty before its first start."""
        try:
            document = json.loads((self.directory / "endpoint.json").read_text())
        except (OSError, ValueError):
            return ""
        return str(document.get("endpoint_id", "")) if isinstance(document, dict) else ""

    @property
    def pid_file(self) -> Path:
        """Holds the id of its process, and is touched while it lives."""
        return self.directory / "daemon.pid"

    @property
    def log_file(self) -> Path:
        """Its log."""
        return self.directory / "endpoint.log"

    def pid(self) -> int | None:
        """Return the id of its process, on whatever machine; None where it is stopped."""
        try:
            words = self.pid_file.read_text(errors="replace").split()
        except OSError:
            return None
        return int(words[0]) if words and _PID.fullmatch(words[0]) else None

    def heartbeat_age(self, now: float | None = None) -> float | None:
        """Return the seconds since the last sign of life of its process.

        Args:
            now: the time, in seconds since 1970; the present by default.
        """
        try:
            touched = self.pid_file.stat().st_mtime
        except OSError:
            return None
        return max(0.0, (time.time() if now is None else now) - touched)

    def state(self, now: float | None = None) -> State:
        """Return its state: ``disconnected`` is one that died or hangs."""
        age = self.heartbeat_age(now)
        if age is None:
            return "stopped"
        process = self.process()
        if process is None and self.started_here():
            return "disconnected"
        return "running" if age < STALE_SECONDS else "disconnected"

    def started_here(self) -> bool:
        """Return whether it was started on this machine."""
        try:
            host = (self.directory / "host").read_text(errors="replace")
            return host.strip() == socket.gethostname()
        except OSError:
            return False

    def record_host(self) -> None:
        """Note that it is started on this machine."""
        write_whole(self.directory / "host", f"{socket.gethostname()}\n")

    def process(self) -> psutil.Process | None:
        """Return its process, where it runs on this machine."""
        pid = self.pid()
        if pid is None:
            return None
        try:
            process = psutil.Process(pid)
            if process.uids().real != os.getuid() or process.status() == psutil.STATUS_ZOMBIE:
                return None
            # Process ids are used again: one that began after the file was written is another.
            started_before = process.create_time() <= self.pid_file.stat().st_mtime + 1.0
        except (psutil.Error, OSError):
            return None
        return process if started_before else None

    @property
    def held(self) -> bool:
        """True where a person stopped it, so that nobody else starts it again."""
        return self._hold_file.exists()

    def hold(self, held: bool) -> None:
        """Note that a person stopped it, or wants it to run."""
        if held:
            self._hold_file.touch()
        else:
            self._hold_file.unlink(missing_ok=True)

    @property
    def _hold_file(self) -> Path:
        return self.directory / "held"

    def user_endpoint_directories(self) -> list[Path]:
        """Return the directories of the processes that ran its tasks, the newest last."""
        if not self.id:
            return []
        found = [path for path in self.home.glob(f"uep.{self.id}.*") if path.is_dir()]
        return sorted(found, key=lambda path: path.stat().st_mtime)

    def log_lines(self, lines: int, *, workers: bool = False) -> Iterator[str]:
        """Yield the ends of its log.

        Args:
            lines: how many lines of a file, at most.
            workers: the logs of the processes that run its tasks, instead of its own.
        """
        files = (
            [child / "endpoint.log" for child in self.user_endpoint_directories()]
            if workers
            else [self.log_file]
        )
        for file in files:
            if not file.is_file():
                continue
            if len(files) > 1:
                yield f"==> {file} <=="
            yield from _tail(file, lines)


def managed_endpoint_names(home: Path) -> list[str]:
    """Return the names of the endpoints that are kept in a directory.

    Args:
        home: the directory (``GLOBUS_COMPUTE_USER_DIR``).
    """
    found = home.glob(f"*/{TEMPLATE_FILE}")
    return sorted(path.parent.name for path in found if not path.parent.name.startswith("uep."))


_COLOURS: Final = re.compile(r"\x1b\[[0-9;]*m")


def _tail(file: Path, lines: int) -> list[str]:
    limit = 400 * lines + 4096
    with file.open("rb") as stream:
        stream.seek(max(0, file.stat().st_size - limit))
        text = stream.read().decode("utf-8", "replace")
    return [_COLOURS.sub("", line) for line in text.splitlines()[-lines:]] if lines else []
