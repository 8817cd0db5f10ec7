"""What reaping ends, and what it leaves alone."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from headrace.compute import ComputeError, EndpointHost, reap
from headrace.compute.process_records import HOST_ID_VARIABLE, BlockJobs, HostRecord, HostRecords
from tests.support.compute.endpoints import Events, spec, task
from tests.support.waiting import wait_until

IGNORES_TERM = (
    "import signal, subprocess, sys, time\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "subprocess.Popen(['sleep', '600'], env={})\n"
    "print('up', flush=True)\n"
    "time.sleep(600)\n"
)


class Sleepers:
    """Starts programs with chosen environments, and ends them with the test."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    def __call__(self, *command: str, **environment: str) -> subprocess.Popen[str]:
        process = self._stack.enter_context(
            subprocess.Popen(
                command or ("sleep", "600"),
                env={**os.environ, **environment},
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        self._stack.callback(process.kill)
        return process


@pytest.fixture
def sleeper() -> Iterator[Sleepers]:
    with ExitStack() as stack:
        yield Sleepers(stack)


def dead_host(state: Path, **fields: str) -> HostRecord:
    """The record of a host whose parent is gone, though its pid is in use again."""
    values = {"own_job": "", "slurm_conf": "", **fields}
    record = HostRecord(secrets.token_hex(8), os.getppid(), 1.0, **values)
    HostRecords(state).write(record)
    return record


def test_nothing_to_reap(tmp_path: Path) -> None:
    assert reap(tmp_path / "never") == []


def test_only_the_hosts_own_processes_are_ended(tmp_path: Path, sleeper: Sleepers) -> None:
    record = dead_host(tmp_path, own_job="7")
    mine = {HOST_ID_VARIABLE: record.host_id}
    ours = [sleeper(**mine), sleeper(**mine, SLURM_JOB_ID="7")]
    others = [
        sleeper(),
        sleeper(**{HOST_ID_VARIABLE: secrets.token_hex(8)}),
        sleeper("sh", "-c", f"sleep 600; : {record.host_id}"),
        sleeper(**mine, SLURM_JOB_ID="8"),  # a job that was submitted to live on by itself
    ]
    ended = reap(tmp_path)
    assert sorted(ended) == sorted(f"sleep (pid {p.pid})" for p in ours)
    for process in ours:
        process.wait(120)
    assert [p.poll() for p in others] == [None] * len(others)
    assert reap(tmp_path) == []


def test_what_ignores_sigterm_or_hides_its_environment_is_ended(
    tmp_path: Path, sleeper: Sleepers
) -> None:
    record = dead_host(tmp_path)
    stubborn = sleeper(sys.executable, "-c", IGNORES_TERM, **{HOST_ID_VARIABLE: record.host_id})
    assert stubborn.stdout is not None
    assert stubborn.stdout.readline() == "up\n"
    ended = reap(tmp_path)
    assert len(ended) == 2, ended
    assert stubborn.wait(120) == -9


def test_jobs_that_cannot_be_looked_up_stay_on_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = dead_host(tmp_path)
    records = HostRecords(tmp_path)
    records.write_blocks(record.host_id, BlockJobs("slurm", ("12",)))
    monkeypatch.setenv("PATH", str(tmp_path))
    for _ in range(2):
        (line,) = reap(tmp_path)
        assert line.startswith(f"Slurm jobs named {record.label} are left: squeue:")
    assert [r.host_id for r in records] == [record.host_id]


def test_records_are_private(tmp_path: Path) -> None:
    record = dead_host(tmp_path)
    HostRecords(tmp_path).write_blocks(record.host_id, BlockJobs("local", ("1",)))
    modes = {p.stat().st_mode & 0o777 for p in (tmp_path / "hosts").iterdir()}
    assert modes == {0o600}
    assert (tmp_path / "hosts").stat().st_mode & 0o777 == 0o700


def test_a_host_that_dies_again_and_again_is_not_started_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headrace.compute.host_supervisor.MAX_RESTARTS", 2)
    monkeypatch.setenv("PYTHONHOME", str(tmp_path / "nowhere"))
    events = Events()
    host = EndpointHost(spec(tmp_path / "state"), events)
    one = task(dead_host)
    host.submit(one)
    failed = events.wait(one.task_id)
    assert failed.kind == "failed"
    assert "its host died 3 times in a row; see " in failed.error
    wait_until(lambda: host.status()["state"] == "refused", "it is not started any more")
    with pytest.raises(ComputeError, match="3 times in a row"):
        host.start()
    assert list((tmp_path / "state/hosts").iterdir()) == []
    host.stop()
