"""Answers of ``hq --output-mode=json``.

Read with the form that HyperQueue 0.21 to 0.27 writes (`client/output/json.rs`); what has another
form is no answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from ..errors import SchedulerError
from ..jobs import Job, JobState

_STATES: Final = {
    "waiting": JobState.PENDING,
    "running": JobState.RUNNING,
    "finished": JobState.COMPLETED,
    "failed": JobState.FAILED,
    "canceled": JobState.CANCELLED,
    "aborted": JobState.CANCELLED,
}
# In this order: a job is what its unfinished tasks are.
_COUNTS: Final = ("running", "waiting", "failed", "aborted", "canceled", "finished")
_EXIT_CODE: Final = re.compile(r"exit code (-?\d+)")
_SIGNAL: Final = re.compile(r"Received signal (\d+)")
_LOST_WORKER: Final = re.compile(r"lost worker|worker that was lost", re.IGNORECASE)
_TIME_LIMIT: Final = re.compile(r"time limit reached", re.IGNORECASE)


def parse_answer(text: str) -> Any:
    """Read what ``hq`` printed.

    Raises:
        SchedulerError: it is no JSON.
    """
    try:
        return json.loads(text)
    except ValueError:
        raise SchedulerError("hq: its answer is no JSON") from None


def parse_submitted_id(text: str) -> str:
    """Return the id of a job that was submitted; empty where the answer has none."""
    try:
        found = json.loads(text)["id"]
    except (ValueError, KeyError, TypeError):
        return ""
    return str(found) if isinstance(found, int) and not isinstance(found, bool) else ""


def parse_error(text: str) -> str:
    """Return the words of an answer that is an error, in one line; empty where it is none."""
    try:
        found = json.loads(text)["error"]
    except (ValueError, KeyError, TypeError):
        return ""
    return " ".join(str(found).partition("Stack backtrace")[0].split())


def parse_job_list(text: str) -> list[Job]:
    """Read ``hq job list --all``.

    Raises:
        SchedulerError: it is no list of jobs.
    """
    return [_job_of_info(one) for one in _listed(text)]


def parse_job_details(text: str) -> list[Job]:
    """Read ``hq job info``: with the cause of each job's end.

    Raises:
        SchedulerError: it is no list of jobs.
    """
    return [_job_of_detail(one) for one in _listed(text)]


def _listed(text: str) -> list[Any]:
    answer = parse_answer(text)
    if not isinstance(answer, list):
        raise SchedulerError(parse_error(text) or "hq: its answer is no list of jobs")
    return answer


def _job_of_info(info: Any, **more: Any) -> Job:
    try:
        counts = info["task_stats"]
        state = next((_STATES[name] for name in _COUNTS if counts[name]), JobState.UNKNOWN)
        # The name is one word, and the tag stands behind it.
        name, _, tag = str(info["name"]).partition(" ")
        reason = str(info.get("cancel_reason") or "")
        fields = {"state": state, "name": name, "tag": tag, "reason": reason, **more}
        return Job(str(info["id"]), **fields)
    except (KeyError, TypeError, AttributeError):
        raise SchedulerError("hq: a job of its answer cannot be read") from None


def _job_of_detail(detail: Any) -> Job:
    try:
        info, tasks = detail["info"], detail["tasks"]
        task: Mapping[str, Any] = tasks[0] if tasks else {}
        state = str(task.get("state", ""))
        error = " ".join(str(task.get("error") or "").split())
    except (KeyError, TypeError, AttributeError):
        raise SchedulerError("hq: a job of its answer cannot be read") from None
    if state == "finished":
        return _job_of_info(info, exit_code=0)
    if state != "failed":
        return _job_of_info(info)
    if _LOST_WORKER.search(error):
        return _job_of_info(info, state=JobState.NODE_FAIL, reason=error)
    if _TIME_LIMIT.search(error):
        return _job_of_info(info, state=JobState.TIMEOUT, reason=error)
    return _job_of_info(info, reason=error, exit_code=_exit_code(error))


def _exit_code(error: str) -> int | None:
    if signal := _SIGNAL.search(error):
        return 128 + int(signal[1])
    code = _EXIT_CODE.search(error)
    return int(code[1]) if code else None
