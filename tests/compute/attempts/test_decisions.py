"""The cause of a failed job, its attempts and the limits of the site decide what becomes of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from headrace.compute.attempts.decisions import (
    changed_settings,
    decide_next,
    format_walltime,
    pause_seconds,
)
from headrace.compute.attempts.failure_causes import Failure, FailureCause
from headrace.compute.attempts.record import Attempt, NextAttempt
from headrace.compute.attempts.settings import AttemptSettings, memory_amount
from headrace.compute.batch.settings import JobSettings
from headrace.compute.scheduler import (
    JobRequest,
    SchedulerError,
)
from headrace.compute.scheduler.slurm.parsing import parse_longest_walltime
from tests.support.compute.cluster import Cluster

NODE = "srun: error: Node failure on n2"
TRACEBACK = "Traceback (most recent call last):\nValueError: no such model"
NO_SPACE = "OSError: [Errno 28] No space left on device"


def decide(
    cluster: Cluster,
    settings: JobSettings,
    *causes: FailureCause,
    nodes: tuple[str, ...] = (),
    codes: tuple[int, ...] = (),
    submitted: bool = True,
    **limits: Any,
) -> NextAttempt:
    attempts = [
        Attempt(n + 1, f"job-{n}", cause=cause.value, exit_code=codes[n] if codes else None)
        for n, cause in enumerate(causes)
    ]
    failure = Failure(causes[-1], nodes)
    return decide_next(
        cluster, settings, AttemptSettings(**limits), failure, attempts, submitted=submitted
    )


@pytest.mark.parametrize("cause", FailureCause)
def test_what_would_come_again_is_not_repeated(
    cause: FailureCause, cluster: Cluster, settings: JobSettings
) -> None:
    never = {FailureCause.PROGRAM, FailureCause.CANCELLED, FailureCause.NEVER_STARTED}
    decided = decide(cluster, replace(settings, memory="2G"), cause)
    assert decided.repeat is (cause not in never)


@pytest.mark.parametrize("cause", [c for c in FailureCause if c.transient])
def test_attempts_end(cause: FailureCause, cluster: Cluster, settings: JobSettings) -> None:
    settings = replace(settings, memory="2G")
    assert not decide(cluster, settings, *[cause] * 3, codes=(1, 2, 3)).repeat


def test_a_crash_is_the_programs_when_it_comes_twice_alike(
    cluster: Cluster, settings: JobSettings
) -> None:
    crash = FailureCause.CRASHED
    assert decide(cluster, settings, crash, codes=(139,)).repeat
    twice = decide(cluster, settings, crash, crash, codes=(139, 139))
    assert (twice.repeat, twice.change) == (False, "not repeated: crashed twice alike")
    assert decide(cluster, settings, crash, crash, codes=(139, 134)).repeat


def test_the_node_is_left_out(cluster: Cluster, settings: JobSettings) -> None:
    decided = decide(cluster, settings, FailureCause.NODE, nodes=("n2",))
    assert (decided.change, decided.excluded) == ("without n2", ("n2",))
    own = replace(settings, options=("--exclude=n9", "--hint=nomultithread"))
    before = Attempt(1, "job", excluded=("n2",))
    after = Attempt(2, "job-2", excluded=("n3",))
    assert changed_settings(cluster, own, [before, after]).options == (
        "--hint=nomultithread",
        "--exclude=n9,n2,n3",
    )
    here = decide(cluster, settings, FailureCause.NODE, nodes=("n2",), submitted=False)
    assert (here.repeat, here.excluded) == (True, ())


def test_after_the_time_limit_there_is_more_time(cluster: Cluster, settings: JobSettings) -> None:
    limit = FailureCause.TIME_LIMIT
    assert decide(cluster, settings, limit).walltime == "02:00:00"
    assert decide(cluster, replace(settings, walltime="03:00:00"), limit).walltime == "04:00:00"
    assert decide(cluster, settings, limit, max_walltime="01:30:00").walltime == "01:30:00"
    longest = replace(settings, walltime="04:00:00")
    decided = decide(cluster, longest, limit)
    assert (decided.repeat, decided.change) == (
        False,
        "not repeated: 04:00:00 is the longest time here",
    )
    decided = decide(cluster, longest, limit, resumes=True)
    assert (decided.repeat, decided.walltime) == (True, "")


def test_an_unknown_longest_time_is_not_gone_beyond(
    cluster: Cluster, settings: JobSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(request: JobRequest) -> float:
        raise SchedulerError("no answer")

    monkeypatch.setattr(cluster, "longest_walltime", silent)
    assert not decide(cluster, settings, FailureCause.TIME_LIMIT).repeat
    words = "the longest time here is not known; set `max_walltime`"
    assert words in decide(cluster, settings, FailureCause.TIME_LIMIT).change


def test_memory_is_doubled_once(cluster: Cluster, settings: JobSettings) -> None:
    memory = FailureCause.MEMORY
    asked = replace(settings, memory="2G")
    assert decide(cluster, asked, memory).memory == "4096M"
    assert decide(cluster, asked, memory, max_memory="3G").memory == "3072M"
    assert not decide(cluster, asked, memory, max_memory="2G").repeat
    assert not decide(cluster, asked, memory, memory).repeat
    assert "set `memory`" in decide(cluster, settings, memory).change
    assert not decide(cluster, asked, memory, submitted=False).repeat


@pytest.mark.parametrize(
    ("text", "megabytes"),
    [("64G", 65536), ("500", 500), ("512m", 512), ("2T", 2097152), ("1.5GB", 1536), ("x", None)],
)
def test_amounts_of_memory(text: str, megabytes: float | None) -> None:
    assert memory_amount(text) == megabytes


@pytest.mark.parametrize(
    ("seconds", "text"), [(90, "00:01:30"), (90_000, "1-01:00:00"), (float("inf"), "UNLIMITED")]
)
def test_time_limits_are_written_as_slurm_reads_them(seconds: float, text: str) -> None:
    assert format_walltime(seconds) == text


def test_pauses_grow() -> None:
    limits = AttemptSettings(retry_pause="00:00:30")
    assert [pause_seconds(limits, n) for n in (1, 2, 3, 9)] == [30, 60, 120, 1800]


PARTITIONS = (
    "PartitionName=debug AllowGroups=ALL Default=NO MaxTime=00:30:00 State=UP\n"
    "PartitionName=regular AllowGroups=ALL Default=YES MaxTime=2-00:00:00 State=UP\n"
    "PartitionName=free Default=NO MaxTime=UNLIMITED State=UP\n"
)


@pytest.mark.parametrize(
    ("partition", "seconds"),
    [("", 172_800), ("debug", 1800), ("debug,regular", 172_800), ("free", float("inf"))],
)
def test_the_longest_time_of_a_partition(partition: str, seconds: float) -> None:
    assert parse_longest_walltime(PARTITIONS, partition) == seconds
