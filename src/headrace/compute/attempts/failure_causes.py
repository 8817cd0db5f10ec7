"""Causes of failures of jobs, read from what the scheduler says and what the programs printed.

The scheduler's state comes first: it is a statement about the job. The texts after it are those
that Slurm, MPICH's and Open MPI's launchers, kernels, file systems and Python print. What is not
known here is an error of the program: it would come again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from ..batch.outcome import JobOutcome
from ..scheduler import CompletionStatus, JobState
from .cause_names import FailureCause

_OF_STATE: Final = {
    JobState.NODE_FAIL: FailureCause.NODE,
    JobState.BOOT_FAIL: FailureCause.NODE,
    JobState.PREEMPTED: FailureCause.PREEMPTED,
    JobState.TIMEOUT: FailureCause.TIME_LIMIT,
    JobState.OUT_OF_MEMORY: FailureCause.MEMORY,
    # A deadline passes for the next job, too.
    JobState.DEADLINE: FailureCause.CANCELLED,
    JobState.CANCELLED: FailureCause.CANCELLED,
}
_OF_STATUS: Final = {
    CompletionStatus.NODE_FAILURE: FailureCause.NODE,
    CompletionStatus.TIME_LIMIT: FailureCause.TIME_LIMIT,
    CompletionStatus.OUT_OF_MEMORY: FailureCause.MEMORY,
    CompletionStatus.CANCELLED: FailureCause.CANCELLED,
    CompletionStatus.NEVER_STARTED: FailureCause.NEVER_STARTED,
    CompletionStatus.OUTPUTS_MISSING: FailureCause.OUTPUTS_MISSING,
    CompletionStatus.LOST: FailureCause.LOST,
}
_NODE: Final = r"(?P<node>[A-Za-z0-9][A-Za-z0-9._-]*)"


@dataclass(frozen=True)
class FailureText:
    """A text of which the cause of a failure is known.

    Attributes:
        cause: the cause.
        pattern: the text; its group ``node``, where it has one, names the node that was the cause.
    """

    cause: FailureCause
    pattern: re.Pattern[str]


def _texts(cause: FailureCause, *patterns: str) -> tuple[FailureText, ...]:
    return tuple(FailureText(cause, re.compile(pattern)) for pattern in patterns)


_PREEMPTION: Final = _texts(FailureCause.PREEMPTED, r"CANCELLED AT \S+ DUE TO PREEMPTION")
_TIME: Final = _texts(FailureCause.TIME_LIMIT, r"CANCELLED AT \S+ DUE TO TIME LIMIT")
_MEMORY: Final = _texts(
    FailureCause.MEMORY,
    # Slurm: src/slurmd/common/xcgroup, src/plugins/task/cgroup, jobacct_gather.
    r"[Dd]etected \d+ oom[-_]kill event",
    r"(?i)exceeded (?:job|step|virtual)?\s*memory limit",
    r"srun: error: \S+: tasks? [\d,-]+: Out Of Memory",
    # Kernel, C++, numpy, Fortran.
    r"(?i)out of memory: kill(?:ed)? process",
    r"std::bad_alloc",
    r"(?:^|\W)MemoryError\b",
    r"_?ArrayMemoryError: Unable to allocate",
    r"(?:OSError|RuntimeError|error).*Cannot allocate memory",
    r"CUDA out of memory|CUDA_ERROR_OUT_OF_MEMORY",
)
_LOST_NODE: Final = _texts(
    FailureCause.NODE,
    # Slurm: the node in `srun: error: Node failure on` is the lost one; the one in
    # `JOB 7 ON n1 CANCELLED ... DUE TO NODE FAILURE` is the one that is left to say so.
    rf"srun: error: Node failure on {_NODE}",
    r"CANCELLED AT \S+ DUE TO NODE FAILURE",
    rf"Task launch for \S+ failed on node {_NODE}",
    r"srun: error: Application launch failed|srun: error: Unable to create step for job",
    r"slurmstepd: error: .*[Pp]rolog (?:failed|failure)",
    # Open MPI, PRRTE; MPICH's Hydra.
    rf"Remote daemon: *\S+ on node {_NODE}",
    r"(?:ORTE|PRTE) has lost communication with",
    r"An? (?:ORTE|PRTE) daemon has unexpectedly failed",
    r"HYD_pmcd_pmip_control_cmd_cb|HYDU_sock_connect|HYDT_dmxu_poll_wait_for_event",
    # Graphics processors and memory that have gone bad.
    r"(?i)uncorrectable (?:double bit )?ECC error|GPU has fallen off the bus|NVRM: Xid",
    r"(?i)machine check exception|hardware error",
)
_NETWORK: Final = _texts(
    FailureCause.NETWORK,
    r"(?i)transport retry count exceeded|retry exceeded error",
    r"MPIDI_OFI_handle_cq_error|OFI poll failed",
    r"(?i)UCX +ERROR.*(?:unreachable|timeout|timed out|connection)",
    r"(?i)Communication connection failure",
    r"(?i)socket timed out on send/recv operation",
)
_FILES: Final = _texts(
    FailureCause.FILES,
    r"No space left on device|\bENOSPC\b|[Dd]isk quota exceeded|\bEDQUOT\b",
    r"Input/output error|\bEIO\b|Remote I/O error",
    r"Stale (?:NFS )?file handle|\bESTALE\b",
    r"Transport endpoint is not connected|Cannot send after transport endpoint shutdown",
    r"LustreError|Read-only file system|Host is down",
    r"\[Errno (?:5|28|30|110|112|107|108|116|121|122)\]",
    r"(?i)errno = (?:5|28|30|107|108|116|122)\b",
)
_KILLED: Final = _texts(
    FailureCause.KILLED,
    r"srun: error: \S+: tasks? [\d,-]+: (?:Killed|Terminated)",
    r"EXIT STRING: (?:Killed|Terminated) \(signal (?:9|15)\)",
    r"on signal (?:9|15) \((?:Killed|Terminated)\)",
    r"KILLED BY SIGNAL: (?:9|15) \(",
)
_CRASHED: Final = _texts(
    FailureCause.CRASHED,
    r"(?:srun: error: \S+: tasks? [\d,-]+: |EXIT STRING: |^|\s)"
    r"(?:Segmentation fault|Bus error|Floating point exception|Illegal instruction|Aborted)\b",
    r"on signal (?:4|6|7|8|11) \(",
    r"KILLED BY SIGNAL: (?:4|6|7|8|11) \(",
    r"SIG(?:SEGV|BUS|FPE|ILL|ABRT)\b",
)
# What the scheduler and the launchers say of other causes than the program comes first; a crash
# is what is left.
_SPOKEN: Final = (_PREEMPTION, _TIME, _MEMORY, _LOST_NODE, _NETWORK)
# Slurm's reasons for a job that its node could not begin, as where it has no file system.
_NOT_LAUNCHED: Final = re.compile(r"RaisedSignal:53\b|JobLaunchFailure|SystemFailure")
# A program that ended by itself, whose other ranks the launcher killed.
_ENDED_ITSELF: Final = re.compile(
    r"application called MPI_Abort|MPI_ABORT was invoked on rank"
    r"|srun: error: \S+: tasks? [\d,-]+: Exited with exit code (?!(?:137|143)\b)"
)
_RANK_KILLED: Final = re.compile(r"srun: error: \S+: tasks? [\d,-]+: (?:Killed|Terminated)")
# What Hydra says of its own connections after a rank has ended is no lost node.
_RANK_ENDED_BADLY: Final = "BAD TERMINATION OF ONE OF YOUR APPLICATION PROCESSES"
_OF_HYDRA: Final = re.compile(r"^\[(?:proxy|mpiexec)[:@]")
_KILL_CODES: Final = frozenset({137, 143})
# Segmentation fault, bus error, abort, floating point exception, illegal instruction.
_CRASH_CODES: Final = frozenset({139, 135, 134, 136, 132})
_TRACEBACK: Final = "Traceback (most recent call last):"
# The last line of a traceback: the exception, behind the prefix that a launcher may put before it.
_EXCEPTION: Final = re.compile(
    r"^(?:\[?[\w.:,-]+\]?:? )?[A-Za-z_][\w.]*(?:Error|Exception|Exit|Interrupt|Warning|Failure)\b"
)
_LINES: Final = 400


@dataclass(frozen=True)
class Failure:
    """Failure of a job.

    Attributes:
        cause: why.
        nodes: the nodes that were the cause; empty where none was, or it is not known which.
        words: the line that says so; empty where the scheduler's state did.
    """

    cause: FailureCause
    nodes: tuple[str, ...] = ()
    words: str = ""


def classify_failure(outcome: JobOutcome, printed: str, nodes: str = "") -> Failure:
    """Return the cause of a job's failure.

    Args:
        outcome: the job's outcome, which is none of success.
        printed: what the script and the scheduler printed, the last of it at the end.
        nodes: where it ran, as the scheduler names nodes; empty where it is not known.
    """
    cause, words = _cause(outcome, printed.splitlines()[-_LINES:])
    return Failure(cause, _culprits(cause, printed, nodes or outcome.nodes), words)


def _cause(outcome: JobOutcome, lines: Sequence[str]) -> tuple[FailureCause, str]:
    if outcome.state in _OF_STATE and outcome.status is not CompletionStatus.NEVER_STARTED:
        return _OF_STATE[JobState(outcome.state)], ""
    if outcome.status is CompletionStatus.NEVER_STARTED and (
        _NOT_LAUNCHED.search(outcome.description)
    ):
        return FailureCause.NODE, outcome.description
    if outcome.status in _OF_STATUS:
        return _OF_STATUS[outcome.status], ""
    if any(_RANK_ENDED_BADLY in line for line in lines):
        lines = [line for line in lines if not _OF_HYDRA.match(line)]
    for texts in _SPOKEN:
        if (found := _first(texts, lines)) is not None:
            return found
    if any(_TRACEBACK in line for line in lines):
        return _cause_of_tracebacks(lines)
    for texts in (_FILES, _CRASHED):
        if (found := _first(texts, lines)) is not None:
            return found
    if (line := _end_by_itself(lines)) is not None:
        return FailureCause.PROGRAM, line
    if (found := _first(_KILLED, lines)) is not None:
        return found
    code = outcome.exit_code or 0
    # Of a script that ran here it may be the signal's own number, below zero.
    code = code if code >= 0 else 128 - code
    if code in _KILL_CODES:
        return FailureCause.KILLED, ""
    if code in _CRASH_CODES:
        return FailureCause.CRASHED, ""
    return FailureCause.PROGRAM, ""


# What is said of a job in the line that its caller gets (`JobCall.failure_message`).
_MESSAGES: Final = tuple(
    (cause, re.compile(rf"\bjob(?: [\w.\[\]+-]+)?: {words}"))
    for cause, words in (
        (FailureCause.NODE, "node failure"),
        (FailureCause.TIME_LIMIT, "time limit"),
        (FailureCause.MEMORY, "out of memory"),
        (FailureCause.OUTPUTS_MISSING, "outputs missing: "),
        (FailureCause.NEVER_STARTED, "never started: "),
        (FailureCause.CANCELLED, "cancelled"),
        (FailureCause.LOST, "lost"),
        (FailureCause.KILLED, r"failed with code (?:137|143|-9|-15)\b"),
        (FailureCause.CRASHED, r"failed with code (?:139|135|134|136|132|-11|-7|-6|-8|-4)\b"),
    )
)


def cause_in_text(text: str) -> FailureCause | None:
    """Return the cause that a message of a failure tells; None where it tells none.

    Args:
        text: what a function that runs jobs raised, or what a program printed.
    """
    for cause, pattern in _MESSAGES:
        if pattern.search(text):
            return cause
    lines = text.splitlines()
    for texts in (*_SPOKEN, _FILES, _CRASHED, _KILLED):
        if (found := _first(texts, lines)) is not None:
            return found[0]
    return None


def _cause_of_tracebacks(lines: Sequence[str]) -> tuple[FailureCause, str]:
    """Return the cause of exceptions: that of the one which another rank's end did not cause."""
    exceptions = [line for line in lines if _EXCEPTION.match(line)]
    return _first(_FILES, exceptions) or (
        FailureCause.PROGRAM,
        exceptions[-1] if exceptions else "",
    )


def _end_by_itself(lines: Sequence[str]) -> str | None:
    """Return the line by which a rank ended before others were killed; None where none did."""
    for line in lines:
        if _ENDED_ITSELF.search(line):
            return " ".join(line.split())[:300]
        if _RANK_KILLED.search(line):
            return None
    return None


def _first(texts: Iterable[FailureText], lines: Sequence[str]) -> tuple[FailureCause, str] | None:
    for text in texts:
        for line in lines:
            if text.pattern.search(line):
                return text.cause, " ".join(line.split())[:300]
    return None


def _culprits(cause: FailureCause, printed: str, nodes: str) -> tuple[str, ...]:
    """Return the nodes to be left out of the next job."""
    if cause is not FailureCause.NODE:
        return ()
    named = [
        match["node"].rstrip(".")
        for text in _LOST_NODE
        if "node" in text.pattern.groupindex
        for match in text.pattern.finditer(printed)
    ]
    if named:
        return tuple(dict.fromkeys(named))
    # Of several it is not known which one.
    alone = re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", nodes)
    return (nodes,) if alone else ()
