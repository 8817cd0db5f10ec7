"""A scheduler of another package, one file: jobs run, fail, are cancelled and found again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from headrace.compute import find_functions, reap
from headrace.compute.batch import (
    BatchJobError,
    run_batch_array,
    run_batch_job,
    submission,
    waiting,
)
from headrace.compute.batch.cancelling import open_jobs
from headrace.compute.batch.clusters import known_schedulers
from headrace.compute.process_records import HOST_ID_VARIABLE, HostRecord, HostRecords
from headrace.compute.scheduler import JobId, JobState, get_scheduler, scheduler_names
from headrace.compute.stage_file import stage_file_problems
from headrace.compute.stages import read_stage
from headrace.diagnostics.scheduler_check import check_scheduler
from headrace.project.project import load_project
from tests.support.repository import REPOSITORY, SUPPORT
from tests.support.waiting import wait_until

SOURCE = SUPPORT / "extensions" / "tiny_scheduler.py"
PAGE = REPOSITORY / "docs" / "add_a_scheduler.md"
HOLD = "echo x >> count; touch started; until [ -e go ]; do sleep 0.05; done"

Write = Callable[[str], str]


def install(site: Path, name: str, entry_points: str) -> None:
    """Install a distribution that has entry points and nothing else."""
    info = site / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[headrace.schedulers]\n{entry_points}\n")


@pytest.fixture(autouse=True)
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The directory of installed packages, with the scheduler's in it."""
    site = tmp_path / "site"
    install(site, "tiny", "tiny = tiny_scheduler:TinyScheduler")
    (site / "tiny_scheduler.py").write_text(SOURCE.read_text())
    monkeypatch.syspath_prepend(site)
    monkeypatch.setenv("PYTHONPATH", f"{site}:{os.environ.get('PYTHONPATH', '')}")
    (tmp_path / "spool").mkdir()
    monkeypatch.setenv("TINY_SPOOL", str(tmp_path / "spool"))
    monkeypatch.setenv("HEADRACE_SCHEDULER", "tiny")
    monkeypatch.setenv("HEADRACE_JOBS", "submit")
    # A job is in this scheduler's queue a moment after it was submitted.
    monkeypatch.setattr(waiting, "UNKNOWN_SECONDS", 30.0)
    monkeypatch.setattr(submission, "LOOKUP_PAUSES", (0.2, 0.4, 0.8))
    yield site
    scheduler = get_scheduler("tiny")
    jobs = scheduler.queue().jobs
    scheduler.cancel([JobId(job.number) for job in jobs])
    wait_until(lambda: all(job.state.final for job in scheduler.queue().jobs), "the jobs' ends")
    sys.modules.pop("tiny_scheduler", None)


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


def test_a_job_runs_with_what_its_directives_ask_for(script: Write, tmp_path: Path) -> None:
    text = '#TINY name=relax time=00:05:00\necho "$1 $TINY_ID $HEADRACE_LAUNCH"; echo data > out'
    done = run_batch_job(
        script(text), str(tmp_path / "w"), arguments=["hello"], outputs=["out"], ntasks=2
    )
    assert (done["status"], done["description"], done["exit_code"]) == ("finished", "finished", 0)
    job = Path(done["directory"])
    assert (job / "stdout").read_text() == f"hello {done['job_id']} mpiexec -n 2\n"
    assert json.loads((job / "host.json").read_text())["job_id"] == done["job_id"]
    assert "#TINY name=relax\n#TINY time=00:05:00\n" in (job / "submitted.sh").read_text()
    assert "setsid --fork" in (job / "command").read_text()
    (shown,) = get_scheduler("tiny").queue().jobs
    assert shown.name == "relax"
    # The script leaves its exit code a moment before the scheduler sees its end.
    show = get_scheduler("tiny").show
    wait_until(lambda: show(JobId(done["job_id"]))[0].state is JobState.COMPLETED, "the end")


def test_a_job_that_fails(script: Write, tmp_path: Path) -> None:
    with pytest.raises(BatchJobError, match="failed with code 3: no such model") as caught:
        run_batch_job(script("echo 'no such model' >&2; exit 3"), str(tmp_path / "w"))
    assert caught.value.retryable


def test_a_job_that_takes_too_long(script: Write, tmp_path: Path) -> None:
    with pytest.raises(BatchJobError, match="time limit"):
        run_batch_job(script("#TINY time=00:00:01\nsleep 100"), str(tmp_path / "w"))


