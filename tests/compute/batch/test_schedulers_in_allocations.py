"""HyperQueue and Flux: jobs run, fail, are cancelled, lost and found again.

Flux is the real one, where it is on PATH. HyperQueue too; where it is not on PATH, its place is
taken by a stand-in that says in its docstring what it is.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from headrace.compute.attempts import run_repeated_job
from headrace.compute.batch import BatchJobError, run_batch_array, run_batch_job, submission
from headrace.compute.batch.cancelling import open_jobs
from headrace.compute.scheduler import (
    CompletionStatus,
    JobId,
    JobState,
    get_scheduler,
    job_of_process,
)
from tests.support.compute.flux_instance import FluxInstance
from tests.support.compute.hq_cluster import HqCluster
from tests.support.waiting import wait_until

HOLD = "echo x >> count; touch started; until [ -e go ]; do sleep 0.05; done"

Instance = HqCluster | FluxInstance
Write = Callable[[str], str]


@pytest.fixture(params=["hq", "flux"], scope="module")
def of_module(request: pytest.FixtureRequest, tmp_path_factory: Any) -> Iterator[tuple[str, Any]]:
    kind: Any = {"hq": HqCluster, "flux": FluxInstance}[request.param]
    instance = kind(tmp_path_factory.mktemp(request.param) / "server")
    yield request.param, instance
    instance.stop()


@pytest.fixture
def how(
    of_module: tuple[str, Instance], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """The value of `how`; the program finds its server."""
    name, instance = of_module
    for variable, value in instance.variables().items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("HEADRACE_SCHEDULER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(submission, "LOOKUP_PAUSES", (0.2, 0.4, 0.8))
    yield name
    for variable, value in instance.variables().items():
        monkeypatch.setenv(variable, value)  # a test may have been at another instance
    scheduler = get_scheduler(name)
    scheduler.cancel([JobId(job.number) for job in scheduler.queue().jobs if not job.state.final])


@pytest.fixture
def script(tmp_path: Path) -> Write:
    def write(text: str) -> str:
        path = tmp_path / "work.sh"
        path.write_text(f"#!/bin/bash\n{text}\n")
        return str(path)

    return write


def in_thread(*arguments: Any, **more: Any) -> tuple[threading.Thread, list[Any]]:
    """Run a job in a thread; its result, or its error, comes into the list."""
    came: list[Any] = []

    def work() -> None:
        try:
            came.append(run_batch_job(*arguments, **more))
        except BatchJobError as error:
            came.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread, came


def test_a_job_runs_with_what_it_asks_for(
    how: str, script: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_WORKER", "seen")
    done = run_batch_job(
        script('echo "$1 $OF_WORKER $OWN $HEADRACE_LAUNCH"; echo data > out'),
        str(tmp_path / "w"),
        how=how,
        arguments=["hello there"],
        outputs=["out"],
        name="relax",
        walltime="00:05:00",
        environment={"OWN": "a b"},
    )
    assert (done["status"], done["exit_code"], done["cores"]) == ("finished", 0, 1)
    job = Path(done["directory"])
    launch = {"hq": "mpiexec -n 1", "flux": "flux run --nodes=1 --ntasks=1 --cores-per-task=1"}
    assert (job / "stdout").read_text() == f"hello there seen a b {launch[how]}\n"
    assert json.loads((job / "host.json").read_text())["job_id"] == done["job_id"]
    assert json.loads((job / "submission.json").read_text())["scheduler"] == how
    scheduler = get_scheduler(how)

    def shown() -> JobState:
        return scheduler.show(JobId(done["job_id"]))[0].state

    wait_until(lambda: shown() is JobState.COMPLETED, "the end")
    (row,) = [one for one in scheduler.queue().jobs if one.number == done["job_id"]]
    assert (row.name, row.tag[:9]) == ("relax", "headrace:")


def test_a_job_that_fails(how: str, script: Write, tmp_path: Path) -> None:
    with pytest.raises(BatchJobError, match="failed with code 3: no such model") as caught:
        run_batch_job(script("echo 'no such model' >&2; exit 3"), str(tmp_path / "w"), how=how)
    assert caught.value.status is CompletionStatus.FAILED


def test_a_job_that_takes_too_long(how: str, script: Write, tmp_path: Path) -> None:
    line = {"hq": "#HQ --time-limit=00:00:01", "flux": "#flux: -t1s"}[how]
    with pytest.raises(BatchJobError, match="time limit"):
        run_batch_job(script(f"{line}\nsleep 100"), str(tmp_path / "w"), how=how)


def test_a_job_that_is_cancelled(how: str, script: Write, tmp_path: Path) -> None:
    thread, came = in_thread(script(HOLD), str(tmp_path / "w"), task_id="t", how=how)
    wait_until(lambda: (tmp_path / "w" / "started").exists(), "the job")
    scheduler = get_scheduler(how)
    scheduler.cancel(open_jobs(scheduler, {"t"}))
    thread.join()
    assert "cancelled" in str(came[0])
    # Once more: what has ended is left alone.
    scheduler.cancel([JobId(str(row.number)) for row in scheduler.queue().jobs])


def test_the_job_of_a_killed_submitter_is_found_again(
    how: str, script: Write, tmp_path: Path
) -> None:
    work, path = tmp_path / "w", script(HOLD)
    program = (
        "from headrace.compute.batch import run_batch_job\n"
        f"run_batch_job({path!r}, {str(work)!r}, task_id='t', how={how!r})\n"
    )
    submitter = subprocess.Popen([sys.executable, "-c", program])
    wait_until(lambda: (work / "started").exists(), "the job")
    submitter.send_signal(signal.SIGKILL)
    submitter.wait()
    thread, came = in_thread(path, str(work), task_id="t", how=how)
    (work / "go").touch()
    thread.join()
    assert came[0]["status"] == "finished"
    assert (work / "count").read_text() == "x\n"


def test_a_job_whose_id_was_never_recorded_is_found_by_its_tag(
    how: str, script: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = type(get_scheduler(how))
    true_submit = kind.submit

    def lost(*arguments: Any) -> None:
        true_submit(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(kind, "submit", lost)
    with pytest.raises(KeyboardInterrupt):
        run_batch_job(script(HOLD), str(tmp_path / "w"), task_id="t", how=how)
    monkeypatch.setattr(kind, "submit", true_submit)
    (tmp_path / "w" / "go").touch()
    run_batch_job(script(HOLD), str(tmp_path / "w"), task_id="t", how=how)
    assert (tmp_path / "w" / "count").read_text() == "x\n"


def test_what_cannot_be_had_is_refused(how: str, script: Write, tmp_path: Path) -> None:
    def error(text: str = "true", **settings: Any) -> str:
        with pytest.raises(BatchJobError) as caught:
            run_batch_job(script(text), str(tmp_path / "w"), how=how, **settings)
        return str(caught.value)

    prefix = {"hq": "#HQ", "flux": "#flux:"}[how]
    assert "work.sh:2: " in error(f"{prefix} --env=A=1")
    assert "headrace sets that itself" in error(options=["--cwd=/tmp"])
    assert "launcher 'srun'" in error(launcher="srun")
    assert "not with scheduler 'slurm'" in error(scheduler="slurm")
    with pytest.raises(BatchJobError, match="has no job arrays"):
        run_batch_array(script("true"), str(tmp_path / "w"), [["a"]], scheduler=how)


def test_no_server_is_no_answer_and_no_submission(
    how: str, script: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable = {"hq": "HQ_SERVER_DIR", "flux": "FLUX_URI"}[how]
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv(variable, f"local://{tmp_path}/no")
        with pytest.raises(BatchJobError, match="refuses"):
            run_batch_job(script("true"), str(tmp_path / "w"), how=how, submit_timeout="00:00:01")
        with pytest.raises(BatchJobError):
            get_scheduler(how).queue()
        elsewhere.setenv("PATH", str(tmp_path))
        with pytest.raises(BatchJobError, match=f"{how}: must be on PATH"):
            run_batch_job(script("true"), str(tmp_path / "v"), how=how)


def test_the_job_of_a_process_is_known(how: str, script: Write, tmp_path: Path) -> None:
    done = run_batch_job(script("env -0 > variables"), str(tmp_path / "w"), how=how)
    words = (tmp_path / "w" / "variables").read_bytes().decode().split("\0")
    variables = dict(word.split("=", 1) for word in words if word)
    assert job_of_process(variables, [get_scheduler(how)]) == done["job_id"]


def test_a_lost_worker_is_told_as_a_lost_node(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: Write
) -> None:
    # An instance of its own: it loses a node.
    kind: Any = {"hq": HqCluster, "flux": FluxInstance}[how]
    instance = kind(tmp_path / "server")
    try:
        for variable, value in instance.variables().items():
            monkeypatch.setenv(variable, value)
        options = {"hq": [], "flux": ["--requires=rank:1"]}[how]
        came: list[BatchJobError] = []

        def work() -> None:
            try:
                run_repeated_job(
                    script(HOLD), str(tmp_path / "w"), how=how, attempts=1, options=options
                )
            except BatchJobError as error:
                came.append(error)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        wait_until(lambda: (tmp_path / "w" / "started").exists(), "the job", 60)
        instance.lose_worker()
        thread.join()
        assert came[0].status is CompletionStatus.NODE_FAILURE, str(came[0])
        attempts = json.loads((tmp_path / "w" / "job" / "attempts.json").read_text())
        assert '"node lost"' in json.dumps(attempts)
    finally:
        instance.stop()
