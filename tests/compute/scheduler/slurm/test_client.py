"""The commands that the client of Slurm runs, and what it makes of their answers."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from headrace.compute.scheduler import (
    JobId,
    JobRequest,
    Refusal,
    SchedulerError,
    SubmissionRefused,
    SubmissionRequest,
)
from headrace.compute.scheduler.slurm import Slurm
from tests.support.waiting import wait_until

Command = Callable[[str, str], None]


def request(environment: Mapping[str, str]) -> SubmissionRequest:
    return SubmissionRequest(
        Path("/s.sh"), "headrace:task:0", Path("/log"), environment, JobRequest()
    )


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Writes a stand-in for one of Slurm's commands, first on PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    def write(name: str, text: str) -> None:
        (folder / name).write_text(f"#!/bin/bash\n{text}\n")
        (folder / name).chmod(0o755)

    return write


def test_no_filter_of_the_users_own_reaches_a_command(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = f'env >> {tmp_path}/seen; echo "CLUSTER: x"; echo "MaxArraySize = 5"; exit 0'
    for name in ("squeue", "sacct", "scancel", "scontrol"):
        command(name, note)
    for name in ("SQUEUE_STATES", "SQUEUE_FORMAT", "SACCT_FORMAT", "SCANCEL_STATE"):
        monkeypatch.setenv(name, "PENDING")
    for name in ("SLURM_CLUSTERS", "SLURM_JOB_ID", "SBATCH_PARTITION", "SINFO_FORMAT"):
        monkeypatch.setenv(name, "far")
    monkeypatch.setenv("SLURM_CONF", "/etc/slurm/of_this_test.conf")
    monkeypatch.setenv("SLURM_TIME_FORMAT", "relative")
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    slurm = Slurm()
    slurm.queue()
    slurm.accounting_records(JobId("7"), "x", 0.0)
    slurm.cancel([JobId("7")])
    slurm.limits()
    seen = (tmp_path / "seen").read_text()
    names = {line.partition("=")[0] for line in seen.splitlines()}
    ours = ("SQUEUE_", "SACCT_", "SCANCEL_", "SBATCH_", "SLURM_", "SINFO_")
    assert {name for name in names if name.startswith(ours)} == {"SLURM_CONF", "SLURM_TIME_FORMAT"}
    assert seen.count("SLURM_CONF=/etc/slurm/of_this_test.conf") == 4
    assert "SLURM_TIME_FORMAT=standard" in seen
    assert "LC_ALL=C" in seen


def test_a_job_of_another_cluster_is_asked_for_there(command: Command, tmp_path: Path) -> None:
    for name in ("squeue", "sacct", "scancel", "scontrol"):
        command(name, f'echo "{name} $*" >> {tmp_path}/calls; echo "CLUSTER: far"')
    slurm = Slurm()
    slurm.queue(["", "far"])
    with pytest.raises(SchedulerError):
        slurm.show(JobId("7", "far"))
    slurm.accounting_records(JobId("7", "far"), "x", 0.0)
    slurm.cancel([JobId("7", "far"), JobId("8")])
    calls = (tmp_path / "calls").read_text().splitlines()
    there = [call.split()[0] for call in calls if "--clusters=far" in call]
    assert there == ["squeue", "scontrol", "sacct", "scancel"]
    assert [call for call in calls if call.startswith("scancel")] == [
        "scancel --clusters=far --quiet 7",
        "scancel --quiet 8",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "exit 0",
        "echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 0",
        "printf 'JOBID\\x1fSTATE\\x1fREASON\\x1fNODELIST\\x1fCOMMENT\\n'; "
        "echo 'squeue: error: Unexpected message received' >&2",
        "printf 'JOBID\\x1fSTATE\\x1fREASON\\x1fNODELIST\\x1fCOMMENT\\n7\\x1fRUN'",
    ],
)
def test_an_empty_answer_does_not_say_that_the_queue_is_empty(command: Command, text: str) -> None:
    command("squeue", text)
    assert Slurm().queue().complete is False


@pytest.mark.parametrize("text", ["exit 1", "kill -TERM $$", "sleep 30"])
def test_no_answer_raises(command: Command, text: str) -> None:
    command("squeue", text)
    command("scontrol", text)
    slurm = Slurm(seconds=1.0)
    with pytest.raises(SchedulerError):
        slurm.queue()
    with pytest.raises(SchedulerError):
        slurm.show(JobId("7"))


def test_a_cluster_that_is_away_leaves_the_answers_of_the_others(command: Command) -> None:
    command(
        "squeue",
        "[[ $* == *--clusters=far* ]] && { echo 'squeue: error: No cluster far' >&2; exit 1; }; "
        "printf 'JOBID\\x1fSTATE\\x1fREASON\\x1fNODELIST\\x1fCOMMENT\\n'",
    )
    queue = Slurm().queue(["", "far"])
    assert (queue.complete_clusters, queue.complete) == (("",), False)
    with pytest.raises(SchedulerError, match="No cluster far"):
        Slurm().queue(["far"])


def test_a_greeting_on_standard_error_is_no_error(command: Command) -> None:
    command(
        "squeue",
        "echo 'Alps has 3 partitions' >&2; "
        "printf 'JOBID\\x1fSTATE\\x1fREASON\\x1fNODELIST\\x1fCOMMENT\\n'",
    )
    assert Slurm().queue().complete


def test_only_slurms_own_words_say_that_there_is_no_job(command: Command) -> None:
    command("scontrol", "echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1")
    assert Slurm().show(JobId("7")) == []
    command("scontrol", "echo 'JobId=9 JobName=x JobState=COMPLETED Reason=None'")
    with pytest.raises(SchedulerError):
        Slurm().show(JobId("7"))
    command("scontrol", "exit 0")
    with pytest.raises(SchedulerError):
        Slurm().show(JobId("7"))


def test_sbatch_gets_the_jobs_environment_without_filters(command: Command, tmp_path: Path) -> None:
    command("sbatch", f"env > {tmp_path}/seen; echo 'Hello'; echo '7;far'")
    environment = {"PATH": os.environ["PATH"], "MINE": "1", "SBATCH_PARTITION": "x"}
    assert Slurm("/the/slurm.conf").submit(request(environment)) == JobId("7", "far")
    seen = (tmp_path / "seen").read_text().splitlines()
    assert {"MINE=1", "SLURM_CONF=/the/slurm.conf"} <= set(seen)
    assert not [line for line in seen if line.startswith("SBATCH_")]


def test_an_sbatch_that_says_nothing_may_have_taken_the_job(command: Command) -> None:
    command("sbatch", "echo Welcome")
    with pytest.raises(SubmissionRefused) as caught:
        Slurm().submit(request(dict(os.environ)))
    assert caught.value.refusal is Refusal.UNANSWERED
    command("sbatch", "sleep 30")
    with pytest.raises(SubmissionRefused, match="did not answer within 1 s") as caught:
        Slurm(seconds=1.0).submit(request(dict(os.environ)))
    assert caught.value.refusal is Refusal.UNANSWERED


@pytest.mark.parametrize(
    "words",
    ["spank: cleanup of the session failed", "Permission denied", "AssocMaxSubmitJobLimit"],
)
def test_an_sbatch_that_fails_behind_its_submission_has_not_refused(
    command: Command, words: str
) -> None:
    command("sbatch", f"echo 4711; echo 'sbatch: error: {words}' >&2; exit 1")
    with pytest.raises(
        SubmissionRefused, match=f"printed the id 4711 and failed: {words}"
    ) as caught:
        Slurm().submit(request(dict(os.environ)))
    assert caught.value.refusal is Refusal.UNANSWERED


def test_what_a_command_has_started_ends_with_it(command: Command, tmp_path: Path) -> None:
    command("squeue", f"sleep 600 & echo $! > {tmp_path}/pid; wait")
    with pytest.raises(SchedulerError, match="did not answer"):
        Slurm(seconds=5.0).queue()
    pid = json.loads((tmp_path / "pid").read_text())
    status = Path(f"/proc/{pid}/status")

    def has_ended() -> bool:
        try:
            return "zombie" in status.read_text()
        except (FileNotFoundError, ProcessLookupError):
            return True

    wait_until(has_ended, "the end of what the command started")
