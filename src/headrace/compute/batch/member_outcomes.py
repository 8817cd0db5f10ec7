"""Outcomes of members of arrays."""

from __future__ import annotations

from ..scheduler import CompletionStatus
from .array_waiting import MemberEnd
from .directory import JobDirectory
from .outcome import JobOutcome, completion_status, description
from .settings import JobSettings
from .usage import read_usage


def member_outcome(
    directory: JobDirectory,
    settings: JobSettings,
    number: int,
    code: int | None,
    end: MemberEnd | None,
) -> JobOutcome:
    """Return the outcome of a member.

    Args:
        directory: the directory of all arrays.
        settings: of each member.
        number: the member.
        code: its exit code; None where it left none and the scheduler knows none.
        end: its end, where it left no exit code.
    """
    end = end or MemberEnd()
    host = directory.read_json(f"members/{number}.json")
    status = completion_status(end.state, code, started=bool(host))
    if status is CompletionStatus.CANCELLED and not host and end.reason not in ("", "None"):
        # The scheduler cancels what can never run, and says why.
        status = CompletionStatus.NEVER_STARTED
    ended_at = (directory.read_text(f"members/{number}.ended") or "").strip()
    usage = read_usage(
        settings, host, ended_at if code is not None else "", ended=code is not None or bool(host)
    )
    restarts = host.get("restarts", 0)
    return JobOutcome(
        status,
        description(status, end.state, code, end.reason),
        state=end.state.value if end.state is not None else "",
        exit_code=code,
        job_id=str(host.get("job_id", "")),
        nodes=str(host.get("nodes", "")),
        restarts=restarts if isinstance(restarts, int) else 0,
        **vars(usage),
    )
