"""Reasons for which a waiting job does not start by itself."""

from __future__ import annotations

import re
from typing import Final

from ..jobs import JobState

_NEEDS_INTERVENTION: Final = frozenset(
    {"JobHeldUser", "JobHeldAdmin", "launch_failed_requeued_held", "job_requeued_in_held_state"}
    | {"DependencyNeverSatisfied", "BadConstraints", "AccountNotAllowed", "InvalidAccount"}
    | {"InvalidQOS", "QOSNotAllowed", "ReservationDeleted", "PartitionTimeLimit"}
    | {"PartitionNodeLimit", "PartitionConfig", "MaxMemPerLimit", "JobHoldMaxRequeue"}
    | {"QOSUsageThreshold", "AssociationTimeLimit", "QOSTimeLimit"}
)
# A limit of what one job may ask for (AssocMaxWallDurationPerJobLimit), or a budget that is used
# up (AssocGrpCPUMinutesLimit): neither passes with the end of other jobs.
_PER_JOB_LIMIT: Final = re.compile(r"(?:QOS|Assoc)Max\w*Per(?:Job|Node)\w*|QOSMin\w+")
_BUDGET: Final = re.compile(r"(?:QOS|Assoc)Grp\w*Minutes\w*|(?:QOS|Assoc)GrpBilling\w*")


def needs_intervention(state: JobState, reason: str) -> bool:
    """Return whether a job will not start unless somebody does something.

    Args:
        state: its state.
        reason: the reason, as squeue or scontrol prints it.
    """
    if state.held:
        return True
    if state is not JobState.PENDING:
        return False
    # scontrol writes a reason's words with underscores, squeue with spaces.
    name = "_".join(reason.strip("()").split())
    if name.lower() in _NEEDS_INTERVENTION_LOWER:
        return True
    return bool(_PER_JOB_LIMIT.fullmatch(name) or _BUDGET.fullmatch(name))


_NEEDS_INTERVENTION_LOWER: Final = frozenset(name.lower() for name in _NEEDS_INTERVENTION)
