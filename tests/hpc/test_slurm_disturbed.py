"""Batch jobs on a real Slurm whose commands are disturbed: each job ends with its own truth."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from headrace.compute.batch import outcome, run_batch_array, run_batch_job
from headrace.compute.batch import submission as submission_module
from headrace.compute.batch.notices import read_notices
from tests.support.batch_job_call import BatchJobCall
from tests.support.slurm_cluster import SlurmCluster
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slurm
Write = Callable[[str], str]
StandIn = Callable[[str, str], None]
UNTIL_GO = "echo $SLURM_JOB_ID >> began; until [ -e go ]; do sleep 0.1; done"


@pytest.fixture(autouse=True)
def cluster(
    slurm: SlurmCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[SlurmCluster]:
    for name, value in slurm.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HEADRACE_JOBS", "submit")
    monkeypatch.setenv("HEADRACE_SCHEDULER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    monkeypatch.setattr(outcome, "OUTPUT_SECONDS", 5.0)
    yield slurm
    monkeypatch.undo()
    slurm.run("scancel", f"--user={os.getuid()}", check=False)
    slurm.wait_for_empty_queue()


@pytest.fixture
def script(tmp_path: Path) -> Write:
    def write(text: str) -> str:
        path = tmp_path / "work.sbatch"
        path.write_text(f"#!/bin/bash\n{text}\n")
        return str(path)

    return write


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """Puts a script before one of Slurm's commands, which it may call as ``$REAL``."""
    folder = tmp_path / "stand-ins"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    def write(name: str, text: str) -> None:
        path = os.environ["PATH"].partition(":")[2]
        real = shutil.which(name, path=path)
        (folder / name).write_text(f"#!/bin/bash\nREAL={real}\n{text}\n")
        (folder / name).chmod(0o755)

    return write


def states(directory: Path) -> list[dict[str, str]]:
    path = directory / "job" / "states.jsonl"
    return [json.loads(line) for line in path.open()] if path.exists() else []


SILENT = 'echo "slurm_load_jobs error: Unable to contact slurm controller" >&2; exit 0'


def test_a_queue_that_shows_nothing(script: Write, stand_in: StandIn, tmp_path: Path) -> None:
    stand_in("squeue", SILENT)
    work = tmp_path / "w"
    call = BatchJobCall(run_batch_job, script(UNTIL_GO), str(work))
    # Told by the job's number, for the queue shows nothing.
    wait_until(lambda: [s for s in states(work) if s["state"] == "RUNNING"], "the state")
    assert not call.ended
    (work / "go").touch()
    assert call.result()["description"] == "finished"


def test_a_job_that_is_cancelled_behind_a_silent_queue(
    script: Write, stand_in: StandIn, tmp_path: Path, cluster: SlurmCluster
) -> None:
    work = tmp_path / "w"
    call = BatchJobCall(run_batch_job, script(UNTIL_GO), str(work))
    wait_until(lambda: (work / "began").exists(), "the job")
    stand_in("squeue", SILENT)
    cluster.run("scancel", (work / "began").read_text().strip())
    assert "cancelled" in str(call.result())


def test_filters_in_the_users_environment(
    script: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "SQUEUE_STATES": "PENDING",
        "SQUEUE_USERS": "nobody",
        "SQUEUE_FORMAT": "%j",
        "SLURM_CLUSTERS": "nowhere",
        "SBATCH_PARTITION": "nowhere",
        "SBATCH_WAIT": "1",
    }.items():
        monkeypatch.setenv(name, value)
    work = tmp_path / "w"
    call = BatchJobCall(run_batch_job, script(UNTIL_GO), str(work))
    wait_until(lambda: [s for s in states(work) if s["state"] == "RUNNING"], "the state")
    (work / "go").touch()
    assert call.result()["description"] == "finished"


