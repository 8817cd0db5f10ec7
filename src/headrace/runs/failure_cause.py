"""Cause of a run's failure, as lists of runs show it."""

from __future__ import annotations

import builtins
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from headrace.flowlang.failure_text import cause_text, cause_texts
from headrace.runs.poller import RunView

# What a disk, a network, a signal or a full machine raises; the others are of the code.
_OF_THE_MACHINE: Final = (OSError, MemoryError, EOFError)
_CODE_ERRORS: Final = frozenset(
    name
    for name, kind in vars(builtins).items()
    if isinstance(kind, type)
    and issubclass(kind, Exception)
    and not issubclass(kind, (*_OF_THE_MACHINE, Warning))
    and kind not in (Exception, RuntimeError)
)
# What a flow's definition raises, the same at each run with the same input.
_FLOW_ERRORS: Final = frozenset(
    f"States.{name}"
    for name in (
        "IntrinsicFailure",
        "NoChoiceMatched",
        "ParameterPathFailure",
        "ResultPathMatchFailure",
        "Runtime",
    )
)
_ERROR_NAME: Final = re.compile(r"\b[A-Z]\w+\b")


@dataclass(frozen=True)
class FailureCause:
    """Cause of a failure, or of what a run waits for.

    Attributes:
        text: the cause in one line.
        exception: the name of the error; empty where none is known.
        state: the state it was in; likewise.
        summary: all three in one line, as ``run show`` has them.
    """

    text: str
    exception: str
    state: str
    summary: str


def failure_cause(document: Mapping[str, Any]) -> FailureCause | None:
    """Return why a run failed or waits; None of a run that does neither.

    Args:
        document: the run's document.
    """
    view = RunView(document)
    details = document.get("details") or {}
    texts = cause_texts(view.status, details)
    if texts is None:
        return None
    text, summary = texts
    failure = view.failure()
    if failure is None:
        return FailureCause(text, str(details.get("code") or ""), "", summary)
    return FailureCause(
        text, cause_text(failure["exception"]), str(failure["state_name"] or ""), summary
    )


def is_code_error(cause: FailureCause) -> bool:
    """Say whether a cause is an error of the code or the flow, which another run meets again.

    Args:
        cause: the cause of a failure; one that names no such error is taken for another.
    """
    if cause.exception in _FLOW_ERRORS:
        return True
    return not _CODE_ERRORS.isdisjoint(_ERROR_NAME.findall(f"{cause.exception} {cause.text}"))
