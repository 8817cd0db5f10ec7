"""Causes of failures, by the states of schedulers and by the texts that programs really print."""

from __future__ import annotations

import pytest

from headrace.compute.attempts.failure_causes import FailureCause, classify_failure
from headrace.compute.batch.outcome import JobOutcome
from headrace.compute.scheduler import CompletionStatus

FAILED = CompletionStatus.FAILED


def cause_of(printed: str, code: int = 1, state: str = "") -> FailureCause:
    outcome = JobOutcome(FAILED, f"failed with code {code}", state, code)
    return classify_failure(outcome, printed).cause


@pytest.mark.parametrize(
    ("state", "status", "cause"),
    [
        ("NODE_FAIL", CompletionStatus.NODE_FAILURE, FailureCause.NODE),
        ("BOOT_FAIL", CompletionStatus.NODE_FAILURE, FailureCause.NODE),
        ("PREEMPTED", CompletionStatus.CANCELLED, FailureCause.PREEMPTED),
        ("TIMEOUT", CompletionStatus.TIME_LIMIT, FailureCause.TIME_LIMIT),
        ("OUT_OF_MEMORY", CompletionStatus.OUT_OF_MEMORY, FailureCause.MEMORY),
        ("CANCELLED", CompletionStatus.CANCELLED, FailureCause.CANCELLED),
        ("DEADLINE", CompletionStatus.TIME_LIMIT, FailureCause.CANCELLED),
        ("CANCELLED", CompletionStatus.NEVER_STARTED, FailureCause.NEVER_STARTED),
        ("COMPLETED", CompletionStatus.OUTPUTS_MISSING, FailureCause.OUTPUTS_MISSING),
        ("", CompletionStatus.LOST, FailureCause.LOST),
    ],
)
def test_the_schedulers_statement_comes_before_all_texts(
    state: str, status: CompletionStatus, cause: FailureCause
) -> None:
    outcome = JobOutcome(status, status.value, state)
    assert classify_failure(outcome, "ValueError: no such model").cause is cause


# Printed by Slurm 22.05, MPICH 5.0, Python 3.11 and their programs on a test cluster.
PRINTED_HERE = [
    (
        "srun: error: n1: tasks 0-1: Segmentation fault (core dumped)",
        139,
        FailureCause.CRASHED,
    ),
    (
        "srun: error: n2: task 1: Killed\nsrun: Force Terminated StepId=2.0",
        137,
        FailureCause.KILLED,
    ),
    ("srun: error: n1: tasks 0-1: Exited with exit code 3", 3, FailureCause.PROGRAM),
    (
        "srun: error: Node failure on n2\n"
        "slurmstepd-n1: error: *** STEP 5.0 ON n1 CANCELLED AT 2026-11-28T17:37:35 DUE TO NODE "
        "FAILURE, SEE SLURMCTLD LOG FOR DETAILS ***\n"
        "srun: Job step aborted: Waiting up to 4 seconds for job step to finish.\n"
        "srun: got SIGCONT\nsrun: forcing job termination\nsrun: error: n1: task 0: Terminated",
        143,
        FailureCause.NODE,
    ),
    (
        "slurmstepd-n1: error: *** JOB 4 ON n1 CANCELLED AT 2026-11-28T17:37:04 DUE TO TIME LIMIT"
        " ***\nsrun: error: n1: task 0: Terminated",
        143,
        FailureCause.TIME_LIMIT,
    ),
    (
        "=   BAD TERMINATION OF ONE OF YOUR APPLICATION PROCESSES\n=   EXIT CODE: 11\n"
        "YOUR APPLICATION TERMINATED WITH THE EXIT STRING: Segmentation fault (signal 11)\n"
        "This typically refers to a problem with your application.",
        11,
        FailureCause.CRASHED,
    ),
    (
        "=   EXIT CODE: 9\nYOUR APPLICATION TERMINATED WITH THE EXIT STRING: Killed (signal 9)",
        9,
        FailureCause.KILLED,
    ),
    (
        "Abort(5) on node 1 (rank 1 in comm 0): application called MPI_Abort(MPI_COMM_WORLD, 5) - "
        "process 1",
        5,
        FailureCause.PROGRAM,
    ),
    (
        "Traceback (most recent call last):\n"
        '  File "seg.py", line 6, in <module>\n'
        "ValueError: no such model\n"
        "YOUR APPLICATION TERMINATED WITH THE EXIT STRING: Killed (signal 9)",
        1,
        FailureCause.PROGRAM,
    ),
    (
        "Traceback (most recent call last):\n"
        '  File "seg.py", line 8, in <module>\n'
        "OSError: [Errno 28] No space left on device",
        1,
        FailureCause.FILES,
    ),
]