def test_a_job_that_is_cancelled(
    script: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    thread, came = in_thread(script(HOLD), str(tmp_path / "w"), task_id="t")
    wait_until(lambda: (tmp_path / "w" / "started").exists(), "the job")
    # The process that cancels jobs has another environment than the one that submitted them.
    monkeypatch.delenv("HEADRACE_SCHEDULER")
    (scheduler,) = [one for one in known_schedulers() if one.name == "tiny"]
    scheduler.cancel(open_jobs(scheduler, {"t"}))
    thread.join()
    assert "cancelled" in str(came[0])


def test_the_job_of_a_killed_submitter_is_found_again(script: Write, tmp_path: Path) -> None:
    work, path = tmp_path / "w", script(HOLD)
    program = (
        "from headrace.compute.batch import run_batch_job\n"
        f"run_batch_job({path!r}, {str(work)!r}, task_id='t')\n"
    )
    submitter = subprocess.Popen([sys.executable, "-c", program])
    wait_until(lambda: (work / "started").exists(), "the job")
    submitter.send_signal(signal.SIGKILL)
    submitter.wait()
    thread, came = in_thread(path, str(work), task_id="t")
    (work / "go").touch()
    thread.join()
    assert came[0]["status"] == "finished"
    assert (work / "count").read_text() == "x\n"
    assert len(get_scheduler("tiny").queue().jobs) == 1
    # Once more, after everything is over: nothing is run.
    assert run_batch_job(path, str(work), task_id="t")["job_id"] == came[0]["job_id"]


def test_a_job_whose_id_was_never_recorded_is_found_by_its_tag(
    script: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = type(get_scheduler("tiny"))
    true_submit = kind.submit

    def lost(*arguments: Any) -> None:
        true_submit(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(kind, "submit", lost)
    with pytest.raises(KeyboardInterrupt):
        run_batch_job(script(HOLD), str(tmp_path / "w"), task_id="t")
    monkeypatch.setattr(kind, "submit", true_submit)
    (tmp_path / "w" / "go").touch()
    run_batch_job(script(HOLD), str(tmp_path / "w"), task_id="t")
    assert (tmp_path / "w" / "count").read_text() == "x\n"
    assert len(get_scheduler("tiny").queue().jobs) == 1


def test_a_job_of_another_scheduler_is_waited_for_where_it_is(
    script: Write, tmp_path: Path
) -> None:
    first, _ = in_thread(script(HOLD), str(tmp_path / "w"), task_id="first")
    wait_until(lambda: (tmp_path / "w" / "started").exists(), "the job")
    second, more = in_thread(
        script("echo y >> count"), str(tmp_path / "w"),
        task_id="second", scheduler="slurm", how="here",
    )  # fmt: skip
    (tmp_path / "w" / "go").touch()
    first.join()
    second.join()
    assert (tmp_path / "w" / "count").read_text() == "x\ny\n"
    assert more[0]["status"] == "finished"


def test_a_job_outlives_the_endpoint_that_submitted_it(
    script: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = HostRecord("0123456789abcdef", os.getppid(), 1.0, "", "")
    HostRecords(tmp_path / "state").write(host)
    monkeypatch.setenv(HOST_ID_VARIABLE, host.host_id)
    thread, came = in_thread(script(HOLD), str(tmp_path / "w"))
    wait_until(lambda: (tmp_path / "w" / "started").exists(), "the job")
    assert reap(tmp_path / "state") == []
    (tmp_path / "w" / "go").touch()
    thread.join()
    assert came[0]["status"] == "finished"


def test_a_job_inside_of_an_allocation_belongs_to_it(
    script: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINY_ID", "17")
    monkeypatch.setenv("TINY_LOG", "/of/the/job/around")
    text = script('echo "$TINY_ID $TINY_LOG"')
    done = run_batch_job(text, str(tmp_path / "w"), how="here", task_id="t")
    assert done["job_id"] == "17"
    assert (tmp_path / "w" / "job" / "stdout").read_text() == "17 \n"
    # It is done: what has succeeded for a task is not run again, here either.
    Path(text).write_text("exit 1\n")
    assert run_batch_job(text, str(tmp_path / "w"), how="here", task_id="t")["exit_code"] == 0


@pytest.mark.parametrize(
    ("directive", "settings", "words"),
    [
        ("", {"requeue": True}, "requeue: Tiny has no requeueing of jobs; do without"),
        ("", {"nodes": 2}, "nodes = 2: Tiny has one node"),
        ("", {"options": ["--exclusive"]}, "option '--exclusive': Tiny has no options"),
        ("#TINY nodes=2", {}, r"work\.sh:2: #TINY nodes: there are time and name"),
        (
            "",
            {"scheduler": "large"},
            "scheduler 'large': there is flux, hq, slurm, tiny; another one is",
        ),
    ],
)
def test_settings_that_the_scheduler_does_not_have(
    script: Write, tmp_path: Path, directive: str, settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(BatchJobError, match=words) as caught:
        run_batch_job(script(directive), str(tmp_path / "w"), **settings)
    assert "\n" not in str(caught.value)


def test_a_stage_names_its_scheduler(
    script: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HEADRACE_SCHEDULER")
    file = tmp_path / "data_run.toml"
    file.write_text('[convert.job]\nscheduler = "tiny"\n')
    assert stage_file_problems(file) == []
    job = read_stage(file, "convert").job
    done = run_batch_job(script("true"), str(tmp_path / "w"), **job)
    record = json.loads((Path(done["directory"]) / "submission.json").read_text())
    assert record["scheduler"] == "tiny"


def test_arrays_are_refused_in_one_line(script: Write, tmp_path: Path) -> None:
    with pytest.raises(BatchJobError, match="an array of jobs: Tiny has no job arrays"):
        run_batch_array(script("true"), str(tmp_path / "w"), [["a"], ["b"]])


def test_one_that_cannot_be_used_is_named_and_the_others_work(site: Path) -> None:
    install(site, "broken", "gone = no_such_module:Gone\nempty = json:JSONDecoder")
    install(site, "one", "twice = one:Scheduler")
    install(site, "two", "twice = two:Scheduler\nslurm = two:Scheduler")
    faults = {
        "gone": "no_such_module:Gone cannot be used: No module named 'no_such_module'; repair",
        "empty": "json:JSONDecoder cannot be used: it is no Scheduler: abilities, .* missing",
        "twice": "several packages define it, one:Scheduler and two:Scheduler",
    }
    for name, words in faults.items():
        with pytest.raises(BatchJobError, match=words) as caught:
            get_scheduler(name)
        assert "\n" not in str(caught.value)
    assert scheduler_names() == ["empty", "flux", "gone", "hq", "slurm", "tiny", "twice"]
    assert get_scheduler("tiny").title == "Tiny"
    assert get_scheduler("slurm").title == "Slurm"


def test_a_registered_function_uses_the_scheduler_that_is_installed_where_it_runs(
    script: Write, tmp_path: Path
) -> None:
    """Its copy of the scheduler package is another one than that which the scheduler imports."""
    functions = tmp_path / "functions"
    functions.mkdir()
    (functions / "relax.py").write_text(
        textwrap.dedent('''
            def relax(script: str, workdir: str) -> dict:
                """Run a job."""
                from headrace.compute.batch import BatchJobError, run_batch_job

                try:
                    return run_batch_job(script, workdir, submit_timeout="00:00:00")
                except BatchJobError as error:
                    return {"error": str(error)}
        ''')
    )
    code = find_functions(functions)["relax"].code.partition(":")[2]
    (tmp_path / "registered.py").write_text(code)
    text = script("[ ! -e broken ] || exit 4")
    program = f"""
import json, os
exec(open({str(tmp_path / "registered.py")!r}).read())
print(json.dumps(relax({text!r}, {str(tmp_path / "w")!r})))
open({str(tmp_path / "w" / "broken")!r}, "w").close()
os.environ["GC_TASK_UUID"] = "second"
print(json.dumps(relax({text!r}, {str(tmp_path / "w")!r})))
os.environ["TINY_SPOOL"] = "/dev/null/spool"
print(json.dumps(relax({text!r}, {str(tmp_path / "v")!r}).get("error")))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    first, second, third = (json.loads(line) for line in done.stdout.splitlines())
    assert (first["status"], first["state"]) in [("finished", "COMPLETED"), ("finished", "")]
    assert "failed with code 4" in second["error"]
    assert "/dev/null/spool" in third


def test_doctor_asks_the_scheduler_of_an_endpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "endpoint_configs" / "login"
    folder.mkdir(parents=True)
    (folder / "user_config_template.yaml.j2").write_text("engine: {}\n")
    environment = folder / "user_environment.yaml"
    environment.write_text("HEADRACE_JOBS: submit\nHEADRACE_SCHEDULER: tiny\n")
    (tmp_path / "headrace.toml").write_text(
        '[collections.site]\nroot = "."\n[endpoints.site]\ntemplate = "login"\n'
    )
    monkeypatch.delenv("HEADRACE_SCHEDULER")
    project = load_project(tmp_path / "headrace.toml")
    (found,) = check_scheduler(project, "site")
    assert (found.health, found.message) == ("good", "it answers; 0 jobs of yours, no job arrays")
    assert found.subject == "Tiny of endpoint site"
    environment.write_text("HEADRACE_JOBS: submit\nHEADRACE_SCHEDULER: large\n")
    (found,) = check_scheduler(project, "site")
    assert (found.health, "there is flux, hq, slurm, tiny" in found.message) == ("bad", True)
    environment.write_text("HEADRACE_JOBS: hq\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    (found,) = check_scheduler(project, "site")
    assert found.subject == "HyperQueue of endpoint site"
    assert found.message == "hq: not on PATH of this machine"


def test_the_page_shows_this_scheduler() -> None:
    assert f"```python\n{SOURCE.read_text()}```" in PAGE.read_text()
