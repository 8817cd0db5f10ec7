"""Notification channels by the key of ``[notify]`` that sets them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cache
from typing import Final

from headrace._internal.entry_points import entry_points
from headrace.notifications.channels.apprise import AppriseChannel
from headrace.notifications.channels.base import NotificationChannel
from headrace.notifications.channels.command import CommandChannel
from headrace.notifications.channels.phone import PhoneChannel
from headrace.notifications.channels.webhook import WebhookChannel

ENTRY_POINT_GROUP: Final = "headrace.notification_channels"
_BUILT_IN: Final = (AppriseChannel, CommandChannel, WebhookChannel, PhoneChannel)

logger = logging.getLogger(__name__)


@cache
def notification_channels() -> Mapping[str, NotificationChannel]:
    """Return the channels that there are, by key.

    Other distributions add theirs by an entry point of :data:`ENTRY_POINT_GROUP` that names a
    subclass of :class:`NotificationChannel`. A built-in channel cannot be replaced, and one that
    cannot be loaded is logged and left out.
    """
    channels: dict[str, NotificationChannel] = {kind.key: kind() for kind in _BUILT_IN}
    for entry_point in entry_points(group=ENTRY_POINT_GROUP):
        try:
            channel = entry_point.load()()
            channels.setdefault(channel.key, channel)
        except Exception as error:  # noqa: BLE001 - code of others
            logger.error("notification channel %s: %s", entry_point.value, error)
    return channels
