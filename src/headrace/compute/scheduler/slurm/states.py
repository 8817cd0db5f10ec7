"""States of jobs, as Slurm's commands print them."""

from __future__ import annotations

from typing import Final

from ..jobs import JobState


def parse_state(text: str) -> JobState:
    """Read a state as one of the commands prints it.

    Args:
        text: such as ``RUNNING``, ``CANCELLED by 1000``, ``CANCELLE+`` (cut to its column) or
            ``CD`` (the short form).
    """
    word = text.strip().partition(" ")[0].upper()
    cut, word = word.endswith("+"), word.rstrip("+")
    if word in _ABBREVIATIONS:
        return JobState(_ABBREVIATIONS[word])
    if word in JobState.__members__:
        return JobState(word)
    found = [state for state in JobState if cut and len(word) > 2 and state.startswith(word)]
    return found[0] if len(found) == 1 else JobState.UNKNOWN


_ABBREVIATIONS: Final = {
    **{"BF": "BOOT_FAIL", "CA": "CANCELLED", "CD": "COMPLETED", "CF": "CONFIGURING"},
    **{"CG": "COMPLETING", "DL": "DEADLINE", "F": "FAILED", "NF": "NODE_FAIL"},
    **{"OOM": "OUT_OF_MEMORY", "PD": "PENDING", "PR": "PREEMPTED", "R": "RUNNING"},
    **{"RD": "RESV_DEL_HOLD", "RF": "REQUEUE_FED", "RH": "REQUEUE_HOLD", "RQ": "REQUEUED"},
    **{"RS": "RESIZING", "RV": "REVOKED", "S": "SUSPENDED", "SE": "SPECIAL_EXIT"},
    **{"SI": "SIGNALING", "SO": "STAGE_OUT", "ST": "STOPPED", "TO": "TIMEOUT"},
}
