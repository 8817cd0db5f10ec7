"""Refusals of sbatch, classified.

Slurm has no error codes on its command line, only texts (`slurm_errno.c`) and the names of limits
(`slurm_resource_info`). They are read here and nowhere else.
"""

from __future__ import annotations

import re
from typing import Final

from ..errors import Refusal
from ..refusal_words import classify_words, ended_by_signal

# Names of limits, such as QOSMaxSubmitJobPerUserLimit or AssocGrpSubmitJobsLimit.
_LIMIT_NAME: Final = re.compile(r"\b(?:(?:QOS|Assoc)[A-Z]\w+|Max(?:Submit)?Jobs?Per[A-Z]\w+)")
_COUNTS_JOBS: Final = re.compile(r"Submit|MaxJobs|GrpJobs|JobsPer|JobsLimit")
# The question may have arrived although the answer did not.
_UNANSWERED: Final = re.compile(
    r"timed out|unable to contact|zero bytes|transport endpoint|message (?:send|receive)"
    r"|connection (?:refused|reset|timed|failure)|communication|broken pipe|unexpected message"
    r"|shutdown failure|no clusters can be reached",
    re.IGNORECASE,
)
_UNAVAILABLE: Final = re.compile(
    r"temporarily unable to accept|resource temporarily unavailable|standby mode|try again"
    r"|writing script/environment|database|munge|authentication|credential|nodes are busy"
    r"|(?:partition|node) not available|maintenance|no space left|too many open files"
    r"|cannot allocate memory|in use|presently disabled|configuration source|fetch config",
    re.IGNORECASE,
)
_PERMANENT: Final = re.compile(
    r"invalid|unrecognized option|unknown option|ambiguous|requires an argument|not permitted"
    r"|access/permission denied|permission denied|access denied|no partition specified"
    r"|configuration is not available|more processors requested|node count specification"
    r"|memory specification|batch script|script not specified|unable to open"
    r"|no such file|dependency problem"
    r"|group not permitted|user'?s group|limit is|exceeds|license|reservation|not supported",
    re.IGNORECASE,
)


def classify_refusal(text: str, code: int) -> Refusal:
    """Return the reason for which sbatch has not accepted a job.

    Args:
        text: its standard error.
        code: its exit code.
    """
    limits = [] if ended_by_signal(code) else _LIMIT_NAME.findall(text)
    if limits:
        counted = all(_COUNTS_JOBS.search(name) for name in limits)
        return Refusal.LIMIT if counted else Refusal.PERMANENT
    return classify_words(
        text,
        code,
        (_UNAVAILABLE, Refusal.UNAVAILABLE),
        (_UNANSWERED, Refusal.UNANSWERED),
        (_PERMANENT, Refusal.PERMANENT),
    )
