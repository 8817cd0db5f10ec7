"""The table ``[notify]`` of ``headrace.toml``: how people are notified, and of what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from headrace._internal.settings import (
    Declared,
    Key,
    ProjectWording,
    Reading,
    RefusedValue,
    Table,
    Text,
    TomlDocument,
)
from headrace.config.errors import ProjectError
from headrace.config.phone_table import PHONE
from headrace.notifications import NotificationChannel, notification_channels

STATUSES: Final = ("FAILED", "INACTIVE", "SUCCEEDED", "ENDED")
_DEFAULT_STATUSES: Final = "FAILED INACTIVE"


class _ChannelValue(Text):
    """The value of a channel's key, as the channel checks it."""

    def __init__(self, channel: NotificationChannel) -> None:
        super().__init__()
        self._channel = channel

    def parse(self, value: Any) -> str:
        """Return the value."""
        text = super().parse(value)
        if problem := self._channel.check(text):
            raise RefusedValue(problem)
        return text


class _Statuses(Text):
    """Statuses of runs between blanks."""

    def parse(self, value: Any) -> str:
        """Return the statuses as they were written."""
        text = super().parse(value)
        for status in text.upper().split():
            if status not in STATUSES:
                raise RefusedValue(f"{status!r}: there are {', '.join(STATUSES)}")
        return text


def _keys() -> dict[str, Declared]:
    """Return the key of each channel that there is, and ``on``."""
    keys = {
        name: Declared(name, Key(channel.description), _ChannelValue(channel), "")
        for name, channel in notification_channels().items()
    }
    on = Key(
        "Statuses of runs that people are notified of, between blanks; there are "
        f"{', '.join(STATUSES)}.",
        default=f'"{_DEFAULT_STATUSES}"',
    )
    phone = Declared("phone", Key(notification_channels()["phone"].description), PHONE, "")
    return {**keys, "phone": phone, "on": Declared("on", on, _Statuses(), "")}


NOTIFY: Final[Table[dict[str, str]]] = Table(_keys, dict, only_given=True)
"""The table: a key for each channel, such as ``command`` and ``webhook``, and ``on``."""


def check_notify(settings: Mapping[str, str]) -> None:
    """Check the table ``[notify]``.

    Args:
        settings: its keys and values.

    Raises:
        ProjectError: an unknown key or status, or a value that its channel refuses.
    """
    document = TomlDocument("headrace.toml", {"notify": settings})
    reading = Reading(document, ProjectWording())
    NOTIFY.read(settings, reading.top.child("notify"))
    reading.raise_first(ProjectError)


def notify_on(settings: Mapping[str, str]) -> frozenset[str]:
    """Return the statuses of runs that people are notified of."""
    return frozenset(settings.get("on", _DEFAULT_STATUSES).upper().split())
