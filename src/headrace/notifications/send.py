"""Sending one notification by every channel that is set."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from headrace._internal.terminal_text import terminal_text
from headrace.notifications.channels import NotificationChannel, notification_channels
from headrace.notifications.notification import Notification

_LONGEST_PROBLEM: Final = 500

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Destination:
    """A channel with the value that sets it.

    Attributes:
        name: the channel's key; with a number, such as ``apprise-2``, where a list sets several.
        channel: the channel.
        value: the value.
    """

    name: str
    channel: NotificationChannel
    value: str

    @property
    def shown(self) -> str:
        """The value without secrets."""
        return self.channel.redact(self.value)

    def send(self, notification: Notification) -> str:
        """Send a notification; return why it could not be sent, empty if it was."""
        try:
            problem = self.channel.send(self.value, notification)
        except Exception as failure:  # noqa: BLE001 - channels of others may raise anything
            problem = f"notify.{self.name}: {type(failure).__name__}: {failure}"
        # It is kept with each notification, and logged: no service fills the disk with its words.
        problem = terminal_text(problem)
        return problem if len(problem) <= _LONGEST_PROBLEM else f"{problem[:_LONGEST_PROBLEM]}…"


def destinations(settings: Mapping[str, Any]) -> dict[str, Destination]:
    """Return the destinations that the table ``[notify]``, checked, sets, by name."""
    found = {}
    for key, channel in notification_channels().items():
        value = settings.get(key)
        values = [value] if isinstance(value, str) else list(value or ())
        for number, each in enumerate(filter(None, values), start=1):
            name = key if number == 1 else f"{key}-{number}"
            found[name] = Destination(name, channel, each)
    return found


def send_notification(settings: Mapping[str, Any], notification: Notification) -> list[str]:
    """Send a notification by every channel that is set, at once.

    Args:
        settings: the table ``[notify]``, checked.
        notification: what people are told.

    Returns:
        What went wrong, a line for each channel that failed. A notification that cannot be sent is
        never a reason to stop working, so nothing is raised.
    """
    sent = [each.send(notification) for each in destinations(settings).values()]
    errors = [error for error in sent if error]
    for error in errors:
        logger.error("%s", error)
    return errors
