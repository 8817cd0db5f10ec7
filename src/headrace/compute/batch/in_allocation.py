"""Running a job in the allocation that this process is in, or on a machine of its own."""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from ..scheduler import Allocation, Job, JobId, JobState, Scheduler
from .cancelling import raise_if_cancelled, was_cancelled
from .directory import ExitRecord, JobDirectory
from .errors import BatchJobError
from .outcome import JobOutcome, determine_outcome
from .script import script_command
from .settings import JobSettings, job_environment, without_secrets
from .usage import write_moment
from .waiting import JobEnd

_GRACE_SECONDS = 10.0
# So often is it looked whether the time limit has passed, or the task was given up.
_LOOK_SECONDS = 0.2
# A file system that many share is not asked more often whether the task was given up.
_CANCELLATION_CHECK_SECONDS = 2.0
_PR_SET_PDEATHSIG = 1


def run_in_allocation(
    scheduler: Scheduler, job: JobDirectory, settings: JobSettings, workdir: Path, task: str
) -> JobOutcome:
    """Run the script as a child of this process, and end it with this process.

    Args:
        scheduler: the scheduler whose allocation this may be.
        job: the job's directory, with the script in it.
        settings: settings of the job.
        workdir: where it runs.
        task: the task; when it is given up, the script is ended.

    Raises:
        BatchJobError: the task was cancelled, or the directory cannot be written.
    """
    raise_if_cancelled(task)
    allocation = scheduler.allocation(os.environ)
    environment = environment_here(scheduler, settings, allocation)
    command = script_command(settings, job.path / settings.script.name, settings.arguments)
    host = socket.gethostname()
    job_id, nodes = (allocation.job_id, allocation.nodes) if allocation else ("", "")
    nodes = nodes or host
    # Only the outcome has to survive a power cut: the script ends with this machine.
    job.write("command", shlex.join(command) + "\n", flush=False)
    job.write_json("environment.json", without_secrets(environment), flush=False)
    record = {
        "host": host,
        "nodes": nodes,
        "job_id": job_id,
        "scratch": environment.get("TMPDIR") or tempfile.gettempdir(),
        "restarts": 0,
        "started_at": write_moment(time.time()),
        # Others may run in the same allocation: what this one asked for is its part.
        "cores": str(settings.ntasks * settings.cpus_per_task),
    }
    job.write_json("host.json", record, flush=False)
    job.append_state("RUNNING", nodes=nodes)
    code, late = _run(job, command, environment, workdir, settings.seconds, task)
    raise_if_cancelled(task)
    job.write_exit_code(job_id, code, write_moment(time.time()))
    state = JobState.TIMEOUT if late else JobState.COMPLETED if code == 0 else JobState.FAILED
    job.append_state(state.value, nodes=nodes)
    end = JobEnd(JobId(job_id), ExitRecord(job_id, 0, code), Job(job_id, state, nodes=nodes))
    return determine_outcome(job, settings, workdir, end)


def environment_here(
    scheduler: Scheduler, settings: JobSettings, allocation: Allocation | None
) -> dict[str, str]:
    """Return the environment of a job that runs as a child of this process.

    Args:
        scheduler: the scheduler whose allocation this may be.
        settings: settings of the job.
        allocation: the allocation that this process is in; None where in none.
    """
    environment = job_environment(scheduler, settings)
    if allocation is not None:
        # Ranks are steps of the job that this process runs in; its variables say which.
        environment |= allocation.environment
    if prefix := os.environ.get("PARSL_MPI_PREFIX"):
        # An MPI engine has given this task nodes of the block: its ranks belong there.
        environment["HEADRACE_LAUNCH"] = prefix
    elif allocation is None:
        environment["HEADRACE_LAUNCH"] = settings.mpiexec_command()
    path = environment.get("PATH", os.defpath)
    environment["PATH"] = f"{Path(sys.executable).parent}:{path}"
    return environment


def _run(
    job: JobDirectory,
    command: list[str],
    environment: dict[str, str],
    workdir: Path,
    limit: float,
    task: str,
) -> tuple[int, bool]:
    stopped_by: list[int] = []
    with contextlib.ExitStack() as cleanup:
        try:
            stdout = cleanup.enter_context((job.path / "stdout").open("wb"))
            stderr = cleanup.enter_context((job.path / "stderr").open("wb"))
        except OSError as error:
            raise BatchJobError(f"{job.path}: cannot write there: {error.strerror}") from None
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            cwd=workdir,
            env=environment,
            start_new_session=True,
            preexec_fn=_terminate_with_parent,
        )

        def signal_group(number: int) -> None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, number)

        def stop(number: int, frame: FrameType | None) -> None:
            del frame
            stopped_by.append(number)
            signal_group(signal.SIGTERM)

        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                previous = signal.signal(number, stop)
                cleanup.callback(signal.signal, number, previous or signal.SIG_DFL)
        cleanup.callback(signal_group, signal.SIGKILL)
        late = _wait(process, limit, stopped_by, signal_group, task)
    if stopped_by:
        # The script is gone; now this process gets the signal it would have had without it.
        os.kill(os.getpid(), stopped_by[0])
    return process.returncode, late


def _wait(
    process: subprocess.Popen[bytes],
    limit: float,
    stopped_by: list[int],
    signal_group: Callable[[int], None],
    task: str,
) -> bool:
    started_at = checked = time.monotonic()
    deadline: float | None = None
    late = given_up = False
    while process.poll() is None:
        _wait_for_end(process, _LOOK_SECONDS)
        moment = time.monotonic()
        if not late and moment - started_at > limit:
            late = True
            signal_group(signal.SIGTERM)
        if not given_up and moment - checked > _CANCELLATION_CHECK_SECONDS:
            checked = moment
            if given_up := was_cancelled(task):
                signal_group(signal.SIGTERM)
        if (stopped_by or late or given_up) and deadline is None:
            deadline = moment + _GRACE_SECONDS
        if deadline is not None and moment > deadline:
            signal_group(signal.SIGKILL)
    return late


def _wait_for_end(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Return at the end of a process, or after a while."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except (AttributeError, OSError):  # an old kernel
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=seconds)  # asks up to 20 times a second
        return
    try:
        end = select.poll()
        end.register(descriptor, select.POLLIN)
        end.poll(1000.0 * seconds)
    finally:
        os.close(descriptor)


def _terminate_with_parent() -> None:
    # A worker that is killed outright cannot clean up: the kernel ends its child instead.
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
