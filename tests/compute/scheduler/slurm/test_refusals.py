"""What sbatch's refusals mean, as the sources of Slurm word them."""

from __future__ import annotations

import pytest

from headrace.compute.scheduler import JobState, Refusal
from headrace.compute.scheduler.slurm.reasons import needs_intervention
from headrace.compute.scheduler.slurm.refusals import classify_refusal

POLICY = (
    "Batch job submission failed: Job violates accounting/QOS policy (job submit limit, user's "
    "size and/or time limits)"
)


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        (f"AssocMaxSubmitJobLimit\n{POLICY}", Refusal.LIMIT),
        (f"QOSMaxSubmitJobPerUserLimit\n{POLICY}", Refusal.LIMIT),
        (f"AssocGrpSubmitJobsLimit\n{POLICY}", Refusal.LIMIT),
        (f"MaxSubmitJobsPerAccount\n{POLICY}", Refusal.LIMIT),
        (f"QOSMaxWallDurationPerJobLimit\n{POLICY}", Refusal.PERMANENT),
        (f"AssocMaxNodePerJobLimit\n{POLICY}", Refusal.PERMANENT),
        (POLICY, Refusal.UNRECOGNIZED),
        ("Batch job submission failed: Unspecified error", Refusal.UNRECOGNIZED),
        ("Slurm temporarily unable to accept job, sleeping and retrying", Refusal.UNAVAILABLE),
        ("Batch job submission failed: Resource temporarily unavailable", Refusal.UNAVAILABLE),
        (
            "Batch job submission failed: Slurm backup controller in standby mode",
            Refusal.UNAVAILABLE,
        ),
        (
            "Batch job submission failed: I/O error writing script/environment to file",
            Refusal.UNAVAILABLE,
        ),
        ("Batch job submission failed: Invalid authentication credential", Refusal.UNAVAILABLE),
        (
            "resolve_ctls_from_dns_srv failed\nfatal: Could not establish a configuration source",
            Refusal.UNAVAILABLE,
        ),
        (
            "Batch job submission failed: Socket timed out on send/recv operation",
            Refusal.UNANSWERED,
        ),
        (
            "Batch job submission failed: Unable to contact slurm controller (connect failure)",
            Refusal.UNANSWERED,
        ),
        (
            "Batch job submission failed: Zero Bytes were transmitted or received",
            Refusal.UNANSWERED,
        ),
        ("Batch job submission failed: Invalid partition name specified", Refusal.PERMANENT),
        (
            "Invalid account or account/partition combination specified",
            Refusal.PERMANENT,
        ),
        (
            "Batch job submission failed: Requested node configuration is not available",
            Refusal.PERMANENT,
        ),
        ("sbatch: unrecognized option '--gpu'", Refusal.PERMANENT),
        ("Batch job submission failed: Invalid job array specification", Refusal.PERMANENT),
        ("Invalid --sockets-per-node specification", Refusal.PERMANENT),
        (
            "Batch job submission failed: User's group not permitted to use this partition",
            Refusal.PERMANENT,
        ),
    ],
)
def test_refusals(text: str, refusal: Refusal) -> None:
    assert classify_refusal(f"sbatch: error: {text}\n", 1) is refusal


def test_an_sbatch_that_was_killed_has_not_refused() -> None:
    assert classify_refusal("", -15) is Refusal.UNANSWERED
    assert classify_refusal("", 137) is Refusal.UNANSWERED


def test_which_refusals_pass() -> None:
    assert {refusal for refusal in Refusal if refusal.transient} == {
        Refusal.UNAVAILABLE,
        Refusal.LIMIT,
        Refusal.UNANSWERED,
    }


@pytest.mark.parametrize(
    ("state", "reason", "needs"),
    [
        (JobState.PENDING, "JobHeldUser", True),
        (JobState.PENDING, "launch failed requeued held", True),
        (JobState.PENDING, "launch_failed_requeued_held", True),
        (JobState.PENDING, "(DependencyNeverSatisfied)", True),
        (JobState.PENDING, "BadConstraints", True),
        (JobState.PENDING, "AssocMaxWallDurationPerJobLimit", True),
        (JobState.PENDING, "AssocGrpCPUMinutesLimit", True),
        (JobState.PENDING, "QOSMinCpuNotSatisfied", True),
        (JobState.REQUEUE_HOLD, "", True),
        (JobState.SPECIAL_EXIT, "JobHeldUser", True),
        (JobState.PENDING, "Resources", False),
        (JobState.PENDING, "Priority", False),
        (JobState.PENDING, "QOSMaxJobsPerUserLimit", False),
        (JobState.PENDING, "AssocGrpNodeLimit", False),
        (JobState.PENDING, "BeginTime", False),
        (JobState.RUNNING, "None", False),
    ],
)
def test_jobs_that_need_somebody(state: JobState, reason: str, needs: bool) -> None:
    assert needs_intervention(state, reason) is needs
