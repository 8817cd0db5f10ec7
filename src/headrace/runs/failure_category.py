"""Category of a run's failure: whose fault it was, in the words of jobs that are repeated."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from headrace.compute.attempts.cause_names import FailureCause
from headrace.runs.failure_cause import failure_cause
from headrace.runs.poller import RunView

LOST: Final = FailureCause.LOST.value
"""Category of work of which nobody knows what became of it."""
TRANSFER: Final = "transfer"
"""Category of a failure of a transfer, which no job knows of."""

# What endpoints say of workers and blocks that are gone (`headrace.compute.task_messages`).
_LOST_NODE: Final = re.compile(
    r"the node that ran the task was lost|\bManagerLost\b"
    r"|the endpoint's workers could not start or were lost"
)
_DEAD_WORKER: Final = re.compile(r"the worker that ran the task died|\bWorkerLost\b")
# Codes of failed tasks of the Transfer service, and of its connections.
_TRANSFER: Final = re.compile(
    r"\b(?:PERMISSION_DENIED|FILE_NOT_FOUND|ENDPOINT_ERROR|ENDPOINT_NOT_FOUND|QUOTA_EXCEEDED"
    r"|CHECKSUM_MISMATCH|CONNECTION_(?:FAILED|BROKEN|RESET|REFUSED)|NO_CREDENTIALS"
    r"|PAUSED_BY_ADMIN)\b"
)


def failure_category(document: Mapping[str, Any]) -> str:
    """Return the category of a run's failure.

    It is a value of :class:`~headrace.compute.attempts.failure_causes.FailureCause`, such as
    ``node lost`` or ``time limit``, or :data:`TRANSFER`; empty of a run that did not fail, and
    where nothing is known but that it did.

    Args:
        document: the run's document.
    """
    if RunView(document).cancelled:
        return FailureCause.CANCELLED.value
    cause = failure_cause(document)
    if cause is None or document.get("status") != "FAILED":
        return ""
    return category_of_text(f"{cause.exception}: {cause.text}\n{cause.summary}")


def category_of_text(text: str) -> str:
    """Return the category of a failure by the text that tells it; empty where none is known."""
    from headrace.compute.attempts.failure_causes import cause_in_text

    if _LOST_NODE.search(text):
        return FailureCause.NODE.value
    if _DEAD_WORKER.search(text):
        return FailureCause.KILLED.value
    found = cause_in_text(text)
    if found is not None:
        return found.value
    return TRANSFER if _TRANSFER.search(text) else ""
