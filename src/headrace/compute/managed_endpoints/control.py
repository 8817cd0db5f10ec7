"""Start and stop of endpoints with `globus-compute-endpoint`, and of what remains of them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import psutil

from headrace.compute.errors import ComputeError
from headrace.compute.host_process import own_environment
from headrace.compute.processes import end_processes, find_processes
from headrace.compute.provider_blocks import BlockQueue
from headrace.compute.scheduler import get_scheduler, job_of_process, usable_schedulers

from .directory import DIRECTORY_VARIABLE, STALE_SECONDS, ManagedEndpoint
from .writing import remove_directory

ALREADY_RUNNING: Final = 73
# Exit codes of `globus-compute-endpoint`: their meaning, and the remedy.
_MEANINGS: Final = {
    75: "the service is not reached; try again when it is",
    77: "nobody is logged in, or the login has expired: run `globus-compute-endpoint login`",
    78: "the identity mapping is wrong: see its config.yaml",
}
_PROGRAM: Final = "globus-compute-endpoint"
_START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 40.0
_POLL: Final = 0.1


class LoginRequired(ComputeError):
    """A person must log in before the endpoint can start."""


def start_endpoint(endpoint: ManagedEndpoint, root: Path, endpoint_id: str = "") -> bool:
    """Start an endpoint in the background; one that runs stays as it is.

    What an earlier process of it left on this machine is ended first.

    Args:
        endpoint: the endpoint, created.
        root: the project's root, ``HEADRACE_PROJECT`` for its workers.
        endpoint_id: the id to register under at the first start; empty for one of the service's
            choice.

    Returns:
        Whether it was started, not running already.

    Raises:
        LoginRequired: nobody is logged in.
        ComputeError: it did not start; the message says why.
    """
    _require_created(endpoint)
    if endpoint.state() == "running":
        return False
    process = endpoint.process()
    if process is not None:
        kill_endpoint(endpoint)
    end_orphans(endpoint)
    if endpoint.started_here() and endpoint.process() is None:
        endpoint.pid_file.unlink(missing_ok=True)
    endpoint.record_host()
    uuid = ["--endpoint-uuid", endpoint_id] if endpoint_id and not endpoint.id else []
    done = _run(endpoint, root, _START_SECONDS, "start", "--detach", *uuid, endpoint.name)
    if done.returncode == ALREADY_RUNNING:
        return False
    if done.returncode != 0:
        raise _failure(endpoint, "did not start", done)
    deadline = time.monotonic() + STALE_SECONDS
    while endpoint.process() is None:
        if time.monotonic() > deadline:
            raise ComputeError(
                f"endpoint {endpoint.name} ended as it started: {_last_line(endpoint)} "
                f"(log: {endpoint.log_file})"
            )
        time.sleep(_POLL)
    return True


def stop_endpoint(endpoint: ManagedEndpoint, root: Path) -> bool:
    """Stop an endpoint, its workers and its blocks; one that hangs is killed.

    Args:
        endpoint: the endpoint.
        root: the project's root.

    Returns:
        Whether it ran.

    Raises:
        ComputeError: it runs on another machine and the service does not reach it.
    """
    _require_created(endpoint)
    state = endpoint.state()
    if state == "stopped":
        end_orphans(endpoint)
        return False
    if endpoint.process() is None and state == "running":
        # On another login node: the service sends it the command.
        done = _run(endpoint, root, _STOP_SECONDS, "stop", "--remote", endpoint.name)
        if done.returncode != 0:
            raise _failure(endpoint, "runs on another machine and could not be stopped", done)
        return True
    process = endpoint.process()
    if process is not None and state == "running" and process.status() != psutil.STATUS_STOPPED:
        _run(endpoint, root, _STOP_SECONDS, "stop", endpoint.name)
    kill_endpoint(endpoint)
    end_orphans(endpoint)
    return state == "running"


def kill_endpoint(endpoint: ManagedEndpoint) -> None:
    """End an endpoint's process and all that it started here, whatever they do with signals."""
    process = endpoint.process()
    if process is not None:
        try:
            process.kill()
            process.wait(5)
        except psutil.Error:
            remaining = endpoint.process()
            if remaining is not None:
                raise ComputeError(
                    f"endpoint {endpoint.name}: process {remaining.pid} cannot be ended"
                ) from None
    if endpoint.started_here():
        endpoint.pid_file.unlink(missing_ok=True)


def delete_endpoint(endpoint: ManagedEndpoint, root: Path) -> None:
    """Stop an endpoint, make the service forget it, and remove its directory.

    Args:
        endpoint: the endpoint.
        root: the project's root.

    Raises:
        ComputeError: the service does not answer; the directory stays.
    """
    stop_endpoint(endpoint, root)
    if endpoint.id:
        done = _run(endpoint, root, _STOP_SECONDS, "delete", "--yes", endpoint.name)
        if done.returncode != 0 and "not found" not in (done.stdout + done.stderr).lower():
            raise _failure(endpoint, "was not deleted at the service", done)
    remove_directory(endpoint)


