"""The outbox of a project, as a process that notifies people uses it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from headrace.config.notify_table import notify_events
from headrace.notifications.outbox import Outbox
from headrace.notifications.send import destinations
from headrace.notifications.sender import NotificationSender
from headrace.runs.run_messages import RunMessage

if TYPE_CHECKING:
    from headrace.project.project import Project


class ProjectOutbox:
    """Takes what people are to be told, and sends it where no other process does.

    Args:
        project: whose ``[notify]`` says how, and of which events.
        report: called with one line for what could not be sent.
    """

    def __init__(self, project: Project, report: Callable[[str], None]) -> None:
        self._project = project
        self._report = report
        self.events = notify_events(project.config.notify)
        """Names of the events that people are notified of."""
        self._outbox: Outbox | None = None
        self._sender: NotificationSender | None = None
        if destinations(project.config.notify):
            self._start_sender()

    def add(self, message: RunMessage) -> None:
        """Have people told of something, where there is a channel."""
        if self._outbox is None or self._sender is None:
            return
        try:
            self._outbox.add(
                message.notification,
                time.time(),
                topic=message.topic,
                label=message.label,
                more=message.more,
            )
        except sqlite3.Error as error:
            # A full disk does not end a process that has other work.
            self._report(f"{self._outbox.path}: cannot be written: {error}")
            return
        self._sender.wake()

    def close(self) -> None:
        """Send what waits, where no other process does."""
        if self._sender is None or self._outbox is None:
            return
        self._sender.stop()
        try:
            self._sender.flush()
        finally:
            self._sender.stop()
            self._outbox.close()

    def _start_sender(self) -> None:
        try:
            self._outbox = Outbox.of_project(self._project.root)
        except (OSError, sqlite3.Error) as error:
            self._report(f"nobody is notified: {error}")
            return
        self._sender = NotificationSender(
            self._outbox, self._project.name, lambda: self._project.config.notify, self._report
        )
        self._sender.start()
