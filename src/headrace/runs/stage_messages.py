"""Notifications of the stages of a run: begun, ended, and with their numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from headrace._internal.collection_path import CollectionPath, CollectionPathError
from headrace.facility.store.actions import ActionTable
from headrace.flowlang import Flow
from headrace.flowlang.action_urls import AWAIT_WEB_INPUT
from headrace.flowlang.errors import ExpressionError
from headrace.flowlang.model import ActionState
from headrace.flowlang.providers.addresses import COMPUTE
from headrace.flowlang.runs import Event, EventKind, RunState
from headrace.flowlang.web_inputs import ID_PARAMETER
from headrace.notifications import Notification
from headrace.project.flow_notifications import FlowNotification
from headrace.project.project import Project
from headrace.runs.describe import format_duration
from headrace.runs.poller import RunView, parse_time
from headrace.runs.question_messages import question_message

_LEFT: Final = (EventKind.ENDED, EventKind.STEPPED)


def is_batch_stage(flow: Flow | None, state: str) -> bool:
    """Return whether a state of a flow runs Compute functions."""
    found = flow.states.get(state) if flow is not None else None
    return isinstance(found, ActionState) and found.url.startswith(COMPUTE)


def is_question(flow: Flow | None, state: str) -> bool:
    """Return whether a state of a flow waits for a person's answer to a web input."""
    found = flow.states.get(state) if flow is not None else None
    return isinstance(found, ActionState) and found.url == AWAIT_WEB_INPUT


def stage_message(
    view: RunView,
    flow: Flow,
    before: RunState | None,
    event: Event,
    actions: ActionTable,
    find_question: Callable[[str], Mapping[str, Any] | None] = lambda web_input_id: None,
) -> tuple[str, Notification] | None:
    """Return what people may be told of an event of a batch stage, or of a question.

    Args:
        view: the run.
        flow: its flow.
        before: where the run stood before the event.
        event: the event.
        actions: the facility's actions.
        find_question: returns the web input of an id; None where there is none.

    Returns:
        The name of the event, ``launched``, ``finished`` or, of a web input, ``waits``, and the
        notification; None where the event is none of these.
    """
    state = str(event.data.get("state") or (before.state if before else ""))
    label, link = view.label, f"headrace run show {view.id}"
    key = f"run/{view.id}/{state}"
    if event.kind is EventKind.CALLED and is_question(flow, state):
        question = event.data["body"].get(ID_PARAMETER)
        message = f"{label} waits for an answer: headrace web-input show {question}"
        subject = f"{label}: waits for an answer"
        notification = Notification(
            subject, message, "warning", link, key=f"{key}/{question}", time=event.time
        )
        document = find_question(str(question))
        if document is None:
            return "waits", notification
        asked = question_message(document)
        text = f"{asked.subject}\n{asked.message}\n{message}"
        return "waits", replace(notification, message=text, actions=asked.actions)
    if not is_batch_stage(flow, state):
        return None
    if event.kind is EventKind.CALLED:
        subject = f"{label}: launched {state}"
        return "launched", Notification(subject, subject, link=link, key=key, time=event.time)
    if event.kind is not EventKind.ENDED:
        return None  # a failure that ends the run is told as that
    error = event.data.get("error")
    words = f"{state} failed ({error})" if error else f"finished {state}"
    message = f"{label}: {words}{_duration(before, event, actions)}"
    return "finished", Notification(
        f"{label}: {words}",
        message,
        "warning" if error else "info",
        link,
        key=key,
        time=event.time,
    )


def result_messages(
    view: RunView,
    event: Event,
    after: RunState,
    notifications: Sequence[FlowNotification],
    project: Project,
    report: Callable[[str], None],
) -> Iterator[Notification]:
    """Yield what a flow's ``flow.toml`` has people told after a state.

    Args:
        view: the run.
        event: the event by which the state was left.
        after: where the run stood after it.
        notifications: those of its flow.
        project: whose collections pictures are in.
        report: called with one line for one that cannot be made.
    """
    if event.kind not in _LEFT or event.data.get("error"):
        return
    for number, table in enumerate(notifications):
        if table.state != event.data.get("state"):
            continue
        payload = _payload(after)
        try:
            text = table.text(payload)
        except ExpressionError as error:
            report(f"run {view.id}: notification after {table.state}: {error}")
            continue
        if text is None:
            continue
        lines = text.splitlines() or [""]
        notification = Notification(
            f"{view.label}: {lines[0]}",
            text,
            table.severity,
            f"headrace run show {view.id}",
            key=f"run/{view.id}/{table.state}/{number}",
            actions=table.actions(view.id),
            time=event.time,
        )
        location = table.picture_location(payload)
        picture = find_picture(project, *location) if location else None
        yield replace(notification, picture=picture)


def find_picture(project: Project, collection_id: str, path: str) -> Path | None:
    """Return a picture's file, if its collection is on this machine and it is there."""
    for name, collection in project.collections.items():
        if project.collection_id(name, "local") != collection_id:
            continue
        try:
            file = CollectionPath.parse(name, path).local(collection.root)
            return file if file.is_file() else None
        except (CollectionPathError, OSError):
            return None  # such as a path that is too long, or a disk that is away
    return None


def _payload(state: RunState) -> Mapping[str, Any]:
    value = state.payload.value
    return value if isinstance(value, Mapping) else {}


def _duration(before: RunState | None, event: Event, actions: ActionTable) -> str:
    action = actions.get(before.action_id) if before is not None and before.action_id else None
    start = parse_time(action.start_time) if action is not None else None
    if start is None:
        return ""
    return f" after {format_duration(max(0.0, event.time - start.timestamp()))}"