def end_orphans(endpoint: ManagedEndpoint) -> list[str]:
    """End the processes and blocks that remain of dead processes of an endpoint.

    Args:
        endpoint: the endpoint; if it runs, what belongs to its live processes stays.

    Returns:
        What was ended, and what could not be, a phrase for each.
    """
    directory = str(endpoint.directory)

    def orphans() -> list[psutil.Process]:
        found = find_processes(lambda environment: environment.get(DIRECTORY_VARIABLE) == directory)
        live = _live_processes(endpoint)
        # What runs in a batch job is ended with the job, or has its own way to end.
        return [p for p in found if not _in_job(p) and not _belongs(p, live)]

    return end_processes(orphans) + _end_blocks(endpoint)


def _live_processes(endpoint: ManagedEndpoint) -> frozenset[int]:
    core = endpoint.process()
    try:
        return (
            frozenset(p.pid for p in (core, *core.children(recursive=True)))
            if core
            else frozenset()
        )
    except psutil.Error:
        return frozenset()


def _belongs(process: psutil.Process, live: frozenset[int]) -> bool:
    # Workers are no descendants of the endpoint, but stay in the session of its child.
    try:
        family = (process, *process.parents())
        return any(p.pid in live or os.getsid(p.pid) in live for p in family)
    except (psutil.Error, OSError):
        return True  # it ends by itself just now


def _in_job(process: psutil.Process) -> bool:
    try:
        schedulers = usable_schedulers()
        job = job_of_process(process.environ(), schedulers)
    except psutil.Error:
        return False
    return bool(job) and job != job_of_process(os.environ, schedulers)


def _end_blocks(endpoint: ManagedEndpoint) -> list[str]:
    # A child that lives touches its pid file too, wherever it runs.
    dead = [
        child
        for child in endpoint.user_endpoint_directories()
        if ManagedEndpoint(child.name, endpoint.home).state() != "running"
        and any((child / "submit_scripts").glob("*.submit"))
    ]
    slurm = get_scheduler("slurm")
    if not dead or slurm.missing_commands():
        return []
    queue = BlockQueue(slurm)
    try:
        jobs = [job for job in queue.jobs() if _is_below(Path(job.script), dead)]
        if jobs:
            queue.cancel(jobs)
    except ComputeError as error:
        return [f"Slurm's blocks could not be listed: {error}"]
    return [f"Slurm job {job.job_id}" for job in jobs]


def _is_below(script: Path, directories: Sequence[Path]) -> bool:
    return any(script.is_relative_to(directory) for directory in directories)


def _run(
    endpoint: ManagedEndpoint, root: Path, seconds: float, *arguments: str
) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).parent / _PROGRAM
    if not program.exists():
        raise ComputeError(
            f"{program}: not installed; pip install 'headrace[endpoint]' (Linux only)"
        )
    environment = {
        **own_environment(root),
        **endpoint.environment,
        "GLOBUS_COMPUTE_USER_DIR": str(endpoint.home),
        DIRECTORY_VARIABLE: str(endpoint.directory),
    }
    output = endpoint.directory / "command.log"
    with output.open("w+") as stream:
        # Into a file: what stays in the background would keep a pipe open.
        try:
            done = subprocess.run(
                [str(program), *arguments],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                timeout=seconds,
                check=False,
                cwd=endpoint.home,
            )
        except subprocess.TimeoutExpired as error:
            raise ComputeError(
                f"endpoint {endpoint.name}: `{_PROGRAM} {arguments[0]}` did not end within "
                f"{seconds:.0f} s (log: {endpoint.log_file})"
            ) from error
    return subprocess.CompletedProcess(done.args, done.returncode, output.read_text(), "")


def _failure(
    endpoint: ManagedEndpoint, what: str, done: subprocess.CompletedProcess[str]
) -> ComputeError:
    meaning = _MEANINGS.get(done.returncode) or _last_line_of(done.stdout.splitlines())
    kind = LoginRequired if done.returncode == 77 else ComputeError
    return kind(
        f"endpoint {endpoint.name} {what} (exit code {done.returncode}): {meaning} "
        f"(log: {endpoint.log_file})"
    )


def _last_line(endpoint: ManagedEndpoint) -> str:
    return _last_line_of(list(endpoint.log_lines(20)))


def _last_line_of(lines: Sequence[str]) -> str:
    texts = [line.strip() for line in lines if line.strip()]
    return texts[-1][:300] if texts else "no message"


def _require_created(endpoint: ManagedEndpoint) -> None:
    if not endpoint.exists:
        raise ComputeError(
            f"endpoint {endpoint.name}: not created on this machine: "
            f"run `headrace endpoint create {endpoint.name}`"
        )
    if os.getuid() == 0:
        raise ComputeError(
            f"endpoint {endpoint.name}: run it as an ordinary user; as root it would be a service "
            "for many users, which headrace does not set up"
        )
