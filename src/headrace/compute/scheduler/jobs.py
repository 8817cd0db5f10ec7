"""Jobs: their states, ids and outcomes, and a scheduler's answers about them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class JobState(StrEnum):
    """State of a job; the names are Slurm's, and other schedulers' states are mapped to them.

    A state for which there is no name here is ``UNKNOWN``. Only what is listed as final is an end:
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

    @property
    def final(self) -> bool:
        """True where the job has ended."""
        return self in _FINAL

    @property
    def running(self) -> bool:
        """True where the job runs."""
        return self is JobState.RUNNING

    @property
    def may_be_requeued(self) -> bool:
        """True where the scheduler may run the job again by itself, where the job allows it."""
        return self in _MAY_BE_REQUEUED

    @property
    def held(self) -> bool:
        """True where the job waits until somebody releases it."""
        return self in _HELD


_FINAL = frozenset(
    {JobState.BOOT_FAIL, JobState.CANCELLED, JobState.COMPLETED, JobState.DEADLINE}
    | {JobState.FAILED, JobState.NODE_FAIL, JobState.OUT_OF_MEMORY, JobState.PREEMPTED}
    | {JobState.TIMEOUT}
)
_MAY_BE_REQUEUED = frozenset({JobState.NODE_FAIL, JobState.BOOT_FAIL, JobState.PREEMPTED})
_HELD = frozenset({JobState.REQUEUE_HOLD, JobState.RESV_DEL_HOLD, JobState.SPECIAL_EXIT})


class CompletionStatus(StrEnum):
    """Outcome of a job."""

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
        """True where the scheduler, or the job itself, has reported it; ``LOST`` is the rest."""
        return self is not CompletionStatus.LOST

    @property
    def retryable(self) -> bool:
        """True where the same job may end otherwise another time."""
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
    """Id of a job, and the cluster that it is on.

    Attributes:
        number: letters and digits, without the name of a server.
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
        """Return ``NUMBER``, or ``NUMBER;CLUSTER``."""
        return f"{self.number};{self.cluster}" if self.cluster else self.number


_ID = re.compile(r"([A-Za-z0-9]+)(?:;([A-Za-z0-9_.-]+))?")


@dataclass(frozen=True)
class Job:
    """A job, or a member of an array, as the scheduler shows it.

    Attributes:
        job_id: its id; of a member of an array ``ID_INDEX``, of several ``ID_[RANGES]``; of a part
            of a job that has several ``ID+PART``.
        state: its state.
        reason: why it waits, or why it ended.
        nodes: where it runs.
        tag: the tag that it was submitted with; empty: none, or not known.
        name: its name.
        script: the script that was submitted.
        cluster: the cluster that was asked; empty: this machine's.
        restarts: how often it was run again; None where that is not known.
        exit_code: the script's; None where that is not known.
        needs_attention: whether it will not start unless somebody does something.
        seconds_left: of its time limit, of a job that runs; None where that is not known,
            infinity where it has none.
    """

    job_id: str
    state: JobState
    reason: str = ""
    nodes: str = ""
    tag: str = ""
    name: str = ""
    script: str = ""
    cluster: str = ""
    restarts: int | None = None
    exit_code: int | None = None
    needs_attention: bool = False
    seconds_left: float | None = None

    @property
    def number(self) -> str:
        """The job's number; of an array's member, the array's."""
        return re.split(r"[_+]", self.job_id, maxsplit=1)[0]

    @property
    def array_indices(self) -> str:
        """Indices of the members of an array, such as ``3`` or ``[4-9%2]``; empty for a job."""
        return self.job_id.partition("_")[2]

    def belongs_to(self, job: JobId) -> bool:
        """Return whether it is a job, or a member of it."""
        return self.number == job.number and self.cluster == job.cluster


@dataclass(frozen=True)
class Queue:
    """The jobs of a user, as one question to the scheduler showed them.

    Attributes:
        jobs: the jobs, those too that ended a short while ago.
        clusters: the clusters that were asked; an empty name: this machine's.
        complete_clusters: those of them whose answers were complete. Only there a job that is not
            shown is not in the queue.
    """

    jobs: Sequence[Job] = ()
    clusters: Sequence[str] = ("",)
    complete_clusters: Sequence[str] = ("",)

    @property
    def complete(self) -> bool:
        """True where all answers were complete."""
        return set(self.clusters) <= set(self.complete_clusters)


@dataclass(frozen=True)
class Limits:
    """Limits of a cluster.

    Attributes:
        max_array_size: members of an array; 0: it takes no arrays.
    """

    max_array_size: int