# Written by other versions and sites, as their sources and reports have them.
PRINTED_ELSEWHERE = [
    (
        "slurmstepd: error: Detected 1 oom-kill event(s) in StepId=12.batch. Some of your processes"
        " may have been killed by the cgroup out-of-memory handler.",
        137,
        FailureCause.MEMORY,
    ),
    ("slurmstepd: error: Detected 2 oom_kill events in StepId=9.0.", 1, FailureCause.MEMORY),
    ("srun: error: nid00012: task 3: Out Of Memory", 125, FailureCause.MEMORY),
    ("slurmstepd: error: Exceeded job memory limit", 1, FailureCause.MEMORY),
    (
        "numpy._core._exceptions._ArrayMemoryError: Unable to allocate 8.00 GiB for an array with"
        " shape (1073741824,)",
        1,
        FailureCause.MEMORY,
    ),
    (
        "terminate called after throwing an instance of 'std::bad_alloc'\n  what():  bad alloc",
        134,
        FailureCause.MEMORY,
    ),
    (
        "slurmstepd: error: *** JOB 8 ON n4 CANCELLED AT 2026-11-28T17:37:04 DUE TO PREEMPTION ***",
        143,
        FailureCause.PREEMPTED,
    ),
    (
        "srun: error: Task launch for StepId=12.0 failed on node nid003032: Communication "
        "connection failure\nsrun: error: Application launch failed: Communication connection "
        "failure",
        1,
        FailureCause.NODE,
    ),
    (
        "ORTE has lost communication with a remote daemon.\n\n"
        "  HNP daemon   : [[27407,0],0] on node batch2\n"
        "  Remote daemon: [[27407,0],1] on node d23n02\n\n"
        "This is usually due to either a failure of the TCP network",
        1,
        FailureCause.NODE,
    ),
    (
        "prterun noticed that process rank 3 with PID 4711 on node n2 exited on\n"
        "signal 11 (Segmentation fault).\nmpirun: it exited on signal 11 (Segmentation fault).",
        139,
        FailureCause.CRASHED,
    ),
    ("Program received signal SIGSEGV: Segmentation fault", 139, FailureCause.CRASHED),
    ("forrtl: severe (174): SIGSEGV, segmentation fault occurred", 174, FailureCause.CRASHED),
    (
        "MPICH ERROR [Rank 0] [job id 8.0]: MPIDI_OFI_handle_cq_error(1062): OFI poll failed",
        255,
        FailureCause.NETWORK,
    ),
    ("UCX  ERROR ib_mlx5_log.c: Transport retry count exceeded on mlx5_0", 1, FailureCause.NETWORK),
    ("cp: cannot stat 'x': Stale file handle", 1, FailureCause.FILES),
    ("cat: f: Cannot send after transport endpoint shutdown", 1, FailureCause.FILES),
    (
        "HDF5: file write failed: errno = 5, error message = 'Input/output error'",
        1,
        FailureCause.FILES,
    ),
    (
        "forrtl: severe (38): error during write, unit 10: Disk quota exceeded",
        38,
        FailureCause.FILES,
    ),
    (
        # srun ends with the highest code of all ranks, which is that of those that it killed.
        "srun: Job step aborted: Waiting up to 32 seconds for job step to finish.\n"
        "srun: error: n1: task 0: Exited with exit code 1\n"
        "srun: error: n1: tasks 1-3: Killed",
        137,
        FailureCause.PROGRAM,
    ),
    (
        "srun: error: n1: task 3: Killed\nsrun: error: n1: tasks 0-2: Exited with exit code 16",
        137,
        FailureCause.KILLED,
    ),
    (
        "MPI_ABORT was invoked on rank 0 in communicator MPI_COMM_WORLD\nwith errorcode 1.\n"
        "mpirun noticed that process rank 1 exited on signal 9 (Killed).",
        137,
        FailureCause.PROGRAM,
    ),
    (
        "=   BAD TERMINATION OF ONE OF YOUR APPLICATION PROCESSES\n=   EXIT CODE: 1\n"
        "=   CLEANING UP REMAINING PROCESSES\n"
        "=   YOU CAN IGNORE THE BELOW CLEANUP MESSAGES\n"
        "[proxy:0:1@n2] HYD_pmcd_pmip_control_cmd_cb (pm/pmiserv/pmip_cb.c:886): assert (!closed)"
        " failed\n[proxy:0:1@n2] HYDT_dmxu_poll_wait_for_event (tools/demux/demux_poll.c:76): "
        "callback returned error status\n"
        "[mpiexec@n1] HYDT_bscu_wait_for_completion (tools/bootstrap/utils/bscu_wait.c:76): one "
        "of the processes terminated badly; aborting",
        1,
        FailureCause.PROGRAM,
    ),
    (
        "[mpiexec@n1] HYDT_dmxu_poll_wait_for_event (tools/demux/demux_poll.c:76): callback "
        "returned error status",
        255,
        FailureCause.NODE,
    ),
    ("=   KILLED BY SIGNAL: 9 (Killed)", 9, FailureCause.KILLED),
    ("=   KILLED BY SIGNAL: 11 (Segmentation fault)", 11, FailureCause.CRASHED),
    ("", 137, FailureCause.KILLED),
    ("", -9, FailureCause.KILLED),
    ("", -11, FailureCause.CRASHED),
    ("", 139, FailureCause.CRASHED),
    ("", 2, FailureCause.PROGRAM),
    ("usage: fit.py [-h]\nfit.py: error: unrecognized arguments: --rank", 2, FailureCause.PROGRAM),
    ("bash: fit: command not found", 127, FailureCause.PROGRAM),
]


