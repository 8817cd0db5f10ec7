"""Batch jobs on a real Slurm: submitted once, their story in the job's directory."""

from __future__ import annotations

import json
import os
import shutil
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from headrace.compute.batch import BatchJobError, outcome, run_batch_array, run_batch_job
from headrace.compute.batch import queue_cache as queue_cache_module
from headrace.compute.batch.queue_cache import QueueCache
from headrace.compute.batch.usage import count_cores
from headrace.compute.scheduler import JobId, Queue, get_scheduler
from headrace.compute.scheduler.slurm import Slurm
from tests.support.slurm_cluster import SlurmCluster
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slurm

Write = Callable[[str], str]


@pytest.fixture(autouse=True)
def cluster(
    slurm: SlurmCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[SlurmCluster]:
    for name, value in slurm.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HEADRACE_JOBS", "submit")
    monkeypatch.setenv("HEADRACE_SCHEDULER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    yield slurm
    slurm.run("scancel", f"--user={os.getuid()}", check=False)
    slurm.wait_for_empty_queue()


@pytest.fixture
def script(tmp_path: Path) -> Write:
    def write(text: str) -> str:
        path = tmp_path / "work.sbatch"
        path.write_text(f"#!/bin/bash\n{text}\n")
        return str(path)

    return write


def job(tmp_path: Path) -> Path:
    return tmp_path / "w" / "job"


def story(tmp_path: Path) -> dict[str, Any]:
    ended: dict[str, Any] = json.loads((job(tmp_path) / "outcome.json").read_text())
    return ended


def in_thread(*arguments: Any, **more: Any) -> tuple[threading.Thread, list[Any]]:
    """Runs a job in a thread; its result, or its error, comes into the list."""
    came: list[Any] = []

    def work() -> None:
        try:
            came.append(run_batch_job(*arguments, **more))
        except BatchJobError as error:
            came.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    return thread, came


def test_a_job_that_succeeds(script: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MY_API_TOKEN", "marked-secret")
    monkeypatch.setenv("SLURM_NTASKS", "99")
    text = 'echo "$1 $SLURM_NTASKS token=$MY_API_TOKEN"; pwd; echo data > out.txt'
    done = run_batch_job(
        script(text), str(tmp_path / "w"), arguments=["hello"], outputs=["out.txt"], name="forward"
    )
    assert (done["description"], done["exit_code"], done["restarts"]) == ("finished", 0, 0)
    directory = Path(done["directory"])
    assert directory == job(tmp_path)
    assert (directory / "stdout").read_text().splitlines() == [
        "hello 1 token=",
        str(tmp_path / "w"),
    ]
    place = json.loads((directory / "host.json").read_text())
    assert place["job_id"] == done["job_id"]
    assert place["nodes"] in {"n1", "n2"}
    assert "sbatch --parsable" in (directory / "command").read_text()
    assert "echo data" in (directory / "work.sbatch").read_text()
    for path in directory.rglob("*"):
        assert path.is_dir() or "marked-secret" not in path.read_text()


def test_a_job_that_fails_is_told_with_its_code_and_last_words(script: Write, tmp_path: Path):
    with pytest.raises(BatchJobError) as caught:
        run_batch_job(script("echo 'no such model' >&2; exit 3"), str(tmp_path / "w"))
    line = str(caught.value)
    assert "failed with code 3: no such model" in line
    assert str(job(tmp_path)) in line
    assert "\n" not in line
    assert story(tmp_path)["description"] == "failed with code 3"


def test_a_script_that_ends_in_echo_has_not_succeeded(
    script: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(outcome, "OUTPUT_SECONDS", 1.0)
    text = "false; echo done"
    with pytest.raises(BatchJobError, match=r"outputs missing: result\.h5"):
        run_batch_job(script(text), str(tmp_path / "w"), outputs=["result.h5"])


def test_two_ranks_on_two_nodes(script: Write, tmp_path: Path):
    program = tmp_path / "ranks.py"
    program.write_text(
        "from mpi4py import MPI\nc = MPI.COMM_WORLD\n"
        "import os\nnames = c.gather(os.environ.get('SLURMD_NODENAME'))\n"
        "if c.rank == 0: print(c.size, sorted(names))\n"
    )
    text = f"$HEADRACE_LAUNCH {sys.executable} {program}"
    done = run_batch_job(script(text), str(tmp_path / "w"), nodes=2, ntasks=2, mpi="pmi2")
    assert (Path(done["directory"]) / "stdout").read_text() == "2 ['n1', 'n2']\n"


def test_core_hours_count_the_processors_of_all_nodes(script: Write, tmp_path: Path):
    text = 'echo "$SLURM_JOB_CPUS_PER_NODE"; sleep 2'
    done = run_batch_job(script(text), str(tmp_path / "w"), nodes=2, ntasks=2)
    printed = (Path(done["directory"]) / "stdout").read_text().strip()
    place = json.loads((Path(done["directory"]) / "host.json").read_text())
    assert place["cores"] == printed
    assert done["cores"] == count_cores(printed) >= 2
    assert done["core_hours"] > 0
    assert done["started_at"] < done["ended_at"]
    assert story(tmp_path)["core_hours"] == done["core_hours"]


def test_the_same_task_finds_its_job_again(script: Write, tmp_path: Path, cluster: SlurmCluster):
    text = "echo x >> count; until [ -e go ]; do sleep 0.1; done"
    arguments = (script(text), str(tmp_path / "w"))
    first, came = in_thread(*arguments, task_id="t")
    wait_until(lambda: (tmp_path / "w" / "count").exists(), "the job")
    second, more = in_thread(*arguments, task_id="t")
    wait_until(lambda: len(cluster.queue()) == 1, "one job")
    (tmp_path / "w" / "go").touch()
    first.join()
    second.join()
    assert came[0]["job_id"] == more[0]["job_id"]
    # Once more, after everything is over: nothing is run.
    again = run_batch_job(*arguments, task_id="t")
    assert again["job_id"] == came[0]["job_id"]
    assert (tmp_path / "w" / "count").read_text() == "x\n"


def test_a_crash_between_intent_and_answer_submits_nothing_twice(
    script: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    true_submit = Slurm.submit

    def lost(*arguments: Any) -> JobId:
        true_submit(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(Slurm, "submit", lost)
    text = "echo x >> count; until [ -e go ]; do sleep 0.1; done"
    with pytest.raises(KeyboardInterrupt):
        run_batch_job(script(text), str(tmp_path / "w"), task_id="t")
    monkeypatch.setattr(Slurm, "submit", true_submit)
    (tmp_path / "w" / "go").touch()
    run_batch_job(script(text), str(tmp_path / "w"), task_id="t")
    assert (tmp_path / "w" / "count").read_text() == "x\n"


def test_sbatch_that_times_out_after_submitting(
    script: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    # A stand-in before the real sbatch: it submits, and then does not answer.
    stand_in = tmp_path / "bin" / "sbatch"
    stand_in.parent.mkdir()
    stand_in.write_text(f'#!/bin/bash\n{shutil.which("sbatch")} "$@"\nexec sleep 60\n')
    stand_in.chmod(stand_in.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{stand_in.parent}:{os.environ['PATH']}")
    monkeypatch.setattr(Slurm.__init__, "__defaults__", ("", 2.0))
    done = run_batch_job(script("echo x >> count"), str(tmp_path / "w"))
    assert done["description"] == "finished"
    assert (tmp_path / "w" / "count").read_text() == "x\n"


def test_a_partition_that_is_not_there(script: Write, tmp_path: Path):
    with pytest.raises(BatchJobError, match=r"sbatch refuses: .*partition"):
        run_batch_job(script("true"), str(tmp_path / "w"), partition="nowhere")


def test_a_job_that_is_cancelled(script: Write, tmp_path: Path, cluster: SlurmCluster):
    thread, came = in_thread(script("touch here; sleep 100"), str(tmp_path / "w"))
    wait_until(lambda: (tmp_path / "w" / "here").exists(), "the job")
    cluster.run("scancel", *cluster.queue())
    thread.join()
    assert "cancelled" in str(came[0])
    states = (job(tmp_path) / "states.jsonl").read_text()
    assert '"CANCELLED"' in states


def test_a_job_that_waits_for_resources_and_is_cancelled_never_started(
    script: Write, tmp_path: Path, cluster: SlurmCluster
):
    blocker = cluster.run(
        "sbatch", "--parsable", "--exclusive", "-N2", "-o", "/dev/null", "--wrap", "sleep 300"
    )
    thread, came = in_thread(script("true"), str(tmp_path / "w"))
    wait_until(
        lambda: (
            "PENDING" in (job(tmp_path) / "states.jsonl").read_text()
            if (job(tmp_path) / "states.jsonl").exists()
            else False
        ),
        "the state",
    )
    states = [json.loads(line) for line in (job(tmp_path) / "states.jsonl").open()]
    assert states[0]["reason"] in {"Resources", "Priority", "None"}
    mine = [number for number in cluster.queue() if number != blocker.strip()]
    cluster.run("scancel", *mine)
    thread.join()
    assert isinstance(came[0], BatchJobError)
    assert not (job(tmp_path) / "host.json").exists()


def test_a_container_runs_the_script_with_its_binds(
    script: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    # A stand-in for the container program: it notes how it was called and runs the command.
    stand_in = tmp_path / "bin" / "shifter"
    stand_in.parent.mkdir()
    stand_in.write_text(
        f'#!/bin/bash\nprintf "%s\\n" "$@" > {tmp_path}/called\n'
        'while [ "$1" != bash ]; do shift; done\nexec "$@"\n'
    )
    stand_in.chmod(stand_in.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{stand_in.parent}:{os.environ['PATH']}")
    run_batch_job(
        script("echo $1 > out"),
        str(tmp_path / "w"),
        arguments=["inside"],
        container="shifter:lab/fit:1",
        binds={"/input": str(tmp_path / "in"), "/output": str(tmp_path / "out")},
        outputs=["out"],
    )
    called = (tmp_path / "called").read_text().splitlines()
    assert called[0] == "--image=lab/fit:1"
    assert f"{tmp_path / 'in'}:/input" in called[1]
    assert (tmp_path / "w" / "out").read_text() == "inside\n"
    with pytest.raises(BatchJobError, match="must be apptainer:IMAGE"):
        run_batch_job(script("true"), str(tmp_path / "v"), container="docker:x")


def test_inside_an_allocation_the_script_runs_there(
    script: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cluster: SlurmCluster
):
    monkeypatch.setenv("SLURM_JOB_ID", "77")
    monkeypatch.delenv("HEADRACE_JOBS")
    before = set(cluster.jobs())
    done = run_batch_job(script("echo $HEADRACE_RANKS"), str(tmp_path / "w"), ntasks=2)
    assert (done["job_id"], done["description"]) == ("77", "finished")
    assert set(cluster.jobs()) == before
    with pytest.raises(BatchJobError, match="failed with code 4"):
        run_batch_job(script("exit 4"), str(tmp_path / "v"))


def test_a_time_limit_holds_inside_an_allocation(
    script: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SLURM_JOB_ID", "77")
    monkeypatch.delenv("HEADRACE_JOBS")
    with pytest.raises(BatchJobError, match="time limit"):
        run_batch_job(script("exec sleep 60"), str(tmp_path / "w"), walltime="00:00:01")


def test_an_array_runs_every_member_once_and_only_failed_ones_again(script: Write, tmp_path: Path):
    text = 'echo $1 >> "log.$HEADRACE_MEMBER"; [ "$2" != bad ] || [ -e mended ]'
    members = [[f"a {number}", "bad" if number == 3 else "good"] for number in range(8)]
    arguments = (script(text), str(tmp_path / "w"), members)
    with pytest.raises(BatchJobError, match="1 of 8 members failed, the first is 3 with code 1"):
        run_batch_array(*arguments, at_once=4, task_id="t")
    (tmp_path / "w" / "mended").touch()
    done = run_batch_array(*arguments, at_once=4, retries=1, task_id="t")
    assert done["members"] == 8
    assert (tmp_path / "w" / "log.0").read_text() == "a 0\n"
    assert (tmp_path / "w" / "log.3").read_text() == "a 3\na 3\n"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"nodes": 0}, "nodes must be an integer"),
        ({"walltime": "soon"}, "write it as HH:MM:SS"),
        ({"account": "a b"}, "must be one word"),
        ({"account": "a\n#SBATCH --uid=0"}, "must be one word"),
        ({"launcher": "ssh"}, "must be srun or mpiexec"),
        ({"options": ["; rm -rf x"]}, "--option=value"),
        ({"wall": 3}, "no such setting: wall"),
        ({"how": "slowly"}, "must be auto, submit, here or one of sbatch"),
        ({"job": "../up"}, "must be a plain name"),
    ],
)
def test_settings_that_cannot_be_used(
    script: Write, tmp_path: Path, settings: dict[str, Any], words: str
):
    with pytest.raises(BatchJobError, match=words):
        run_batch_job(script("true"), str(tmp_path / "w"), **settings)
    assert not (tmp_path / "w" / "job" / "submission.json").exists()


def test_questions_keep_to_their_budget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    clock = [1_000_000.0]
    asked: list[float] = []

    def queue(self: Slurm, clusters: tuple[str, ...]) -> Queue:
        asked.append(clock[0])
        return Queue()

    monkeypatch.setattr(queue_cache_module.time, "time", lambda: clock[0])
    monkeypatch.setattr(Slurm, "queue", queue)
    for _ in range(1200):
        clock[0] += 1.0
        for _ in range(5):
            QueueCache(get_scheduler(), tmp_path).query("", interval=0.5)
    assert (
        0 < len(asked) <= 1200 / queue_cache_module.SECONDS_PER_QUERY + queue_cache_module.MAX_BURST
    )
    assert QueueCache(get_scheduler(), tmp_path).query_count() == len(asked)


@pytest.mark.slow
def test_a_job_over_its_time_limit(script: Write, tmp_path: Path):
    with pytest.raises(BatchJobError, match="time limit"):
        run_batch_job(script("sleep 600"), str(tmp_path / "w"), walltime="00:01:00")


@pytest.fixture
def own_cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlurmCluster]:
    """A cluster whose node may be lost."""
    with SlurmCluster() as cluster:
        for name, value in cluster.env.items():
            monkeypatch.setenv(name, value)
        yield cluster


@pytest.mark.slow
def test_a_job_whose_node_is_lost(script: Write, tmp_path: Path, own_cluster: SlurmCluster):
    thread, came = in_thread(script("touch here; sleep 300"), str(tmp_path / "w"))
    wait_until(lambda: (tmp_path / "w" / "here").exists(), "the job")
    own_cluster.lose_node(json.loads((job(tmp_path) / "host.json").read_text())["nodes"])
    thread.join(240)
    assert "node failure" in str(came[0])


@pytest.mark.slow
def test_a_job_that_is_requeued_comes_back(
    script: Write, tmp_path: Path, own_cluster: SlurmCluster
):
    text = 'echo run >> runs; [ "${SLURM_RESTART_COUNT:-0}" -gt 0 ] || sleep 300'
    thread, came = in_thread(script(text), str(tmp_path / "w"), requeue=True)
    wait_until(lambda: (tmp_path / "w" / "runs").exists(), "the first run")
    [number] = own_cluster.queue()
    own_cluster.run("scontrol", "requeue", number)
    wait_until(lambda: own_cluster.queue()[number][1] == "PENDING", "the requeued job")
    own_cluster.run("scontrol", "update", f"JobId={number}", "StartTime=now")
    thread.join(240)
    assert came[0]["restarts"] == 1
    assert (tmp_path / "w" / "runs").read_text() == "run\nrun\n"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_thousand_members_ask_slurm_seldom(script: Write, tmp_path: Path):
    import time

    text = """
mkdir -p now && : > "now/$1"
ls now | wc -l >> "most.$1"
rm "now/$1"
"""
    members = [[str(number)] for number in range(1000)]
    begun = time.time()
    done = run_batch_array(script(text), str(tmp_path / "w"), members, at_once=20)
    seconds = time.time() - begun
    assert done["submissions"] == 1
    most = max(int(path.read_text()) for path in (tmp_path / "w").glob("most.*"))
    assert most <= 20
    asked = QueueCache(get_scheduler()).query_count()
    print(f"{seconds:.0f} s, {asked} questions, {most} members at once")
    assert asked <= seconds / 10 + 4