@pytest.mark.parametrize(
    "name",
    ["50%j%%_%A", "back\\slash %t", "a (b) 'c' \"d\" $e `f` *", "line\nbreak", "no_utf8_\udcff"],
)
def test_names_of_directories(name: str, script: Write, tmp_path: Path) -> None:
    work = tmp_path / name
    done = run_batch_job(script("echo said; echo x > out"), str(work), outputs=["out"])
    assert done["description"] == "finished"
    assert (work / "job" / "stdout").read_text() == "said\n"


def test_commands_that_greet(script: Write, stand_in: StandIn, tmp_path: Path) -> None:
    hello = 'echo "Cluster opal, $(date +%Y)"; echo 2026; "$REAL" "$@"; code=$?'
    stand_in("sbatch", f"{hello}; echo 'See also: portal'; exit $code")
    stand_in("squeue", f"{hello}; exit $code")
    work = tmp_path / "w"
    call = BatchJobCall(run_batch_job, script(UNTIL_GO), str(work))
    wait_until(lambda: [s for s in states(work) if s["state"] == "RUNNING"], "the state")
    (work / "go").touch()
    assert call.result()["job_id"] == (work / "began").read_text().strip()


def test_refusals_that_pass(
    script: Write, stand_in: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submission_module, "FIRST_RETRY_SECONDS", 1.0)
    stand_in(
        "sbatch",
        f"echo x >> {tmp_path}/tries\n"
        f'if [ "$(wc -l < {tmp_path}/tries)" -le 2 ]; then\n'
        'echo "sbatch: error: AssocMaxSubmitJobLimit" >&2\n'
        'echo "sbatch: error: Batch job submission failed: Job violates accounting/QOS policy '
        "(job submit limit, user's size and/or time limits)\" >&2; exit 1; fi\n"
        'exec "$REAL" "$@"',
    )
    done = run_batch_job(script("echo x >> runs"), str(tmp_path / "w"), task_id="t")
    assert done["description"] == "finished"
    assert (tmp_path / "w/runs").read_text() == "x\n"
    assert [s["state"] for s in states(tmp_path / "w")][:1] == ["NOT_SUBMITTED"]


