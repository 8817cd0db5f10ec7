"""The processes of a host: found by the id in their environment, ended by their own ids.

A process is touched only when it belongs to this user, carries the host's id (or descends from
one that does), and has not been replaced since: psutil compares start times before a signal.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import psutil

from .process_records import HOST_ID_VARIABLE
from .scheduler import job_of_process, usable_schedulers

_POLL = 0.05


def find_processes(
    matches: Callable[[dict[str, str]], bool], exclude: Iterable[int] = ()
) -> list[psutil.Process]:
    """Find this user's processes by their environment.

    Args:
        matches: given the environment a process was started with, returns whether it is meant.
        exclude: process ids that are never returned; this process never is.

    Returns:
        The processes and their descendants, zombies left out.
    """
    excluded = {os.getpid(), *exclude}
    found: dict[int, psutil.Process] = {}
    for process in _own_processes():
        if process.pid in excluded or process.pid in found:
            continue
        environment = _environment(process.pid)
        if not environment or not matches(environment):
            continue
        found[process.pid] = process
        for child in _descendants(process):
            if child.pid not in excluded:
                found.setdefault(child.pid, child)
    return list(found.values())


def host_processes(
    host_id: str, exclude: Iterable[int] = (), exclude_job: Callable[[str], bool] | None = None
) -> list[psutil.Process]:
    """Find the processes of a host.

    Args:
        host_id: the host's id.
        exclude: process ids to leave out.
        exclude_job: given the batch job a process runs in, returns whether to leave it out.

    Returns:
        Its processes on this machine.
    """
    schedulers = usable_schedulers()

    def matches(environment: dict[str, str]) -> bool:
        if environment.get(HOST_ID_VARIABLE) != host_id:
            return False
        job = job_of_process(environment, schedulers)
        return not (job and exclude_job is not None and exclude_job(job))

    return find_processes(matches, exclude)


def end_processes(
    find: Callable[[], list[psutil.Process]], grace: float = 2.0, limit: float = 15.0
) -> list[str]:
    """End processes, and those they start meanwhile.

    Args:
        find: returns those that remain.
        grace: seconds between SIGTERM and SIGKILL.
        limit: seconds after which processes that cannot be ended are left.

    Returns:
        The names of those that were sent a signal.
    """
    started_at = time.monotonic()
    signalled: dict[int, str] = {}
    while remaining := find():
        elapsed = time.monotonic() - started_at
        if elapsed > limit:
            break
        for process in remaining:
            first = process.pid not in signalled
            signalled.setdefault(process.pid, describe(process))
            if first and elapsed < grace:
                _send(process, signal.SIGTERM)
            elif elapsed >= grace:
                _send(process, signal.SIGKILL)
        time.sleep(_POLL)  # psutil's wait would take the exit codes of this process's children
    return list(signalled.values())


def describe(process: psutil.Process) -> str:
    """Name a process for people."""
    try:
        name = process.name()
    except psutil.Error:
        name = "process"
    return f"{name} (pid {process.pid})"


def _own_processes() -> list[psutil.Process]:
    own = os.getuid()
    found = []
    for process in psutil.process_iter():
        try:
            if process.uids().real == own and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def _environment(pid: int) -> dict[str, str]:
    try:
        raw = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return {}
    pairs = (entry.partition(b"=") for entry in raw.split(b"\0") if entry)
    return {os.fsdecode(key): os.fsdecode(value) for key, _, value in pairs}


def _descendants(process: psutil.Process) -> list[psutil.Process]:
    own = os.getuid()
    found = []
    try:
        for child in process.children(recursive=True):
            if child.uids().real == own and child.status() != psutil.STATUS_ZOMBIE:
                found.append(child)
    except psutil.Error:
        return found
    return found


def _send(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.Error:
        return  # it ended by itself
