"""What Slurm's commands print is read as its manual pages say, and nothing is made up."""

from __future__ import annotations

import math
import time

import pytest

from headrace.compute.scheduler import Job, JobId, JobState
from headrace.compute.scheduler.slurm.parsing import (
    parse_accounting,
    parse_exit_code,
    parse_job_records,
    parse_limits,
    parse_queue,
    parse_submitted_id,
)
from headrace.compute.scheduler.slurm.states import parse_state

HEADING = "\x1f".join(
    ("JOBID", "STATE", "REASON", "NODELIST", "COMMENT", "NAME", "TIME_LEFT", "COMMAND")
)


def row(*fields: str) -> str:
    return "\x1f".join(fields)


RECORD = (
    "JobId=4711 JobName=forward UserId=ana(1004) GroupId=geo(200) MCS_label=N/A Priority=42 Nice=0 "
    "Account=m77 QOS=normal JobState={state} Reason={reason} Dependency=(null) Requeue=1 "
    "Restarts={restarts} BatchFlag=1 Reboot=0 ExitCode={code} RunTime=00:01:00 "
    "SubmitTime=2026-03-01T09:00:00 NodeList=nid[00012-00013] NumNodes=2 "
    "Command=/home/ana/a b/submitted.sh WorkDir=/home/ana Comment=headrace:task:0123456789ab  "
    "StdErr=/dev/null StdIn=/dev/null StdOut=/dev/null Power= \n"
)


def record(state: str, reason: str = "None", code: str = "0:0", restarts: int = 0) -> str:
    return RECORD.format(state=state, reason=reason, code=code, restarts=restarts)


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("RUNNING", JobState.RUNNING),
        ("CANCELLED by 1004", JobState.CANCELLED),
        ("CANCELLED+", JobState.CANCELLED),
        ("OUT_OF_ME+", JobState.OUT_OF_MEMORY),
        ("REQUEUE_+", JobState.UNKNOWN),
        ("CD", JobState.COMPLETED),
        ("OOM", JobState.OUT_OF_MEMORY),
        ("", JobState.UNKNOWN),
        ("+", JobState.UNKNOWN),
        ("HIBERNATING", JobState.UNKNOWN),
        ("COMPLETE", JobState.UNKNOWN),
    ],
)
def test_states_as_they_are_printed(text: str, state: JobState) -> None:
    assert parse_state(text) is state


def test_only_what_is_listed_is_an_end() -> None:
    final = {state for state in JobState if state.final}
    assert final == {
        *(JobState.BOOT_FAIL, JobState.CANCELLED, JobState.COMPLETED, JobState.DEADLINE),
        *(JobState.FAILED, JobState.NODE_FAIL, JobState.OUT_OF_MEMORY, JobState.PREEMPTED),
        JobState.TIMEOUT,
    }


@pytest.mark.parametrize(
    ("text", "job"),
    [
        ("4711\n", JobId("4711")),
        ("4711;far\n", JobId("4711", "far")),
        ("Welcome to Alps.\n>> checking quota: 80 %\n4711\n", JobId("4711")),
        (
            "2026\n*** maintenance on Monday ***\n4711;daint-alps.1\n\n",
            JobId("4711", "daint-alps.1"),
        ),
        ("4711\nYour project has 20 h left\n", JobId("4711")),
        ("Submitted batch job 4711 on cluster far\n", JobId("4711", "far")),
        ("Welcome\n", None),
        ("", None),
    ],
)
def test_the_id_is_found_among_greetings(text: str, job: JobId | None) -> None:
    assert parse_submitted_id(text) == job


def test_the_rows_of_a_queue() -> None:
    text = "\n".join(
        [
            "Alps: all systems go",
            HEADING,
            row(
                "7",
                "RUNNING",
                "None",
                "nid[1-2]",
                "headrace:t:1",
                "forward",
                "1-02:00:05",
                "/a b/c.sh",
            ),
            row("8_3", "", "", "", "", "x", "INVALID", ""),
            row("9+1", "PENDING", "JobHeldUser", "", "", "het", "1:00:00", "(null)"),
            row("8_[4-9%2]", "PENDING", "Resources", "", "a\u2028b\x85c", "n", "", "/p\x1fq"),
            "",
        ]
    )
    jobs, complete = parse_queue(text)
    assert complete
    assert [job.job_id for job in jobs] == ["7", "8_3", "9+1", "8_[4-9%2]"]
    assert jobs[0] == Job(
        *("7", JobState.RUNNING, "None", "nid[1-2]", "headrace:t:1", "forward", "/a b/c.sh"),
        seconds_left=93_605.0,
    )
    assert [job.seconds_left for job in jobs[1:]] == [None, None, None]
    assert (jobs[1].state, jobs[1].reason, jobs[1].name) == (JobState.UNKNOWN, "", "x")
    assert (jobs[2].number, jobs[2].needs_attention) == ("9", True)
    assert (jobs[3].number, jobs[3].array_indices) == ("8", "[4-9%2]")
    assert (jobs[3].tag, jobs[3].script) == ("a\u2028b\x85c", "/p\x1fq")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Alps: all systems go\n",
        f"{HEADING}\n{row('7', 'RUN')}",
        f"{HEADING}\n{row('7', 'RUNNING', 'None', '', 'c')}",
        f"{HEADING}\n{row('', 'RUNNING', 'None', '', 'c')}\n",
    ],
)
def test_an_answer_that_is_not_complete_says_nothing_of_what_is_missing(text: str) -> None:
    assert parse_queue(text)[1] is False


