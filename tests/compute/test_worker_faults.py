"""What functions do to their workers, and what is told and kept of it."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from headrace.compute import EndpointHost, TaskEvent, TaskOutput, read_task_output
from headrace.compute.task_guard import FIRST_BYTES, LAST_BYTES
from tests.support.compute.endpoints import Events, spec, task
from tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(240)


def raise_what_cannot_be_shown() -> None:
    class Silent(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

        __repr__ = __str__

    raise Silent


def raise_escapes() -> None:
    raise ValueError("\x1b]0;title\x07 \x1b[2J file\udcff\r\nsecond line")


def raise_what_cannot_be_sent() -> None:
    import threading

    class Held(Exception):
        def __init__(self, name: str, lock: object) -> None:
            super().__init__(name)
            self.lock = lock

    raise Held("the beam", threading.Lock())


def raise_beside_exceptions() -> None:
    class Stop(BaseException):
        pass

    raise Stop("no exception at all")


def leave_python() -> None:
    import sys

    sys.exit("input missing")


def raise_from_another() -> None:
    try:
        {}["station"]
    except KeyError as error:
        raise LookupError("no such station") from error


def close_all_descriptors() -> dict:
    import os

    for number in range(3, 256):
        try:
            os.close(number)
        except OSError:
            continue
    return {}


def return_nested(levels: int) -> list:
    value: list = []
    for _ in range(levels - 1):
        value = [value]
    return value


def return_itself() -> dict:
    value: dict = {}
    value["again"] = value
    return value


def return_names(directory: str) -> dict:
    import os

    return {"names": os.listdir(directory)}  # noqa: PTH208 - as people write it


def spoil() -> str:
    import os
    import signal
    import sys

    os.environ.clear()
    os.chdir("/")
    os.umask(0o777)
    sys.path.clear()
    sys.setrecursionlimit(60)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.stdout.close()
    sys.stderr = None
    return "spoilt"


def look_around() -> dict:
    import os
    import signal
    import sys

    print("still heard")
    mask = os.umask(0o022)
    os.umask(mask)
    return {
        "project": os.environ.get("HEADRACE_PROJECT"),
        "path": len(sys.path) > 1,
        "limit": sys.getrecursionlimit(),
        "mask": mask,
        "ignored": signal.getsignal(signal.SIGTERM) == signal.SIG_IGN,
        "pid": os.getpid(),
    }


def print_much(megabytes: int) -> int:
    import subprocess
    import sys

    print("first line")
    for _ in range(megabytes):
        sys.stdout.write("x" * 1_000_000)
    sys.stdout.flush()
    subprocess.run("echo last line; echo careful >&2", shell=True, check=True)
    return megabytes


def print_from_c() -> None:
    import ctypes

    libc = ctypes.CDLL(None)
    libc.printf(b"from a library\n")


def leave_a_child_that_prints(path: str) -> str:
    import subprocess

    program = f"echo begun; while [ ! -e {path} ]; do sleep 0.1; done; echo later"
    subprocess.Popen(["sh", "-c", program], start_new_session=True)
    return "ended"


def stop_the_pool(started: str) -> None:
    """Kills the pool of workers, as somebody's `kill` or the memory's shortage does."""
    import os
    import signal
    from pathlib import Path

    Path(started).touch()
    os.kill(os.getppid(), signal.SIGKILL)
    signal.pause()


def square(number: int) -> int:
    return number * number


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[EndpointHost, Events]]:
    events = Events()
    state_dir = tmp_path_factory.mktemp("shared") / "state"
    host = EndpointHost(spec(state_dir, heartbeat_period=1, heartbeat_threshold=5), events)
    host.start()
    yield host, events
    host.stop()


def ended(shared: tuple[EndpointHost, Events], function: object, *arguments: object) -> TaskEvent:
    one = task(function, *arguments)  # type: ignore[arg-type]
    shared[0].submit(one)
    return shared[1].wait(one.task_id)


def kept(shared: tuple[EndpointHost, Events], event: TaskEvent) -> TaskOutput:
    return read_task_output(shared[0].spec.state_dir, event.task_id)


@pytest.mark.parametrize(
    ("function", "line", "traceback"),
    [
        (raise_what_cannot_be_shown, "Silent: <exception str() failed> (line 8 of", "Silent"),
        (
            raise_escapes,
            "ValueError: \\x1b]0;title\\x07 \\x1b[2J file\\udcff\\r second line (line 2 of",
            "\\x1b[2J file\\udcff",
        ),
        (raise_what_cannot_be_sent, "Held: the beam (line 9 of raise_what_cannot_be_sent", "Held"),
        (raise_beside_exceptions, "Stop: no exception at all (line 5 of", "in raise_beside"),
        (leave_python, "SystemExit: input missing (line 4 of leave_python)", "SystemExit"),
        (raise_from_another, "LookupError: no such station (line 5 of", "KeyError: 'station'"),
    ],
)
def test_the_error_itself_is_told(
    shared: tuple[EndpointHost, Events], function: object, line: str, traceback: str
) -> None:
    event = ended(shared, function)
    assert event.kind == "failed"
    assert line in event.error
    json.dumps(event.error).encode("ascii")
    whole = kept(shared, event).traceback
    assert whole.startswith("Traceback (most recent call last):")
    assert traceback in whole
    assert "task_runner" not in whole


def test_a_name_that_is_not_unicode_is_refused_in_one_line(
    shared: tuple[EndpointHost, Events], tmp_path: Path
) -> None:
    os.close(os.open(os.fsencode(tmp_path) + b"/run\xff.dat", os.O_CREAT))
    event = ended(shared, return_names, str(tmp_path))
    assert event.kind == "failed"
    assert "the result.names[0]: a lone surrogate (\\udcff); text must be Unicode" in event.error


@pytest.mark.parametrize("levels", [65, 2_000, 100_000])
def test_a_result_that_is_nested_too_deep_is_told_in_one_line(
    shared: tuple[EndpointHost, Events], levels: int
) -> None:
    event = ended(shared, return_nested, levels)
    assert event.kind == "failed"
    assert event.error.startswith("the function's result is nested deeper than 64 levels; return ")
    assert "Recursion" not in event.error
    assert len(event.error.splitlines()) == 1


def test_a_result_that_is_as_deep_as_may_be_is_taken(shared: tuple[EndpointHost, Events]) -> None:
    assert ended(shared, return_nested, 64).kind == "done"
    assert "Circular reference" in ended(shared, return_itself).error


def test_a_task_leaves_the_worker_as_it_was(shared: tuple[EndpointHost, Events]) -> None:
    before = ended(shared, look_around).result
    assert ended(shared, spoil).result == "spoilt"
    after = ended(shared, look_around)
    assert after.result == before
    assert kept(shared, after).stdout == "still heard\n"


def test_a_worker_without_descriptors_is_replaced(shared: tuple[EndpointHost, Events]) -> None:
    event = ended(shared, close_all_descriptors)
    assert "the worker that ran the task died" in event.error
    assert ended(shared, square, 7).result == 49


def test_the_first_and_the_last_of_long_output_are_kept(
    shared: tuple[EndpointHost, Events],
) -> None:
    event = ended(shared, print_much, 20)
    assert event.result == 20, event.error
    output = kept(shared, event)
    assert output.stdout.startswith("first line\nxxx")
    assert output.stdout.endswith("xxxlast line\n")
    left_out = 20_000_000 + len("first line\nlast line\n") - FIRST_BYTES - LAST_BYTES
    assert f"\n[... {left_out} bytes are left out ...]\n" in output.stdout
    assert output.stderr == "careful\n"
    directory = shared[0].spec.state_dir / "output" / event.task_id
    assert sum(p.stat().st_size for p in directory.iterdir()) < FIRST_BYTES + LAST_BYTES + 1000


def test_what_a_library_prints_belongs_to_its_task(shared: tuple[EndpointHost, Events]) -> None:
    event = ended(shared, print_from_c)
    assert kept(shared, event).stdout == "from a library\n"


def test_a_child_that_stays_holds_nothing_up(
    shared: tuple[EndpointHost, Events], tmp_path: Path
) -> None:
    event = ended(shared, leave_a_child_that_prints, str(tmp_path / "go"))
    assert event.result == "ended"
    assert ended(shared, square, 3).result == 9
    (tmp_path / "go").touch()
    wait_until(lambda: kept(shared, event).stdout == "begun\nlater\n", "its output is kept too")


@pytest.mark.parametrize("retries", [0, 1])
def test_a_lost_pool_costs_the_task_that_it_ran(tmp_path: Path, retries: int) -> None:
    events = Events()
    options = {"heartbeat_period": 1, "heartbeat_threshold": 5, "retries": retries}
    host = EndpointHost(spec(tmp_path / "state", **options), events)
    try:
        host.start()
        killer = task(stop_the_pool, str(tmp_path / "started"))
        host.submit(killer)
        queued = [task(square, number) for number in range(12)]
        for one in queued:
            host.submit(one)
        assert [events.wait(one.task_id, timeout=150).result for one in queued] == [
            number * number for number in range(12)
        ]
        lost = events.wait(killer.task_id)
        assert lost.kind == "failed"
        assert "lost" in lost.error
        assert host.status()["restarts"] == 0
    finally:
        host.stop()


def test_workers_that_are_gone_are_not_called_ready(tmp_path: Path) -> None:
    events = Events()
    stopped = tmp_path / "stopped"
    stopped.touch()
    # A pool that cannot be started again as long as the file is there.
    init = f"while [ -e {stopped} ]; do sleep 0.1; done"
    host = EndpointHost(spec(tmp_path / "state", worker_init=init), events)
    try:
        host.start()
        one = task(square, 5)
        assert host.status()["state"] == "idle"
        host.submit(one)
        wait_until(lambda: host.status()["state"] == "waiting for workers", "the task waits")
        assert host.pending_reason(one.task_id) == "waits for the endpoint tested to get workers"
        stopped.unlink()
        assert events.wait(one.task_id).result == 25
        wait_until(lambda: host.status()["state"] == "ready", "a worker is free")
    finally:
        host.stop()


def test_a_worker_that_is_killed_while_it_waits_holds_nothing_up(
    shared: tuple[EndpointHost, Events],
) -> None:
    worker = ended(shared, look_around).result
    assert isinstance(worker, dict)
    os.kill(int(worker["pid"]), signal.SIGKILL)
    one = task(square, 4)
    shared[0].submit(one)
    assert shared[1].wait(one.task_id, timeout=180).result == 16
