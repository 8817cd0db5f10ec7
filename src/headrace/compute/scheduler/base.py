"""What a scheduler does, and the words for jobs and their ends."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class JobState(StrEnum):
    """State of a job, as Slurm names it.

    A state that this list does not have is ``UNKNOWN``. Only what is listed as final is an end:
    whatever is unknown may still run.
    """

    PENDING = "PENDING"
    CONFIGURING = "CONFIGURING"
    RUNNING = "RUNNING"
    COMPLETING = "COMPLETING"
    STAGE_OUT = "STAGE_OUT"
    SIGNALING = "SIGNALING"
    RESIZING = "RESIZING"
    STOPPED = "STOPPED"
    SUSPENDED = "SUSPENDED"
    REQUEUED = "REQUEUED"
    REQUEUE_FED = "REQUEUE_FED"
    REQUEUE_HOLD = "REQUEUE_HOLD"
    RESV_DEL_HOLD = "RESV_DEL_HOLD"
    SPECIAL_EXIT = "SPECIAL_EXIT"
    REVOKED = "REVOKED"
    LAUNCH_FAILED = "LAUNCH_FAILED"
    RECONFIG_FAIL = "RECONFIG_FAIL"
    BOOT_FAIL = "BOOT_FAIL"
    CANCELLED = "CANCELLED"
    COMPLETED = "COMPLETED"
    DEADLINE = "DEADLINE"
    FAILED = "FAILED"
    NODE_FAIL = "NODE_FAIL"
    OUT_OF_MEMORY = "OUT_OF_MEMORY"
    PREEMPTED = "PREEMPTED"
    TIMEOUT = "TIMEOUT"
    UNKNOWN = "UNKNOWN"

    @classmethod
    def parse(cls, text: str) -> JobState:
        """Read a state as one of the commands prints it.

        Args:
            text: such as ``RUNNING``, ``CANCELLED by 1000``, ``CANCELLE+`` (cut to its column) or
                ``CD`` (the short form).
        """
        word = text.strip().partition(" ")[0].upper()
        cut, word = word.endswith("+"), word.rstrip("+")
        if word in _ABBREVIATIONS:
            return cls(_ABBREVIATIONS[word])
        if word in cls.__members__:
            return cls(word)
        found = [state for state in cls if cut and len(word) > 2 and state.startswith(word)]
        return found[0] if len(found) == 1 else cls.UNKNOWN

    @property
    def final(self) -> bool:
        """Whether the job has ended."""
        return self in _FINAL

    @property
    def running(self) -> bool:
        """Whether the job runs."""
        return self is JobState.RUNNING

    @property
    def may_be_requeued(self) -> bool:
        """Whether the scheduler may run the job again by itself, where the job allows it."""
        return self in _MAY_BE_REQUEUED

    @property
    def held(self) -> bool:
        """Whether the job waits until somebody releases it."""
        return self in _HELD


_FINAL = frozenset(
    {JobState.BOOT_FAIL, JobState.CANCELLED, JobState.COMPLETED, JobState.DEADLINE}
    | {JobState.FAILED, JobState.NODE_FAIL, JobState.OUT_OF_MEMORY, JobState.PREEMPTED}
    | {JobState.TIMEOUT}
)
_MAY_BE_REQUEUED = frozenset({JobState.NODE_FAIL, JobState.BOOT_FAIL, JobState.PREEMPTED})
_HELD = frozenset({JobState.REQUEUE_HOLD, JobState.RESV_DEL_HOLD, JobState.SPECIAL_EXIT})
_ABBREVIATIONS = {
    **{"BF": "BOOT_FAIL", "CA": "CANCELLED", "CD": "COMPLETED", "CF": "CONFIGURING"},
    **{"CG": "COMPLETING", "DL": "DEADLINE", "F": "FAILED", "NF": "NODE_FAIL"},
    **{"OOM": "OUT_OF_MEMORY", "PD": "PENDING", "PR": "PREEMPTED", "R": "RUNNING"},
    **{"RD": "RESV_DEL_HOLD", "RF": "REQUEUE_FED", "RH": "REQUEUE_HOLD", "RQ": "REQUEUED"},
    **{"RS": "RESIZING", "RV": "REVOKED", "S": "SUSPENDED", "SE": "SPECIAL_EXIT"},
    **{"SI": "SIGNALING", "SO": "STAGE_OUT", "ST": "STOPPED", "TO": "TIMEOUT"},
}


class CompletionStatus(StrEnum):
    """How a job ended."""

    FINISHED = "finished"
    FAILED = "failed"
    TIME_LIMIT = "time_limit"
    OUT_OF_MEMORY = "out_of_memory"
    NODE_FAILURE = "node_failure"
    CANCELLED = "cancelled"
    NEVER_STARTED = "never_started"
    OUTPUTS_MISSING = "outputs_missing"
    LOST = "lost"

    @property
    def final(self) -> bool:
        """Whether the scheduler, or the job itself, said so; ``LOST`` is what is left over."""
        return self is not CompletionStatus.LOST

    @property
    def retryable(self) -> bool:
        """Whether the same job may end otherwise another time."""
        return self in RETRYABLE


RETRYABLE = frozenset(
    {
        CompletionStatus.NODE_FAILURE,
        CompletionStatus.LOST,
        CompletionStatus.FAILED,
        CompletionStatus.OUTPUTS_MISSING,
    }
)


@dataclass(frozen=True)
class JobId:
    """Number of a job, and the cluster that it is on.

    Attributes:
        number: digits.
        cluster: the cluster that the scheduler named; empty: this machine's.
    """

    number: str
    cluster: str = ""

    @classmethod
    def parse(cls, text: str) -> JobId | None:
        """Read ``NUMBER`` or ``NUMBER;CLUSTER``; None where the text is neither."""
        match = _ID.fullmatch(text)
        return cls(match[1], match[2] or "") if match else None

    def __str__(self) -> str:
        """Return the id as sbatch prints it."""
        return f"{self.number};{self.cluster}" if self.cluster else self.number


_ID = re.compile(r"([0-9]+)(?:;([A-Za-z0-9_.-]+))?")


@dataclass(frozen=True)
class Job:
    """A job, or a member of an array, as the scheduler shows it.

    Attributes:
        job_id: its id; of an array's member ``ID_NUMBER``, of several ``ID_[RANGES]``.
        state: its state.
        reason: why it waits, or why it ended.
        nodes: where it runs.
        comment: what its submitter wrote.
        name: its name.
        script: the script that was submitted.
        cluster: the cluster that was asked; empty: this machine's.
        restarts: how often it was run again; None where that was not told.
        exit_code: the script's, None where that was not told.
        needs_attention: whether it will not start unless somebody does something.
    """

    job_id: str
    state: JobState
    reason: str = ""
    nodes: str = ""
    comment: str = ""
    name: str = ""
    script: str = ""
    cluster: str = ""
    restarts: int | None = None
    exit_code: int | None = None
    needs_attention: bool = False

    @property
    def number(self) -> str:
        """The job's number; of an array's member, the array's."""
        return re.split(r"[_+]", self.job_id, maxsplit=1)[0]

    @property
    def array_indices(self) -> str:
        """Which members of an array it is, such as ``3`` or ``[4-9%2]``; empty for a job."""
        return self.job_id.partition("_")[2]

    def belongs_to(self, job: JobId) -> bool:
        """Say whether it is a job, or a member of it."""
        return self.number == job.number and self.cluster == job.cluster


