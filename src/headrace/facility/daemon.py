"""Starting, stopping and looking at a project's facility from another process."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

from headrace.facility.address import Address, find_address, read_address
from headrace.facility.errors import FacilityError
from headrace.facility.settings import Settings, state_directory, write_settings
from headrace.files import private_directory

_POLL_SECONDS = 0.02


def log_path(root: Path) -> Path:
    """Returns the facility's log file."""
    return state_directory(root) / "facility.log"


def start_facility(root: Path, settings: Settings, wait: float = 60.0) -> Address:
    """Starts the project's facility in the background, where it is not running yet.

    Args:
        root: the project's root.
        settings: collections and endpoints that it serves.
        wait: seconds to wait for it to answer.

    Returns:
        Its address.

    Raises:
        FacilityError: it did not start; the message has the last line of its log.
    """
    write_settings(root, settings)
    running = find_address(root)
    if running is not None and _answers(running):
        return running
    private_directory(state_directory(root))
    log = log_path(root)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "a") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "headrace.facility", str(root)],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            cwd=root,
            start_new_session=True,
        )
    deadline = time.monotonic() + wait
    while time.monotonic() < deadline:
        if process.poll() is not None:
            # Somebody else may have started one at the same moment: theirs is as good.
            other = find_address(root)
            if other is not None and _answers(other):
                return other
            raise FacilityError(f"the facility did not start: {_last_line(log)} (log: {log})")
        address = read_address(root)
        if address is not None and address.pid == process.pid and _answers(address):
            return address
        time.sleep(_POLL_SECONDS)
    process.terminate()
    raise FacilityError(f"the facility did not answer within {wait:.0f} s (log: {log})")


def stop_facility(root: Path, wait: float = 30.0) -> bool:
    """Stops the project's facility with its workers and batch jobs; open runs go on next time.

    Args:
        root: the project's root.
        wait: seconds to wait for it to end before it is killed.

    Returns:
        Whether one was running.
    """
    address = find_address(root)
    if address is None:
        return False
    try:
        process = psutil.Process(address.pid)
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(wait)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait(5)
    except psutil.NoSuchProcess:
        return True
    return True


def facility_status(root: Path) -> dict[str, Any] | None:
    """Returns what is known of the project's running facility: url, pid, since, memory.

    Returns:
        None where none is running.
    """
    address = find_address(root)
    if address is None:
        return None
    process = psutil.Process(address.pid)
    return {
        "url": address.url,
        "pid": address.pid,
        "answers": _answers(address),
        "started": address.started,
        "memory_bytes": process.memory_info().rss,
        "log": str(log_path(root)),
    }


def _answers(address: Address) -> bool:
    parts = urlsplit(address.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    try:
        connection.request("GET", "/", headers={"Authorization": f"Bearer {address.token}"})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
