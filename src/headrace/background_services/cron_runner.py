"""A service that cron starts: one at a time, with a log that does not grow for ever."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import FrameType
from typing import Final

import psutil

from headrace._internal.files import only_one, private_directory, write_private
from headrace._internal.terminal_text import terminal_text
from headrace.background_services.definition import BackgroundService

LOG_BYTES: Final = 5_000_000
"""Bytes of a log before another file is begun."""

LOG_FILES: Final = 3
"""Full files of a log that are kept."""

RESTART_SECONDS: Final = 60.0
"""Seconds after which a service that has ended is started again, as by cron."""

_STOP_SECONDS: Final = 120.0
_KILL_SECONDS: Final = 10.0


@dataclass(frozen=True)
class Runner:
    """A service that runs.

    Attributes:
        pid: process of the service's command.
        since: time of its start, ISO 8601.
    """

    pid: int
    since: str


def run_service(service: BackgroundService) -> int:
    """Run a service's command until it ends, unless it runs already.

    What it writes goes into a log of at most :data:`LOG_BYTES` a file. Signals that end this
    process are handed on. A command that an earlier process left, which was killed, is ended first.

    Args:
        service: the service.

    Returns:
        The command's exit code; 0 where it runs already.
    """
    private_directory(_directory(service))
    with only_one(_file(service, "lock")) as alone:
        if not alone:
            return 0
        stop_runner(service)
        command = subprocess.Popen(
            service.command,
            cwd=service.root,
            env={**os.environ, **service.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

        def hand_on(number: int, frame: FrameType | None) -> None:
            del frame
            command.send_signal(number)

        try:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, hand_on)
            _write_runner(service, command.pid)
            _copy_output(service, command)
            return command.wait()
        finally:
            # Without its record nobody would know of it, and cron would start another.
            if command.poll() is None:
                _end(psutil.Process(command.pid))
                command.wait()
            _file(service, "json").unlink(missing_ok=True)


def run_services(services: Sequence[BackgroundService], pause: float = RESTART_SECONDS) -> int:
    """Run services beside each other until a signal ends them; one that ends is started again.

    Each is run by a process of its own, as cron would.

    Args:
        services: the services, of one project and target, in the order of their starts.
        pause: seconds between two looks for services that have ended.

    Returns:
        The exit code.
    """
    ending = threading.Event()
    running: dict[str, subprocess.Popen[bytes]] = {}

    def hand_on(number: int, frame: FrameType | None) -> None:
        del frame
        ending.set()
        for process in running.values():
            process.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, hand_on)
    program = str(Path(sys.executable).with_name("headrace"))
    while not ending.is_set():
        for service in services:
            process = running.get(service.name)
            if not ending.is_set() and (process is None or process.poll() is not None):
                command = (program, "service", "run", service.name, *service.location)
                running[service.name] = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        ending.wait(pause)
    # What needs another one first.
    for process in reversed(running.values()):
        process.send_signal(signal.SIGTERM)
        process.wait()
    return 0


def read_runner(service: BackgroundService) -> Runner | None:
    """Return the service that runs; None where none does."""
    process = _process(service)
    if process is None:
        return None
    started = datetime.fromtimestamp(process.create_time(), UTC)
    return Runner(process.pid, started.isoformat(timespec="seconds"))


def stop_runner(service: BackgroundService) -> None:
    """End the service that runs, and wait until it has ended."""
    process = _process(service)
    if process is not None:
        _end(process)


def _end(process: psutil.Process) -> None:
    try:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait(_KILL_SECONDS)
    except psutil.NoSuchProcess:
        return


def log_file(service: BackgroundService) -> Path:
    """Return the log of a service."""
    return _file(service, "log")


class _PrivateLog(RotatingFileHandler):
    """A log that its owner alone can read; a full disk stops nothing."""

    def _open(self) -> TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return open(descriptor, "a", encoding=self.encoding)  # noqa: PTH123 - of a descriptor

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Do without what a full disk does not take."""


def _copy_output(service: BackgroundService, command: subprocess.Popen[bytes]) -> None:
    """Copy what a command writes into its log, until it ends."""
    handler = _PrivateLog(
        log_file(service), maxBytes=LOG_BYTES, backupCount=LOG_FILES, encoding="utf-8"
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    try:
        for line in command.stdout or ():
            text = terminal_text(line.decode("utf-8", "replace").rstrip("\n"))
            handler.emit(logging.makeLogRecord({"msg": "%s", "args": (text,)}))
    finally:
        handler.close()


def _write_runner(service: BackgroundService, pid: int) -> None:
    try:
        born = psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return
    write_private(_file(service, "json"), json.dumps({"pid": pid, "born": born}))


def _process(service: BackgroundService) -> psutil.Process | None:
    """Return the process of the service's command, where it is still the one that was recorded."""
    try:
        recorded = json.loads(_file(service, "json").read_text())
        process = psutil.Process(int(recorded["pid"]))
        same = process.create_time() == float(recorded["born"])
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except (OSError, ValueError, KeyError, TypeError, psutil.NoSuchProcess):
        return None


def _directory(service: BackgroundService) -> Path:
    from headrace.facility import state_directory

    return state_directory(service.root) / "services"


def _file(service: BackgroundService, suffix: str) -> Path:
    return _directory(service) / f"{service.name}.{service.target}.{suffix}"