def test_an_empty_queue_is_a_complete_answer() -> None:
    assert parse_queue(f"{HEADING}\n") == ([], True)
    assert parse_queue(f"CLUSTER: far\n{HEADING}\n", "far") == ([], True)


def test_rows_name_the_cluster_that_was_asked() -> None:
    text = f"CLUSTER: near\n{HEADING}\n{row('7', 'RUNNING', '', '', '')}\n"
    (job,), _ = parse_queue(text, "near")
    assert job.belongs_to(JobId("7", "near"))
    assert not job.belongs_to(JobId("7"))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("59:58", 3_598.0), ("2:00:00", 7_200.0), ("UNLIMITED", math.inf), ("NOT_SET", None)],
)
def test_the_time_that_is_left(text: str, seconds: float | None) -> None:
    (job,), _ = parse_queue(f"{HEADING}\n{row('7', 'RUNNING', '', '', '', 'n', text, '')}\n")
    assert job.seconds_left == seconds


def test_a_record() -> None:
    (job,) = parse_job_records(record("FAILED", "NonZeroExitCode", "3:0", restarts=2))
    assert (job.job_id, job.state, job.reason) == ("4711", JobState.FAILED, "NonZeroExitCode")
    assert (job.exit_code, job.restarts, job.nodes) == (3, 2, "nid[00012-00013]")
    assert (job.tag, job.name) == ("headrace:task:0123456789ab", "forward")
    assert job.script == "/home/ana/a b/submitted.sh"


def test_a_name_does_not_overwrite_a_field() -> None:
    text = record("RUNNING").replace("/home/ana/a b", "/home/ana/x JobState=COMPLETED y")
    (job,) = parse_job_records(text)
    assert job.state is JobState.RUNNING


def test_records_of_arrays_and_of_jobs_of_several_parts() -> None:
    member = record("RUNNING").replace("JobId=4711 ", "JobId=4715 ArrayJobId=4711 ArrayTaskId=3 ")
    rest = record("PENDING").replace("JobId=4711 ", "JobId=4711 ArrayJobId=4711 ArrayTaskId=4-9%2 ")
    part = record("RUNNING").replace("JobId=4711 ", "JobId=4712 HetJobId=4711 HetJobOffset=1 ")
    jobs = parse_job_records(member + rest + part)
    assert [job.job_id for job in jobs] == ["4711_3", "4711_[4-9%2]", "4711+1"]
    assert {job.number for job in jobs} == {"4711"}


def test_what_is_no_record_is_none() -> None:
    assert parse_job_records("") == []
    assert parse_job_records("No jobs in the system\n") == []
    assert parse_job_records("JobId=4711 JobName=forward UserId=ana(1004) Gro") == []


def account(submitted: str, name: str = "forward", state: str = "COMPLETED") -> str:
    return f"4711|{state}|0:0|{name}|{submitted}|nid00012\n"


def test_accounting_tells_of_this_job_and_no_older_one() -> None:
    now = time.mktime(time.strptime("2026-03-01T09:00:00", "%Y-%m-%dT%H:%M:%S"))
    (job,) = parse_accounting(account("2026-03-01T09:00:02"), "", "forward", now)
    assert (job.state, job.exit_code, job.nodes) == (JobState.COMPLETED, 0, "nid00012")
    for other in (
        account("2026-02-28T09:00:02"),
        account("2026-03-01T09:00:02", name="relax"),
        account("Unknown"),
        "COMPLETED\n",
    ):
        assert parse_accounting(other, "", "forward", now) == []
    (cancelled,) = parse_accounting(
        account("2026-03-01T09:00:02", "a|b", "CANCELLED by 1004"), "", "a|b", now
    )
    assert cancelled.state is JobState.CANCELLED


@pytest.mark.parametrize(
    ("text", "code"), [("0:0", 0), ("3:0", 3), ("0:9", 137), ("", None), ("x:1", None)]
)
def test_exit_codes(text: str, code: int | None) -> None:
    assert parse_exit_code(text) == code


def test_the_limits_of_a_cluster() -> None:
    config = (
        "Configuration data as of 2026-03-01T09:00:00\nMaxArraySize            = 10001\n"
        "SchedulerParameters     = bf_interval=60,max_array_tasks=500\n"
    )
    limits = parse_limits(config)
    assert limits is not None
    assert limits.max_array_size == 500
    assert parse_limits("Configuration data as of 2026-03-01T09:00:00\n") is None
