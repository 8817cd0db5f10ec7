"""Tasks that do not end by themselves: their workers are ended, others go on."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from headrace.compute import EndpointHost
from tests.support.compute.endpoints import Events, spec, task
from tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(240)


def hold_the_lock(started: str) -> None:
    """Ignores signals, and never lets other threads of Python run."""
    import ctypes
    import signal
    from pathlib import Path

    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    Path(started).touch()
    ctypes.PyDLL(None).sleep(100_000)


def lie_stopped(started: str) -> None:
    import os
    import signal
    from pathlib import Path

    Path(started).write_text(str(os.getpid()))
    os.kill(os.getpid(), signal.SIGSTOP)


def leave_a_program(started: str) -> None:
    import subprocess
    import time
    from pathlib import Path

    program = subprocess.Popen(["sleep", "100000"], start_new_session=True)
    Path(started).write_text(str(program.pid))
    while True:
        time.sleep(1)


def wait_for(path: str, started: str) -> str:
    import time
    from pathlib import Path

    Path(started).touch()
    while not Path(path).exists():
        time.sleep(0.05)
    return "ended by itself"


def own_pid() -> int:
    import os

    return os.getpid()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[EndpointHost, Events]]:
    events = Events()
    state = tmp_path_factory.mktemp("shared") / "state"
    host = EndpointHost(spec(state, heartbeat_period=1), events)
    yield host, events
    host.stop()


@pytest.fixture
def one_worker(shared: tuple[EndpointHost, Events]) -> tuple[EndpointHost, Events]:
    """An endpoint whose only worker is free, or will be."""
    wait_until(lambda: not shared[0].status()["busy"], "the end of what ran before")
    return shared


@pytest.mark.parametrize("function", [hold_the_lock, lie_stopped])
def test_the_worker_of_a_task_that_hangs_is_ended(
    one_worker: tuple[EndpointHost, Events], tmp_path: Path, function: object
) -> None:
    host, events = one_worker
    hanging, after = task(function, str(tmp_path / "started")), task(own_pid)  # type: ignore[arg-type]
    host.submit(hanging)
    wait_until((tmp_path / "started").exists, "the function runs")
    busy = wait_until(lambda: host.status()["busy"], "the worker is known to be busy")
    assert [(one["task_id"], one["function"]) for one in busy] == [
        (hanging.task_id, function.__name__)  # type: ignore[attr-defined]
    ]
    assert busy[0]["node"] == os.uname().nodename
    assert host.status()["state"] == "busy"
    host.cancel(hanging.task_id)
    host.submit(after)
    # Until its worker is ended, everybody sees what holds it.
    assert [one["cancelled"] for one in wait_until(lambda: host.status()["busy"], "still busy")]
    done = events.wait(after.task_id, timeout=120)
    assert done.kind == "done", done.error
    assert done.result != busy[0]["pid"]
    assert not psutil.pid_exists(busy[0]["pid"])
    assert [e.kind for e in events.of(hanging.task_id)][-1] == "failed"


def test_a_program_that_hides_in_a_session_of_its_own_is_ended(
    one_worker: tuple[EndpointHost, Events], tmp_path: Path
) -> None:
    host, _ = one_worker
    started = tmp_path / "started"
    one = task(leave_a_program, str(started))
    host.submit(one)
    wait_until(lambda: started.exists() and started.read_text(), "the program runs")
    host.cancel(one.task_id)
    wait_until(lambda: not psutil.pid_exists(int(started.read_text())), "the program ends")


def test_a_task_beside_one_that_hangs_is_unharmed(tmp_path: Path) -> None:
    events = Events()
    host = EndpointHost(spec(tmp_path / "state", workers=2, heartbeat_period=1), events)
    try:
        hanging = task(hold_the_lock, str(tmp_path / "hangs"))
        beside = task(wait_for, str(tmp_path / "end"), str(tmp_path / "beside"))
        host.submit(hanging)
        host.submit(beside)
        for name in ("hangs", "beside"):
            wait_until((tmp_path / name).exists, f"{name} runs")
        # Its report comes some time after the tasks have begun.
        wait_until(lambda: len(host.status()["busy"]) == 2, "both are known to run")
        host.cancel(hanging.task_id)
        wait_until(
            lambda: hanging.task_id not in [o["task_id"] for o in host.status()["busy"]],
            "the worker of the one that hangs is ended",
        )
        assert [one["task_id"] for one in host.status()["busy"]] == [beside.task_id]
        (tmp_path / "end").touch()
        assert events.wait(beside.task_id).result == "ended by itself"
    finally:
        host.stop()


def test_without_its_guard_the_host_ends_the_worker(
    one_worker: tuple[EndpointHost, Events], tmp_path: Path
) -> None:
    host, events = one_worker
    hanging, after = task(hold_the_lock, str(tmp_path / "started")), task(own_pid)
    host.submit(hanging)
    wait_until((tmp_path / "started").exists, "the function runs")
    busy = wait_until(lambda: host.status()["busy"], "the worker is known to be busy")
    for process in psutil.Process(busy[0]["pid"]).children():
        process.send_signal(signal.SIGKILL)
    host.cancel(hanging.task_id)
    host.submit(after)
    assert events.wait(after.task_id, timeout=120).kind == "done"


def test_a_task_that_waits_for_a_worker_and_is_cancelled_never_begins(
    one_worker: tuple[EndpointHost, Events], tmp_path: Path
) -> None:
    host, events = one_worker
    first = task(wait_for, str(tmp_path / "end"), str(tmp_path / "first"))
    second = task(wait_for, str(tmp_path / "end"), str(tmp_path / "second"))
    last = task(own_pid)
    for one in (first, second, last):
        host.submit(one)
    wait_until((tmp_path / "first").exists, "the first runs")
    reason = "waits for one of the 1 workers of the endpoint tested"
    wait_until(lambda: host.pending_reason(second.task_id) == reason, "the report of the worker")
    host.cancel(second.task_id)
    (tmp_path / "end").touch()
    assert events.wait(last.task_id).kind == "done"
    assert not (tmp_path / "second").exists()