@dataclass(frozen=True)
class Queue:
    """The jobs of a user, as one question to the scheduler showed them.

    Attributes:
        jobs: the jobs, those too that ended a short while ago.
        asked: the clusters that were asked; an empty name: this machine's.
        whole: those of them whose answers were whole. Only there a job that is not shown is not in
            the queue.
    """

    jobs: Sequence[Job] = ()
    clusters: Sequence[str] = ("",)
    complete_clusters: Sequence[str] = ("",)

    @property
    def complete(self) -> bool:
        """Whether all answers were whole."""
        return set(self.clusters) <= set(self.complete_clusters)


@dataclass(frozen=True)
class Limits:
    """What a cluster takes at once.

    Attributes:
        array_size: members of an array.
    """

    max_array_size: int


class Scheduler(Protocol):
    """A batch scheduler: Slurm, or what stands in its place.

    No method waits longer than a fixed time. Whatever is no clear answer raises
    :class:`SchedulerError`: the absence of an answer says nothing about a job.
    """

    name: str

    def missing_commands(self) -> list[str]:
        """Return the commands that this machine lacks."""
        ...

    def submit(self, script: str, options: Sequence[str], environment: Mapping[str, str]) -> JobId:
        """Submit a script.

        Raises:
            SubmissionRefused: the scheduler refuses, or did not say whether it has taken it.
        """
        ...

    def queue(self, clusters: Collection[str] = ("",)) -> Queue:
        """Return this user's jobs on clusters.

        Raises:
            SchedulerError: no cluster answers.
        """
        ...

    def show(self, job: JobId) -> list[Job]:
        """Return a job, or the members of an array; empty: the scheduler says it has none.

        Raises:
            SchedulerError: no answer.
        """
        ...

    def accounting_records(self, job: JobId, name: str, earliest: float) -> list[Job]:
        """Return what accounting has of a job; empty where it has nothing, or is not there.

        Args:
            job: the job.
            name: the job's name: an id may be used again.
            earliest: seconds since 1970; an older job is another one.
        """
        ...

    def cancel(self, jobs: Collection[JobId]) -> None:
        """Cancel jobs; those that have ended are left alone.

        Raises:
            SchedulerError: no answer.
        """
        ...

    def limits(self, cluster: str = "") -> Limits:
        """Return a cluster's limits.

        Raises:
            SchedulerError: no answer.
        """
        ...
