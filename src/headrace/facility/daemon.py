"""Starting, stopping and looking at a project's facility from another process."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

import psutil

from headrace._internal.files import private_directory
from headrace._internal.json_get import get_json
from headrace.facility.address import (
    Address,
    find_address,
    find_process,
    read_address,
    runs_on_another_host,
)
from headrace.facility.errors import FacilityError
from headrace.facility.settings import (
    Settings,
    remember_state_directory,
    state_directory,
    write_settings,
)
from headrace.facility.store.faults import disk_problem
from headrace.facility.supervision import SERVICE

_POLL_SECONDS = 0.02
_KILL_SECONDS = 10.0
# Slower than any disk that is well.
_CHECKED_BYTES_PER_SECOND = 20e6


def log_path(root: Path) -> Path:
    """Return the facility's log file."""
    return state_directory(root) / "facility.log"


def start_facility(
    root: Path, settings: Settings, wait: float = 60.0, *, take_over: bool = False
) -> Address:
    """Start the project's facility in the background, where it is not running yet.

    Args:
        root: the project's root.
        settings: collections and endpoints that it serves.
        wait: seconds to wait for it to answer.
        take_over: whether a facility on another machine, which cannot be asked, is taken for dead.

    Returns:
        Its address.

    Raises:
        FacilityError: it did not start; the message has the last line of its log.
    """
    _prepare(root, settings)
    running = _find_running(root, take_over)
    if running is not None and _query_health(running) is not None:
        return running
    log = log_path(root)
    said_before = log.stat().st_size if log.exists() else 0
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "a") as stream:
        process = subprocess.Popen(
            _command(root),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            cwd=root,
            start_new_session=True,
        )
    deadline = time.monotonic() + wait + _estimate_check_seconds(root)
    while time.monotonic() < deadline:
        if process.poll() is not None:
            # Somebody else may have started one at the same moment: theirs is as good.
            other = find_address(root)
            if other is not None and _query_health(other) is not None:
                return other
            raise FacilityError(
                f"the facility did not start: {_last_line(log, said_before)} (log: {log})"
            )
        address = _read_address_or_none(root)
        if (
            address is not None
            and address.pid == process.pid
            and _query_health(address) is not None
        ):
            return address
        time.sleep(_POLL_SECONDS)
    process.terminate()
    raise FacilityError(f"the facility did not answer within {wait:.0f} s (log: {log})")


def serve_facility(root: Path, settings: Settings, *, take_over: bool = False) -> NoReturn:
    """Become the project's facility, in the place of one that is running; never returns.

    Args:
        root: the project's root.
        settings: collections and endpoints that it serves.
        take_over: whether a facility on another machine, which cannot be asked, is taken for dead.

    Raises:
        FacilityError: one is running that does not end.
    """
    _prepare(root, settings)
    if _find_running(root, take_over) is not None:
        stop_facility(root)
    os.chdir(root)
    command = _command(root)
    os.execv(command[0], command)  # noqa: S606 - our own program, and no shell


def _prepare(root: Path, settings: Settings) -> None:
    private_directory(state_directory(root))
    remember_state_directory(root)
    write_settings(root, settings)


def _find_running(root: Path, take_over: bool) -> Address | None:
    return None if take_over and runs_on_another_host(root) else find_address(root)


def _command(root: Path) -> list[str]:
    return [sys.executable, "-m", "headrace.facility", str(root)]


def stop_facility(root: Path, wait: float = 30.0) -> bool:
    """Stop the project's facility with its workers and batch jobs; open runs go on next time.

    Args:
        root: the project's root.
        wait: seconds to wait for it to end before it is killed.

    Returns:
        Whether one was running.

    Raises:
        FacilityError: it runs on another machine, or does not end.
    """
    process = _find_facility_process(root)
    if process is None:
        return False
    try:
        process.send_signal(signal.SIGTERM)
        # One that was stopped, by a shell or a debugger, sees no other signal.
        process.send_signal(signal.SIGCONT)
        if not _wait_for_end(process, wait):
            process.kill()
            if not _wait_for_end(process, _KILL_SECONDS):
                raise FacilityError(
                    f"{root}: process {process.pid} does not even end by SIGKILL: it waits for a "
                    "disk that does not answer; bring the disk back"
                )
    except psutil.NoSuchProcess:
        return True
    return True


def facility_status(root: Path) -> dict[str, Any] | None:
    """Return what is known of the project's running facility: url, pid, since, memory.

    ``well`` says whether it answers and nothing is the matter with it; ``problems`` what is.

    Returns:
        None where none is running.

    Raises:
        FacilityError: it runs on another machine.
    """
    try:
        address = find_address(root)
        unreadable = ""
    except FacilityError as error:
        address, unreadable = None, str(error)
    process = psutil.Process(address.pid) if address else find_process(root)
    if process is None:
        if unreadable:
            raise FacilityError(unreadable)
        return None
    health = _query_health(address) if address else None
    problems = [f"{p['part']}: {p['description']}" for p in (health or {}).get("problems", [])]
    if health is None:
        problems.append(unreadable or f"it does not answer; see {log_path(root)}")
    return {
        "url": address.url if address else None,
        "pid": process.pid,
        "answers": health is not None,
        "well": not problems,
        "problems": problems,
        "notices": (health or {}).get("notices", []),
        "parked_runs": (health or {}).get("parked_runs"),
        "started": process.create_time(),
        "memory_bytes": process.memory_info().rss,
        "log": str(log_path(root)),
    }


def _read_address_or_none(root: Path) -> Address | None:
    try:
        return read_address(root)
    except FacilityError:
        return None  # what an earlier one left; the one that starts writes it anew


def _wait_for_end(process: psutil.Process, seconds: float) -> bool:
    """Wait for a process to end; one that only its parent has not noticed has ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                with contextlib.suppress(psutil.Error):
                    process.wait(timeout=0)  # where this process is its parent
                return True
            if not process.is_running():
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(_POLL_SECONDS)
    return False


def _find_facility_process(root: Path) -> psutil.Process | None:
    """Return the facility's process; its address may be unreadable, its disk away."""
    try:
        address = find_address(root)
    except (FacilityError, OSError) as error:
        process = find_process(root)
        if process is None and isinstance(error, FacilityError):
            raise
        return process
    if address is None:
        return find_process(root)
    try:
        return psutil.Process(address.pid)
    except psutil.NoSuchProcess:
        return None


def _estimate_check_seconds(root: Path) -> float:
    # After an end that was no clean one every page of the store is read first.
    try:
        return (state_directory(root) / "facility.db").stat().st_size / _CHECKED_BYTES_PER_SECOND
    except OSError:
        return 0.0


def _query_health(address: Address) -> dict[str, Any] | None:
    """Return what a facility says of itself; None where it does not answer."""
    status, document = get_json(address.url, address.token, "/") or (0, {})
    known = document.get("service") == SERVICE
    return document if known and status in (200, 503) else None


def _last_line(log: Path, begin: int) -> str:
    """Return the last line of a log behind the given byte, or why there may be none."""
    try:
        with log.open("rb") as stream:
            stream.seek(begin)
            text = stream.read().decode(errors="replace")
    except OSError as error:
        return f"its log cannot be read: {error.strerror}"
    lines = [line for line in text.splitlines() if line.strip()]
    if lines:
        return lines[-1]
    problem = disk_problem(log.parent)
    return f"{log.parent} cannot be written: {problem}" if problem else "it said nothing"
