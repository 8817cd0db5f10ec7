"""Delivery by a process that comes and goes, such as the monitor that a scrontab entry starts."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from headrace.notifications.notification import Notification
from headrace.notifications.outbox import Outbox
from headrace.notifications.send import destinations, send_notification
from headrace.notifications.sender import NotificationSender

# How long the process that sends is given, where it is another one.
_WAIT_SECONDS: Final = 5.0
_POLL_SECONDS: Final = 0.1
_RECORDS: Final = 100

logger = logging.getLogger(__name__)


def _is_waiting(outbox: Outbox, notification: Notification) -> bool:
    waiting = outbox.records(_RECORDS, waiting=True)
    return any(each.message.notification.key == notification.key for each in waiting)


def deliver_notification(
    settings: Mapping[str, Any], project: str, root: Path, notification: Notification
) -> None:
    """Add a notification to a project's outbox, and have it sent as the table ``[notify]`` says.

    It is sent here where no other process of the project sends. Nothing is raised: whoever tells
    of something goes on with his work.

    Args:
        settings: the table ``[notify]``, checked.
        project: name of the project.
        root: its directory.
        notification: what people are told.
    """
    if not destinations(settings):
        return
    try:
        outbox = Outbox.of_project(root)
    except (OSError, sqlite3.Error) as error:
        # On a full disk people are told all the same.
        logger.error("the outbox of %s: %s", root, error)
        send_notification(settings, notification)
        return
    sender = NotificationSender(
        outbox, project, lambda: settings, lambda line: logger.error("%s", line)
    )
    try:
        outbox.add(notification, time.time())
        if sender.is_sending():
            sender.flush()
        else:
            deadline = time.monotonic() + _WAIT_SECONDS
            while _is_waiting(outbox, notification) and time.monotonic() < deadline:
                time.sleep(_POLL_SECONDS)
    except sqlite3.Error as error:
        logger.error("the outbox of %s: %s", root, error)
        send_notification(settings, notification)
    finally:
        sender.stop()
        outbox.close()
