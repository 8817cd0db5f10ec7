"""Interface of a notification channel."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from headrace.notifications.notification import Notification


class NotificationChannel(ABC):
    """A channel that notifications go by, set by one key of ``[notify]`` in ``headrace.toml``.

    Attributes:
        key: name of the key whose value sets the channel.
        description: one sentence about the value, for the JSON schema of ``headrace.toml``.
        many: whether the key may hold a list, each of whose values sets a channel of its own.
    """

    key: ClassVar[str]
    description: ClassVar[str]
    many: ClassVar[bool] = False

    def check(self, value: str) -> str:
        """Return in one line what is wrong with the key's value; empty if nothing is."""
        return ""

    def redact(self, value: str) -> str:
        """Return the value as it may be shown; a channel whose value is a secret hides it."""
        return value

    @abstractmethod
    def send(self, value: str, notification: Notification) -> str:
        """Send a notification.

        Args:
            value: the key's value, checked.
            notification: what people are told. A channel without pictures or buttons leaves
                them out; its ``text`` is the message with the link.

        Returns:
            Why it could not be sent, in one line without secrets; empty if it was sent.
        """
