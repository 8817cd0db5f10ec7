"""Private RabbitMQ broker of a facility: loopback only, stopped by process id.

Its processes are identified by a variable in their environment that names the state directory. A
facility that takes the place of a killed one finds the broker that way and goes on with it, so
that endpoints keep their connections.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import shutil
import socket
import subprocess
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import psutil

from headrace._internal.files import private_directory, write_private
from headrace.facility.errors import FacilityError
from headrace.facility.supervision import Health, SupervisedThread

logger = logging.getLogger(__name__)

# The program itself: Debian's wrapper of the same name insists on an account of its own.
_PROGRAMS: Final = ("/usr/lib/rabbitmq/bin/rabbitmq-server", "/usr/local/sbin/rabbitmq-server")
_MARKER: Final = "RABBITMQ_MNESIA_BASE"
_STOP_SECONDS: Final = 20.0
_LONGEST_PAUSE: Final = 30.0
# A broker that ran for so long had started successfully.
_SETTLED_SECONDS: Final = 60.0

_CONFIGURATION: Final = """\
default_user = {user}
default_pass = {password}
loopback_users = none
heartbeat = 30
log.file.rotation.size = 2000000
log.file.rotation.count = 1
"""


def rabbitmq_program() -> str | None:
    """Return RabbitMQ's server program; None where it is not installed."""
    found = next((program for program in _PROGRAMS if os.access(program, os.X_OK)), None)
    return found or shutil.which("rabbitmq-server")


def missing_broker() -> str:
    """Return in one line why there is no broker, and what to do; empty where there can be one."""
    if rabbitmq_program() is not None:
        return ""
    return (
        "RabbitMQ is not installed, which real endpoints and the Compute SDK's Executor need: "
        "install it (Debian: apt-get install rabbitmq-server), or name one with "
        "HEADRACE_BROKER=amqp://user:password@host:port/"
    )


@dataclass(frozen=True)
class _Access:
    port: int
    distribution_port: int
    names_port: int
    user: str
    password: str


class PrivateBroker:
    """RabbitMQ in a directory, restarted when it ends.

    Args:
        directory: its configuration, logs and data.
        health: where failures are reported.

    Raises:
        FacilityError: it is not installed, or its files cannot be read.
    """

    def __init__(self, directory: Path, health: Health) -> None:
        program = rabbitmq_program()
        if program is None:
            raise FacilityError(missing_broker())
        self._program = program
        self._directory = private_directory(directory)
        self._access = self._read_access()
        self._stopping = threading.Event()
        self._thread = SupervisedThread("private broker", self._keep_running, health)

    @property
    def url(self) -> str:
        """URL of the broker, with user and password."""
        access = self._access
        return f"amqp://{access.user}:{access.password}@127.0.0.1:{access.port}/%2F"

    def start(self) -> None:
        """Start it, or take over the one that runs; return at once."""
        self._thread.start()

    def stop(self) -> None:
        """End it and everything it started."""
        self._stopping.set()
        self._thread.stop()
        servers = self._servers()
        for server in servers:
            _signal(server)
        psutil.wait_procs(servers, _STOP_SECONDS)
        # The name server, and whatever did not end.
        for process in self._processes():
            _signal(process)
        for process in psutil.wait_procs(self._processes(), 3.0)[1]:
            _signal(process, kill=True)

    def _keep_running(self) -> None:
        pause = 0.5
        while not self._stopping.is_set():
            servers = self._servers()
            try:
                server = servers[0] if servers else self._spawn()
            except OSError as error:
                logger.error("RabbitMQ cannot be started: %s", error)
                self._stopping.wait(_LONGEST_PAUSE)
                continue
            seconds = self._wait_for_exit(server)
            if self._stopping.is_set():
                return
            pause = 0.5 if seconds > _SETTLED_SECONDS else min(2 * pause, _LONGEST_PAUSE)
            logger.warning(
                "RabbitMQ ended after %.0f s; it is started again (log: %s)",
                seconds,
                self._directory / "log",
            )
            # Its launcher may live a moment longer than the server and would start none anew.
            self._stopping.wait(pause)

    def _wait_for_exit(self, server: psutil.Process | subprocess.Popen[bytes]) -> float:
        seconds = 0.0
        while not self._stopping.is_set():
            try:
                server.wait(timeout=0.5)
            except (psutil.TimeoutExpired, subprocess.TimeoutExpired):
                seconds += 0.5
                continue
            return seconds
        return seconds

    def _spawn(self) -> subprocess.Popen[bytes]:
        for process in self._processes():
            _signal(process, kill=True)
        (self._directory / "log").mkdir(exist_ok=True)
        (self._directory / "plugins").write_text("[].\n")
        configuration = _CONFIGURATION.format(
            user=self._access.user, password=self._access.password
        )
        write_private(self._directory / "rabbitmq.conf", configuration)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        with os.fdopen(os.open(self._directory / "out", flags, 0o600), "wb") as out:
            return subprocess.Popen(
                [self._program],
                env=self._environment(),
                cwd=self._directory,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    def _environment(self) -> dict[str, str]:
        directory, access = self._directory, self._access
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
        kept["PATH"] = kept.get("PATH", os.defpath) + ":/usr/sbin:/usr/bin:/sbin:/bin"
        return {
            **kept,
            # Erlang's cookie, which lets in whoever knows it, is made here.
            "HOME": str(directory),
            _MARKER: str(directory / "mnesia"),
            "RABBITMQ_NODENAME": f"headrace{access.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(access.port),
            "RABBITMQ_DIST_PORT": str(access.distribution_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(access.names_port),
            "RABBITMQ_LOG_BASE": str(directory / "log"),
            "RABBITMQ_PID_FILE": str(directory / "pid"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(directory / "plugins"),
            "RABBITMQ_CONF_ENV_FILE": str(directory / "none"),
            "RABBITMQ_CONFIG_FILE": str(directory / "rabbitmq"),
            # One scheduler that does not spin: it shares the machine with the work itself.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                "-kernel inet_dist_use_interface {127,0,0,1} +S 1:1 +sbwt none"
            ),
        }

    def _read_access(self) -> _Access:
        path = self._directory / "access.json"
        try:
            return _Access(**json.loads(path.read_text()))
        except FileNotFoundError:
            first, second, third = _free_ports(3)
            # Letters and digits only: it stands in a URL and in a configuration file.
            user, password = f"headrace{secrets.token_hex(4)}", secrets.token_hex(24)
            made = _Access(first, second, third, user, password)
            write_private(path, json.dumps(asdict(made)))
            return made
        except (OSError, ValueError, TypeError) as error:
            raise FacilityError(
                f"{path}: cannot be read ({error}); remove {self._directory} with all it holds"
            ) from error

    def _servers(self) -> list[psutil.Process]:
        return [p for p in self._processes() if p.info["name"].startswith("beam")]

    def _processes(self) -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter(["name", "uids"]):
            try:
                if process.info["uids"].real != os.getuid():
                    continue
                same = process.environ().get(_MARKER) == str(self._directory / "mnesia")
                if same and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except psutil.Error:
                continue
        return found


def _signal(process: psutil.Process, *, kill: bool = False) -> None:
    try:
        if kill:
            process.kill()
        else:
            process.terminate()
    except psutil.NoSuchProcess:
        return


def _free_ports(number: int) -> list[int]:
    sockets = [socket.socket() for _ in range(number)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