def test_an_outage_in_which_the_job_was_taken(
    script: Write, stand_in: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer is lost, and the queue is silent for a while."""
    monkeypatch.setattr(submission_module, "LOOKUP_PAUSES", (0.2, 0.2))
    monkeypatch.setattr(submission_module, "FIRST_RETRY_SECONDS", 0.5)
    stand_in(
        "sbatch",
        f'echo x >> {tmp_path}/tries; "$REAL" "$@" > /dev/null\n'
        'echo "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation"'
        " >&2; exit 1",
    )
    stand_in(
        "squeue",
        f"echo x >> {tmp_path}/looks\n"
        f'[ "$(wc -l < {tmp_path}/looks)" -gt 5 ] || {{ {SILENT}; }}\nexec "$REAL" "$@"',
    )
    done = run_batch_job(script("echo x >> runs"), str(tmp_path / "w"))
    assert done["description"] == "finished"
    assert (tmp_path / "w/runs").read_text() == "x\n"
    assert (tmp_path / "tries").read_text() == "x\n"


def test_four_who_wait_behind_a_queue_that_hangs(
    script: Write, stand_in: StandIn, tmp_path: Path
) -> None:
    hang = f"until [ -e {tmp_path}/answer ]; do sleep 0.2; done; exit 1"
    stand_in("squeue", hang)
    stand_in("scontrol", hang)
    path = script("exit $1")
    calls = [
        BatchJobCall(run_batch_job, path, str(tmp_path / f"w{n}"), arguments=[code], name=f"n{n}")
        for n, code in enumerate([0, 0, 3, 0])
    ]
    try:
        # They answer although nobody has answered them.
        results = [call.result() for call in calls]
    finally:
        (tmp_path / "answer").touch()
    assert [r["description"] for n, r in enumerate(results) if n != 2] == ["finished"] * 3
    assert "failed with code 3" in str(results[2])


def test_a_second_task_in_the_same_directory(
    script: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cluster: SlurmCluster
) -> None:
    monkeypatch.setenv("HEADRACE_CANCELLED", str(tmp_path / "cancelled"))
    (tmp_path / "cancelled").mkdir()
    work = tmp_path / "w"
    first = BatchJobCall(run_batch_job, script(UNTIL_GO), str(work), task_id="first")
    wait_until(lambda: (work / "began").exists(), "the first job")
    number = (work / "began").read_text().strip()
    second = BatchJobCall(
        run_batch_job, script(f"{UNTIL_GO}; exit 5"), str(work), task_id="second", name="second"
    )
    wait_until(lambda: read_notices({"second"}), "the notice")
    assert f"in use by Slurm job {number} of task first" in read_notices({"second"})[0]
    assert [name for name, _ in cluster.queue().values()] == ["headrace"]
    (work / "go").touch()
    assert (first.result()["job_id"], first.result()["exit_code"]) == (number, 0)
    assert "failed with code 5" in str(second.result())
    one, other = (work / "began").read_text().split()
    assert f"job {other}" in str(second.result())
    assert one == number


def test_a_second_task_after_the_first_was_given_up(
    script: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cluster: SlurmCluster
) -> None:
    monkeypatch.setenv("HEADRACE_CANCELLED", str(tmp_path / "cancelled"))
    (tmp_path / "cancelled").mkdir()
    work = tmp_path / "w"
    first = BatchJobCall(run_batch_job, script(UNTIL_GO), str(work), task_id="first")
    wait_until(lambda: (work / "began").exists(), "the first job")
    (tmp_path / "cancelled" / "first").touch()
    number = (work / "began").read_text().strip()
    assert f"the task was cancelled; its job is {number}" in str(first.result())
    assert number in cluster.queue()
    done = run_batch_job(script("echo new > out"), str(work), task_id="second", outputs=["out"])
    assert done["description"] == "finished"
    assert done["job_id"] != number
    assert number not in cluster.queue()


def test_a_job_that_is_held(script: Write, tmp_path: Path, cluster: SlurmCluster) -> None:
    call = BatchJobCall(
        run_batch_job, script("true"), str(tmp_path / "w"), task_id="t", options=["--hold"]
    )
    wait_until(lambda: read_notices({"t"}), "the notice")
    (number,) = cluster.queue()
    assert f"Slurm job {number} needs somebody: JobHeldUser" in read_notices({"t"})[0]
    cluster.run("scontrol", "release", number)
    assert call.result()["description"] == "finished"
    assert read_notices({"t"}) == []


def test_an_array_that_is_held_has_not_failed(
    script: Write, tmp_path: Path, cluster: SlurmCluster
) -> None:
    call = BatchJobCall(
        run_batch_array, script("echo $1 >> ran"), str(tmp_path / "w"), [["a"], ["b"]],
        task_id="t", options=["--hold"],
    )  # fmt: skip
    wait_until(lambda: read_notices({"t"}), "the notice")
    (number,) = {job.partition("_")[0] for job in cluster.queue()}
    assert not call.ended
    cluster.run("scontrol", "release", number)
    assert call.result()["members"] == 2
    assert sorted((tmp_path / "w/ran").read_text().split()) == ["a", "b"]


def test_an_array_behind_a_silent_queue(
    script: Write, stand_in: StandIn, tmp_path: Path, cluster: SlurmCluster
) -> None:
    stand_in("squeue", SILENT)
    work = tmp_path / "w"
    text = f'[ "$1" = 0 ] || {{ {UNTIL_GO}; }}'
    call = BatchJobCall(run_batch_array, script(text), str(work), [[str(n)] for n in range(3)])
    wait_until(lambda: (work / "began").exists(), "a member")
    part = work / "job/arrays/0001/states.jsonl"
    wait_until(lambda: part.exists() and "RUNNING" in part.read_text(), "the state")
    array = _array_of(work)
    cluster.run("scancel", f"{array}_2")

    def member() -> str:
        jobs = cluster.jobs().values()
        ours = [job for job in jobs if job.get("ArrayJobId") == array]
        return next(job["JobState"] for job in ours if job.get("ArrayTaskId") == "2")

    # Its processes are gone then: none of them sees what lets the others end well.
    wait_until(lambda: member() == "CANCELLED", "the member's end")
    assert not call.ended
    (work / "go").touch()
    told = str(call.result())
    assert "1 of 3 members failed, the first is 2 with no exit code: CANCELLED" in told


def _array_of(work: Path) -> str:
    known = json.loads((work / "job/arrays/0001/submission.json").read_text())
    return str(known["job_id"])


def test_members_count_against_the_limit_of_submitted_jobs(
    script: Write, stand_in: StandIn, tmp_path: Path
) -> None:
    stand_in(
        "sbatch",
        'for word in "$@"; do case $word in --array=0-*) last=${word#--array=0-};; esac; done\n'
        '[ "${last%%%*}" -lt 3 ] && exec "$REAL" "$@"\n'
        'echo "sbatch: error: AssocMaxSubmitJobLimit" >&2\n'
        'echo "sbatch: error: Batch job submission failed: Job violates accounting/QOS policy" >&2'
        "; exit 1",
    )
    done = run_batch_array(
        script("echo $1 >> ran"), str(tmp_path / "w"), [[str(n)] for n in range(7)]
    )
    assert done["members"] == 7
    assert done["submissions"] > 1
    assert sorted((tmp_path / "w/ran").read_text().split()) == [str(n) for n in range(7)]


def test_an_array_that_is_larger_than_the_cluster_takes(
    script: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Small(SlurmCluster):
        def _configuration(self) -> str:
            return super()._configuration() + "MaxArraySize=4\n"

    with Small() as small:
        monkeypatch.setenv("SLURM_CONF", small.env["SLURM_CONF"])
        done = run_batch_array(
            script("echo $1 >> ran"), str(tmp_path / "w"), [[f"m {n}"] for n in range(9)]
        )
    assert done["submissions"] == 3
    ran = sorted((tmp_path / "w/ran").read_text().splitlines())
    assert ran == [f"m {n}" for n in range(9)]


def test_a_call_that_is_repeated_waits_for_its_array(
    script: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADRACE_CANCELLED", str(tmp_path / "cancelled"))
    (tmp_path / "cancelled").mkdir()
    work = tmp_path / "w"
    arguments = (script(f"{UNTIL_GO}; echo $1 >> ran"), str(work), [["a"], ["b"]])
    first = BatchJobCall(run_batch_array, *arguments, task_id="t")
    wait_until(lambda: (work / "began").exists(), "a member")
    # The worker that waits is lost.
    (tmp_path / "cancelled" / "t").touch()
    assert "cancelled" in str(first.result())
    (tmp_path / "cancelled" / "t").unlink()
    second = BatchJobCall(run_batch_array, *arguments, task_id="t")
    (work / "go").touch()
    assert second.result()["job_ids"] == [_array_of(work)]
    assert sorted((work / "ran").read_text().split()) == ["a", "b"]


def test_an_output_that_is_shown_late(
    script: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcome, "OUTPUT_SECONDS", 60.0)
    work = tmp_path / "w"
    call = BatchJobCall(run_batch_job, script("true"), str(work), outputs=["out/late"])
    # Written after the job has ended, as a file system shows it that many machines share.
    wait_until(lambda: (work / "job/exit_code").exists(), "the job's end")
    assert not call.ended
    (work / "out").mkdir()
    (work / "out/late").write_text("x")
    assert call.result()["description"] == "finished"


def test_what_a_script_asks_for_is_what_it_gets(script: Write, tmp_path: Path) -> None:
    text = (
        "#SBATCH --time=00:07:00\n#SBATCH -J mine\n#SBATCH -c 2\n"
        "scontrol show job $SLURM_JOB_ID; echo $HEADRACE_RANKS"
    )
    run_batch_job(script(text), str(tmp_path / "w"))
    told = (tmp_path / "w/job/stdout").read_text()
    for words in ("JobName=mine", "TimeLimit=00:07:00", "CPUs/Task=2"):
        assert words in told