@pytest.mark.parametrize(("printed", "code", "cause"), PRINTED_HERE + PRINTED_ELSEWHERE)
def test_the_cause_is_read_from_what_was_printed(
    printed: str, code: int, cause: FailureCause
) -> None:
    assert cause_of(printed, code) is cause


def test_a_problem_of_files_that_the_program_got_over_is_not_its_end() -> None:
    printed = (
        "warning: cache: Input/output error, going on without\n"
        "Traceback (most recent call last):\n"
        "KeyError: 'model'"
    )
    assert cause_of(printed) is FailureCause.PROGRAM


@pytest.mark.parametrize(
    ("printed", "nodes", "culprits"),
    [
        ("srun: error: Node failure on n2", "n[1-2]", ("n2",)),
        ("", "n7", ("n7",)),
        ("", "n[1-2]", ()),
        ("  Remote daemon: [[27407,0],1] on node d23n02", "d23n[01-02]", ("d23n02",)),
    ],
)
def test_the_node_that_was_lost_is_known(
    printed: str, nodes: str, culprits: tuple[str, ...]
) -> None:
    outcome = JobOutcome(CompletionStatus.NODE_FAILURE, "node failure", "NODE_FAIL", nodes=nodes)
    assert classify_failure(outcome, printed).nodes == culprits


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        ("RaisedSignal:53(Real-time_signal_19)", FailureCause.NODE),
        ("JobLaunchFailure", FailureCause.NODE),
        ("DependencyNeverSatisfied", FailureCause.NEVER_STARTED),
    ],
)
def test_a_node_that_could_not_begin_a_job_is_the_cause(reason: str, cause: FailureCause) -> None:
    status = CompletionStatus.NEVER_STARTED
    outcome = JobOutcome(status, f"never started: {reason}", "FAILED")
    assert classify_failure(outcome, "").cause is cause


def test_no_node_is_the_cause_of_an_error_of_the_program() -> None:
    outcome = JobOutcome(FAILED, "failed with code 3", "FAILED", 3, nodes="n7")
    assert classify_failure(outcome, "ValueError: no").nodes == ()
