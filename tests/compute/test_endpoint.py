"""Endpoints from the template `local`: real engines, real workers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest

from headrace.compute import ComputeError, EndpointHost, TaskSpec, own_versions, reap
from tests.support.compute.endpoints import MARK, Events, alive, descendants, marked, spec, task
from tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(120)


def describe(first: int, *, second: str) -> dict:
    import os
    from pathlib import Path

    return {
        "sum": [first, second],
        "python_first": os.environ["PATH"].split(":")[0],
        "project": os.environ["HEADRACE_PROJECT"],
        "directory": str(Path.cwd()),
    }


def fail(text: str) -> None:
    raise ValueError(text)


def give_a_set() -> set:
    return {1}


def give_nan() -> float:
    return float("nan")


def give_an_array() -> object:
    import numpy

    return numpy.zeros(3)


def give_much(megabytes: int) -> str:
    return "x" * megabytes * 1_000_000


def import_what_is_not_there() -> None:
    import not_installed_there  # noqa: F401


def talk(megabytes: int) -> int:
    import os
    import sys

    for _ in range(megabytes):
        print("x" * 1_000_000)
    sys.stderr.write("y" * 1_000_000)
    return len(os.read(0, 100))


def die() -> None:
    import os

    os._exit(7)


def kill_the_pool() -> None:
    import os
    import signal

    os.kill(os.getppid(), signal.SIGKILL)
    signal.pause()


def imported(name: str) -> list[bool]:
    import importlib
    import sys

    before = name in sys.modules
    return [before, importlib.import_module(name).__name__ == name]


def use_requests() -> list:
    import sys

    import requests

    kinds = {type(module).__name__ for module in sys.modules.values()}
    return [
        requests.packages.urllib3.__name__,
        type(requests.__version__).__name__,
        requests.exceptions.Timeout.__name__,
        "DeferredPackage" in kinds,
        "parsl.dataflow.dflow" in sys.modules,
    ]


def run_program(started: str, seconds: int) -> str:
    """Runs a program; the second time it is quick."""
    import subprocess
    from pathlib import Path

    first = not Path(started).exists()
    with Path(started).open("a") as file:
        file.write("started\n")
    if first:
        subprocess.run(["sleep", str(seconds)], check=True)
    return "ended"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[EndpointHost, Events]]:
    events = Events()
    host = EndpointHost(spec(tmp_path_factory.mktemp("shared") / "state", workers=2), events)
    host.start()
    yield host, events
    host.stop()


def run(shared: tuple[EndpointHost, Events], one: TaskSpec) -> object:
    host, events = shared
    host.submit(one)
    return events.wait(one.task_id)


def test_a_function_runs_in_the_workers_environment(shared: tuple[EndpointHost, Events]) -> None:
    one = task(describe, 3, second="four")
    done = run(shared, one)
    assert done.kind == "done", done.error
    assert done.result["sum"] == [3, "four"]
    assert done.result["python_first"] == str(Path(sys.executable).parent)
    assert done.result["project"] == str(shared[0].spec.project_root)
    assert Path(done.result["directory"]).parent == shared[0].spec.state_dir
    kinds = [e.kind for e in shared[1].of(one.task_id)]
    assert kinds in (["done"], ["running", "done"])


def test_a_worker_imports_no_database_toolkit_but_a_function_may(
    shared: tuple[EndpointHost, Events],
) -> None:
    pytest.importorskip("sqlalchemy")
    assert run(shared, task(imported, "sqlalchemy")).result == [False, True]


def test_a_function_has_its_packages_in_full(shared: tuple[EndpointHost, Events]) -> None:
    pytest.importorskip("requests")
    one = task(use_requests)
    assert run(shared, one).result == ["urllib3", "str", "Timeout", False, False]


def test_versions_at_the_endpoint_and_at_its_workers_are_known(
    shared: tuple[EndpointHost, Events],
) -> None:
    run(shared, task(use_requests))
    wait_until(lambda: shared[0].status()["worker_versions"], "the workers' versions")
    status = shared[0].status()
    (workers,) = status["worker_versions"]
    assert status["versions"] == own_versions()
    for name in ("python", "parsl"):
        assert workers[name] == own_versions()[name]


def test_running_is_told(shared: tuple[EndpointHost, Events], tmp_path: Path) -> None:
    one = task(run_program, str(tmp_path / "started"), 600)
    shared[0].submit(one)
    shared[1].wait(one.task_id, "running")
    assert shared[0].status()["tasks"] == {"running": 1}
    wait_until((tmp_path / "started").exists, "the program runs")
    shared[0].cancel(one.task_id)
    cancelled = shared[1].wait(one.task_id)
    assert (cancelled.kind, cancelled.error) == ("failed", "the task was cancelled")
    task_id = one.task_id
    wait_until(lambda: not marked(task_id, "GC_TASK_UUID"), "the task's program is ended")
    assert shared[0].status()["tasks"] == {}


@pytest.mark.parametrize(
    ("function", "arguments", "line"),
    [
        (fail, ["a station\nwithout a name"], "ValueError: a station without a name (line 2 of"),
        (give_a_set, [], "result is not JSON: Object of type set is not JSON serializable"),
        (give_nan, [], "the result: NaN; numbers must be finite"),
        (describe, [1], "TypeError: describe() missing 1 required keyword-only argument: 'second'"),
        pytest.param(
            give_an_array,
            [],
            "is not JSON: Object of type ndarray is not JSON serializable; return",
            marks=pytest.mark.skipif(find_spec("numpy") is None, reason="needs numpy"),
        ),
        (give_much, [20], "result is too large: 200000"),
        (import_what_is_not_there, [], "No module named 'not_installed_there'; install it where"),
        (die, [], "the worker that ran the task died"),
    ],
)
def test_a_failure_is_one_line(
    shared: tuple[EndpointHost, Events], function: object, arguments: list, line: str
) -> None:
    failed = run(shared, task(function, *arguments))
    assert failed.kind == "failed"
    assert line in failed.error
    assert "\n" not in failed.error


def test_the_whole_traceback_is_kept(shared: tuple[EndpointHost, Events]) -> None:
    failed = run(shared, task(fail, "why"))
    kept = Path(failed.error.rsplit("[", 1)[1].rstrip("]"))
    assert kept.read_text().startswith("Traceback")
    assert kept.stat().st_mode & 0o777 == 0o600


def test_output_and_standard_input_stay_away_from_the_protocol(
    shared: tuple[EndpointHost, Events],
) -> None:
    done = run(shared, task(talk, 20))
    assert (done.kind, done.result) == ("done", 0)


def test_the_same_task_twice_is_one_task(
    shared: tuple[EndpointHost, Events], tmp_path: Path
) -> None:
    host, events = shared
    one = task(run_program, str(tmp_path / "started"), 1)
    host.submit(one)
    host.submit(one)
    assert events.wait(one.task_id).kind == "done"
    assert (tmp_path / "started").read_text() == "started\n"


def test_a_task_may_bring_its_own_configuration(shared: tuple[EndpointHost, Events]) -> None:
    host, _ = shared
    plain = task(describe, 1, second="")
    wrong = TaskSpec(plain.task_id, plain.function_code, user_endpoint_config={"worker": 2})
    with pytest.raises(
        ComputeError, match="unknown option worker; it knows available_accelerators, cpu"
    ):
        host.submit(wrong)
    code = "st\nf:def f():\n    import os\n    return os.environ.get('FROM_INIT')\n"
    config = {"worker_init": "export FROM_INIT='a \"b\" $HOME'"}
    one = TaskSpec(str(uuid.uuid4()), code, user_endpoint_config=config)
    done = run(shared, one)
    assert done.result == 'a "b" $HOME'


def test_arguments_must_be_json(shared: tuple[EndpointHost, Events]) -> None:
    with pytest.raises(ComputeError, match="arguments are no JSON"):
        shared[0].submit(task(describe, {1, 2}, second=""))


def test_a_lost_pool_fails_its_task_and_the_next_one_runs(tmp_path: Path) -> None:
    events = Events()
    host = EndpointHost(spec(tmp_path / "state", heartbeat_threshold=8), events)
    try:
        lost, after = task(kill_the_pool), task(fail, "ran")
        host.submit(lost)
        assert events.wait(lost.task_id).kind == "failed"
        host.submit(after)
        assert "ValueError: ran" in events.wait(after.task_id).error
    finally:
        host.stop()


@pytest.mark.parametrize("victim", ["host", "interchange"])
def test_a_killed_host_or_interchange_is_survived(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, victim: str
) -> None:
    mark = uuid.uuid4().hex
    monkeypatch.setenv(MARK, mark)
    events = Events()
    started = tmp_path / "started"
    host = EndpointHost(spec(tmp_path / "state"), events)
    try:
        one = task(run_program, str(started), 600)
        host.submit(one)
        wait_until(started.exists, "the task runs")
        first = host.pid
        before = marked(mark)
        assert first is not None
        family = descendants(first)
        if victim == "host":
            os.kill(first, signal.SIGKILL)
        else:
            (line,) = [p for p in before if "HTEX interchange" in p]
            os.kill(int(line.split()[0]), signal.SIGKILL)
        done = events.wait(one.task_id)
        assert (done.kind, done.result) == ("done", "ended")
        assert host.pid != first
        assert host.status()["restarts"] == 1
        assert not set(before) & set(marked(mark)), "something of the first life is left"
        assert not alive(family)
    finally:
        host.stop()
    assert started.read_text() == "started\n" * 2
    assert [e.kind for e in events.of(one.task_id)].count("done") == 1
    assert marked(mark) == []


PARENT = """
import sys
from pathlib import Path
from tests.support.compute.endpoints import spec, task
from tests.compute.test_endpoint import run_program
from headrace.compute import EndpointHost
host = EndpointHost(spec(Path(sys.argv[1])), print)
host.submit(task(run_program, sys.argv[2], 600))
sys.stdin.read()
"""


@pytest.mark.parametrize("child_too", [False, True])
def test_a_killed_parent_leaves_nothing(tmp_path: Path, child_too: bool) -> None:
    mark = uuid.uuid4().hex
    started, state = tmp_path / "started", tmp_path / "state"
    paths = os.pathsep.join(p for p in sys.path if p)
    with (
        subprocess.Popen(
            [sys.executable, "-c", PARENT, str(state), str(started)],
            env={**os.environ, MARK: mark, "PYTHONPATH": paths},
            stdin=subprocess.PIPE,
        ) as parent,
        subprocess.Popen(
            ["sleep", "600"], env={**os.environ, "HEADRACE_HOST_ID": "0123456789abcdef"}
        ) as stranger,
    ):
        try:
            wait_until(started.exists, "the task runs")
            with pytest.raises(ComputeError, match=f"in use by process {parent.pid}"):
                reap(state)
            family = descendants(parent.pid)
            parent.kill()
            if child_too:
                (child,) = [p for p in family if "headrace.compute.host" in p.cmdline()]
                child.kill()
            parent.wait()
            if child_too:
                assert len(marked(mark)) > 3, "interchange, workers and program outlive both"
                ended = reap(state)
                assert any(line.startswith("sleep (pid") for line in ended), ended
            wait_until(lambda: not marked(mark) and not alive(family), "no process is left")
            wait_until(lambda: not list((state / "hosts").iterdir()), "no record is left")
            assert reap(state) == []
            assert stranger.poll() is None, "a process that is not ours was ended"
            assert psutil.pid_exists(stranger.pid)
        finally:
            parent.kill()
            stranger.kill()


def test_a_worker_init_that_fails_is_told(tmp_path: Path) -> None:
    events = Events()
    options = {"worker_init": "echo no such module: seismic/9 >&2; exit 3"}
    host = EndpointHost(spec(tmp_path / "state", **options), events)
    try:
        one = task(give_nan)
        host.submit(one)
        failed = events.wait(one.task_id)
    finally:
        host.stop()
    assert failed.kind == "failed"
    assert "exit code 3" in failed.error
    assert "no such module: seismic/9" in failed.error
