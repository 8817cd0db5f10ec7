"""Notifications of a run that failed, waits or has ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from headrace._internal.shell_words import shell_word
from headrace.flowlang.failure_text import cause_text
from headrace.notifications import Action, Notification, Severity
from headrace.runs.cause_template import cause_template, is_specific, template_pattern
from headrace.runs.describe import (
    current_activity,
    failure_summary,
    format_duration,
    next_steps,
)
from headrace.runs.failure_cause import failure_cause
from headrace.runs.poller import RunView

_SEVERITIES: Final[dict[str, Severity]] = {"FAILED": "error", "INACTIVE": "warning"}
_TOPIC_LENGTH: Final = 120


@dataclass(frozen=True)
class RunMessage:
    """A notification about a run, and what it has in common with others.

    Attributes:
        notification: what people are told.
        topic: those of one topic may be told as one; empty: it is told alone.
        label: the run's label, by which a digest names it.
        more: the command that lists the runs of the topic.
    """

    notification: Notification
    topic: str
    label: str
    more: str


def run_message(view: RunView, target: str) -> RunMessage:
    """Return what people are told of a run as it stands.

    Args:
        view: the run.
        target: where it runs.
    """
    show = f"headrace run show {view.id}"
    notification = Notification(
        f"{view.label}: {view.status}",
        _text(view, target),
        "info" if view.cancelled else _SEVERITIES.get(view.status, "info"),
        "" if view.status == "FAILED" else show,
        key=f"run/{view.id}/{view.status}",
        actions=_actions(view),
    )
    cause = failure_cause(view.run)
    if cause is None:
        return RunMessage(notification, "", view.label, show)
    words = "wait" if view.status == "INACTIVE" else "failed"
    template = cause_template(cause.text)[:_TOPIC_LENGTH]
    pattern = template_pattern(cause.text)
    chosen = f" --cause {shell_word(pattern)}" if is_specific(pattern) else ""
    return RunMessage(
        notification,
        f"{{count}} runs {words}: {template}",
        view.label,
        f"headrace run list --status {view.status}{chosen}",
    )


def _actions(view: RunView) -> tuple[Action, ...]:
    if view.status == "FAILED" and not view.cancelled:
        return (Action("Retry", "retry", view.id),)
    if view.status == "INACTIVE":
        return (Action("Resume", "resume", view.id), Action("Cancel", "cancel", view.id))
    return ()


def _text(view: RunView, target: str) -> str:
    took = format_duration(view.elapsed())
    if view.status == "FAILED":
        steps = [f"{words}: {command}" for words, command in next_steps(view, target)]
        return "\n".join([f"{view.label} failed after {took}: {failure_summary(view)}", *steps])
    if view.final:
        return f"{view.label} {view.status.lower()} after {took}"
    if reason := _block_reason(view):
        return f"{view.label} waits for you: {reason}"
    return f"{view.label} {current_activity(view).text}"


def _block_reason(view: RunView) -> str:
    """Return why the action of a run at the facility is blocked; empty where it is not."""
    details = view.run.get("details") or {}
    inner = details.get("details") if details.get("code") == "ActionInactive" else None
    reason = inner.get("details") if isinstance(inner, Mapping) else None
    return cause_text(reason.get("description")) if isinstance(reason, Mapping) else ""
