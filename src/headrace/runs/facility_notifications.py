"""Notifications of the facility: it tells of its runs, whoever started them, and of itself.

What happens to runs is queued with their events, in one transaction, and taken from there into the
outbox, from which it is sent: a kill loses none, and the one that was being sent may come twice.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from headrace._internal.periodic import PeriodicWork
from headrace.config.notify_table import status_event
from headrace.config.project_file import CONFIG_FILE
from headrace.errors import HeadraceError
from headrace.facility import NotFound, read_settings, state_directory
from headrace.facility.api.documents import run_document
from headrace.facility.parts import PartContext
from headrace.facility.store.event_queue import QueuedEvents
from headrace.flowlang import Flow
from headrace.flowlang.runs import TERMINAL, Event, EventKind
from headrace.notifications import Notification
from headrace.notifications.outbox import Outbox
from headrace.notifications.send import destinations, send_notification
from headrace.notifications.sender import NotificationSender
from headrace.project.facility_refresh import profile_of
from headrace.project.flow_notifications import FlowNotification
from headrace.project.project import Project
from headrace.runs.notify_settings import NotifySettings
from headrace.runs.poller import RunView
from headrace.runs.project_conditions import DiskCheck, SilenceCheck
from headrace.runs.run_messages import run_message
from headrace.runs.stage_messages import is_batch_stage, is_question, result_messages, stage_message

_TAKE_SECONDS: Final = 30.0
_CHECK_SECONDS: Final = 30.0
_STOP_SECONDS: Final = 2.0
_STAGES: Final = (EventKind.CALLED, EventKind.ENDED)
_LEFT: Final = (EventKind.ENDED, EventKind.STEPPED)

logger = logging.getLogger(__name__)


class FacilityNotifications:
    """The part of a facility that notifies people.

    Args:
        clock: returns the present, in seconds since the epoch.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._flows: dict[str, Sequence[FlowNotification]] = {}
        self._notified_states: frozenset[str] = frozenset()
        self._problems: dict[str, str] = {}
        self._disks = DiskCheck()
        self._settings: NotifySettings | None = None
        self._has_file = False
        self._outbox: Outbox | None = None
        self._sender: NotificationSender | None = None
        self._parts: list[PeriodicWork] = []

    def start(self, context: PartContext) -> None:
        """Begin to follow the runs, and to send what waits."""
        self._context = context
        self._has_file = (context.root / CONFIG_FILE).is_file()
        self._silence = SilenceCheck(self._clock())
        self._taker = PeriodicWork(self.take, _TAKE_SECONDS, self._failed, name="run notifications")
        self._checks = PeriodicWork(self.check, _CHECK_SECONDS, self._failed, name="conditions")
        self._read_settings()
        context.event_queue.follow(self._is_wanted, self._taker.wake)
        self._parts = [self._taker, self._checks]
        for part in self._parts:
            part.start()
        self._taker.wake()

    def stop(self) -> None:
        """End the threads; what waits is sent after the next start."""
        for part in self._parts:
            part.stop(_STOP_SECONDS)
        if self._sender is not None and self._outbox is not None:
            self._sender.stop(_STOP_SECONDS)
            self._outbox.close()

    def take(self) -> None:
        """Take what happened to runs into the outbox."""
        if self._settings is None or self._outbox is None or self._sender is None:
            return
        queue = self._context.event_queue
        while found := queue.take():
            with self._outbox.transaction():
                for queued in found:
                    self._add_or_skip(queued, self._outbox, self._settings)
            queue.delete(found[-1].number)
            self._sender.wake()

    def _add_or_skip(self, queued: QueuedEvents, outbox: Outbox, settings: NotifySettings) -> None:
        try:
            self._add(queued, outbox, settings)
        except sqlite3.Error:
            raise
        except Exception:
            # One that cannot be told of must not keep back all that come after it.
            logger.exception("run %s: its notification is left out", queued.run_id)

    def check(self) -> None:
        """Look at the facility's problems, at silence and at the disks."""
        self._read_settings()
        if self._settings is None or self._outbox is None:
            return
        settings, project = self._settings, self._settings.project()
        if settings.wants("fault"):
            self._check_problems()
        table, now = settings.table(), self._clock()
        if settings.wants("silence"):
            events = self._context.event_queue.events
            expected = partial(self._expected, project)
            silence = self._silence.check(table, now, events, expected)
            self._tell(*([silence] if silence else []))
        if settings.wants("disk"):
            self._tell(*self._disks.check(table, self._places(project)))

    def _read_settings(self) -> None:
        """Read what has changed, and open the outbox once a channel is set."""
        root = self._context.root

        def profile() -> str | None:
            source = read_settings(root).source
            return profile_of(source.command) if source else None

        if self._settings is None:
            if not (root / CONFIG_FILE).is_file():
                return  # a facility without a project of ours
            try:
                self._settings = NotifySettings(root, profile, self._report)
            except (HeadraceError, OSError) as error:
                self._context.health.add_notice("notifications", f"nobody is notified: {error}")
                return
            self._context.health.remove_notice("notifications")
        self._settings.look()
        if self._settings.wants("results"):
            self._read_flows(self._settings.project())
        self._open(self._settings)

    def _open(self, settings: NotifySettings) -> None:
        if self._outbox is not None or not destinations(settings.table()):
            return
        try:
            self._outbox = Outbox.of_project(self._context.root)
        except (OSError, sqlite3.Error) as error:
            # As on a full disk; it is tried again at every check.
            path = Outbox.file_of(self._context.root)
            self._context.health.add_notice("notifications", f"{path}: not opened: {error}")
            return
        self._context.health.remove_notice("notifications")
        self._sender = NotificationSender(
            self._outbox,
            settings.project().name,
            settings.table,
            self._report,
            self._clock,
        )
        self._sender.start()

    def _is_wanted(self, flow: Flow | None, events: Sequence[Event], status: str) -> bool:
        """Say whether events are told of; called in the transaction that stores them."""
        kinds = {event.kind for event in events}
        ended = status in TERMINAL or not events
        if self._settings is None:
            # Where the file is there and cannot be read, they are told of once it can be.
            return self._has_file and (ended or EventKind.BLOCKED in kinds)
        wants = self._settings.wants
        if (ended or EventKind.BLOCKED in kinds) and wants(status_event(status)):
            return True
        if wants("waits") and any(
            e.kind is EventKind.CALLED and is_question(flow, str(e.data.get("state")))
            for e in events
        ):
            return True
        if wants("launched") or wants("finished"):
            states = (str(e.data.get("state")) for e in events if e.kind in _STAGES)
            if any(is_batch_stage(flow, state) for state in states):
                return True
        left = (e.data.get("state") for e in events if e.kind in _LEFT)
        return wants("results") and any(state in self._notified_states for state in left)

    def _add(self, queued: QueuedEvents, outbox: Outbox, settings: NotifySettings) -> None:
        """Add what people are told of queued events to the outbox."""
        context = self._context
        try:
            run = context.runs.get(queued.run_id)
        except NotFound:
            return  # it was deleted, by somebody who knows of it
        details = context.runs.details(run)
        view = RunView(run_document(run, context.identity, details))
        name = f"{queued.run_id}/{queued.first}-{queued.last}"
        blocked = not queued.first
        try:
            flow = context.runs.flow(run.definition)
            between = context.runs.event_log.replay_between(
                context.runs.reader(), run.number, queued.first, queued.last
            )
            for number, (before, event, after) in enumerate(between):
                blocked = blocked or event.kind is EventKind.BLOCKED
                found = list(
                    result_messages(
                        view,
                        event,
                        after,
                        self._flows.get(run.flow_id, ()) if settings.wants("results") else (),
                        settings.project(),
                        self._report,
                    )
                )
                stage = stage_message(
                    view, flow, before, event, context.actions, self._find_question
                )
                if stage is not None and settings.wants(stage[0]):
                    found.append(stage[1])
                for position, notification in enumerate(found):
                    source = f"{name}/{number}/{position}"
                    outbox.add(notification, self._clock(), source=source)
        except HeadraceError as error:
            logger.warning("run %s: %s", run.id, error)
        # A run that has gone on since it was blocked waits for nobody any more.
        if (view.final or (blocked and view.status == "INACTIVE")) and settings.wants(
            status_event(view.status)
        ):
            message = run_message(view, "local")
            outbox.add(
                message.notification,
                self._clock(),
                source=f"{view.id}/{view.status}/{'end' if view.final else queued.number}",
                topic=message.topic,
                label=message.label,
                more=message.more,
            )

    def _find_question(self, web_input_id: str) -> Mapping[str, Any] | None:
        try:
            return self._context.web_inputs.get(web_input_id).document
        except HeadraceError:
            return None

    def _check_problems(self) -> None:
        found = {each.part: each.description for each in self._context.health.problems}
        for part in self._problems.keys() - found.keys():
            text = f"the facility's {part} is well again"
            self._tell(Notification(text, text, key=f"fault/{part}"))
        for part in found.keys() - self._problems.keys():
            subject = f"the facility's {part} has a problem"
            self._tell(
                Notification(
                    subject,
                    f"{part}: {found[part]}",
                    "urgent",
                    "headrace facility status",
                    key=f"fault/{part}",
                )
            )
        self._problems = found

    def _expected(self, project: Project) -> str:
        """Return why something should happen; empty if nothing should."""
        if count := len(self._context.runs.list_open()):
            return f"{count} run{'s are' if count > 1 else ' is'} under way"
        triggers = project.triggers_dir
        count = len([*triggers.glob("*.toml")]) if triggers.is_dir() else 0
        return f"{count} trigger{'s wait' if count > 1 else ' waits'} for arrivals" if count else ""

    def _places(self, project: Project) -> list[Path]:
        roots = [each.root for each in project.collections.values()]
        return list(dict.fromkeys([project.root, state_directory(project.root), *roots]))

    def _read_flows(self, project: Project) -> None:
        try:
            self._flows = flow_notifications(project)
        except (HeadraceError, OSError) as error:
            self._report(f"notifications of flows go on as before: {error}")
        states = (each.state for tables in self._flows.values() for each in tables)
        self._notified_states = frozenset(states)

    def _tell(self, *notifications: Notification) -> None:
        if self._outbox is None or self._sender is None or self._settings is None:
            return
        for notification in notifications:
            try:
                self._outbox.add(notification, self._clock())
            except sqlite3.Error as error:
                # The disk that people are told of may be the outbox's own.
                logger.error("the outbox: %s", error)
                subject = f"{self._settings.project().name}: {notification.subject}"
                send_notification(
                    self._settings.table(),
                    replace(notification, subject=subject, time=self._clock()),
                )
        if notifications:
            self._sender.wake()

    def _report(self, line: str) -> None:
        logger.error("%s", line)

    def _failed(self, error: Exception) -> None:
        logger.exception("notifications: %s", type(error).__name__, exc_info=error)


def flow_notifications(project: Project) -> dict[str, Sequence[FlowNotification]]:
    """Return what the flows of a project have people told, by the ids of deployed flows.

    Raises:
        ProjectError: the lock file or a ``flow.toml`` cannot be read.
    """
    from headrace.project.flow_file import FLOW_FILE, read_flow_file

    found: dict[str, Sequence[FlowNotification]] = {}
    for name, deployed in project.lock().at("local").flows.items():
        tables = read_flow_file(project.flows_dir / name / FLOW_FILE).notifications
        if tables:
            found[deployed.id] = tables
    return found
