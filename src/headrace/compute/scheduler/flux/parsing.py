"""Answers of ``flux jobs --json``; what has another form is no answer."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from ..errors import SchedulerError
from ..jobs import Job, JobState

_STATES: Final = {
    **dict.fromkeys(("DEPEND", "PRIORITY", "SCHED"), JobState.PENDING),
    "RUN": JobState.RUNNING,
    "CLEANUP": JobState.COMPLETING,
}
_RESULTS: Final = {
    "COMPLETED": JobState.COMPLETED,
    "FAILED": JobState.FAILED,
    "CANCELED": JobState.CANCELLED,
    "TIMEOUT": JobState.TIMEOUT,
}
_LOST_NODE: Final = re.compile(
    r"node[ -]failure|lost contact|broker (?:lost|offline|exited)|shell daemon.*(?:EHOSTUNREACH"
    r"|no route to host)",
    re.IGNORECASE,
)
_DIGITS: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
# A job of this urgency waits until somebody gives it another.
_HELD_URGENCY: Final = 0


def parse_jobs(text: str) -> list[Job]:
    """Read the answer, about one job or about many.

    Raises:
        SchedulerError: it is none.
    """
    try:
        answer = json.loads(text)
    except ValueError:
        raise SchedulerError("flux jobs: its answer is no JSON") from None
    if not isinstance(answer, dict):
        raise SchedulerError("flux jobs: its answer is no list of jobs")
    rows = answer.get("jobs", [answer])
    if not isinstance(rows, list):
        raise SchedulerError("flux jobs: its answer is no list of jobs")
    return [_job(row) for row in rows]


def plain_id(number: int) -> str:
    """Return an id as Flux shows it, base 58 behind an ``f`` (RFC 19 of Flux, F58 in ASCII).

    Args:
        number: the id as a number, as JSON has it.
    """
    digits = ""
    while number:
        number, digit = divmod(number, 58)
        digits = _DIGITS[digit] + digits
    return f"f{digits or _DIGITS[0]}"


def _job(row: Any) -> Job:
    if not isinstance(row, Mapping) or not isinstance(row.get("id"), int):
        raise SchedulerError("flux jobs: a job of its answer cannot be read")
    state = _state(row)
    exception = row.get("exception")
    note = ""
    if isinstance(exception, Mapping) and exception.get("occurred"):
        kind, words = str(exception.get("type") or ""), str(exception.get("note") or "")
        note = " ".join(f"{kind}: {words}".strip(": ").split())
        if state is JobState.FAILED and _LOST_NODE.search(note):
            state = JobState.NODE_FAIL
    held = state is JobState.PENDING and row.get("urgency") == _HELD_URGENCY
    # The name is one word, and the tag stands behind it.
    name, _, tag = str(row.get("name") or "").partition(" ")
    code = row.get("returncode")
    return Job(
        plain_id(row["id"]),
        state,
        reason=note or ("held: its urgency is 0" if held else ""),
        nodes=str(row.get("nodelist") or ""),
        tag=tag,
        name=name,
        exit_code=_exit_code(code) if state.final else None,
        needs_attention=held,
    )


def _state(row: Mapping[str, Any]) -> JobState:
    state = str(row.get("state") or "")
    if state == "INACTIVE":
        return _RESULTS.get(str(row.get("result") or ""), JobState.UNKNOWN)
    return _STATES.get(state, JobState.UNKNOWN)


def _exit_code(code: Any) -> int | None:
    """Return the code; of a script that a signal ended, as a shell gives it."""
    if not isinstance(code, int) or isinstance(code, bool):
        return None
    return code if code >= 0 else 128 - code
