"""Sending one notification by every channel that is set."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from headrace.notifications.channels import notification_channels
from headrace.notifications.notification import Notification

logger = logging.getLogger(__name__)


def send_notification(settings: Mapping[str, str], notification: Notification) -> list[str]:
    """Send a notification by every channel that is set.

    Args:
        settings: the table ``[notify]``, checked.
        notification: what people are told.

    Returns:
        What went wrong, a line for each channel that failed. A notification that cannot be sent is
        never a reason to stop working, so nothing is raised.
    """
    errors = []
    for key, channel in notification_channels().items():
        value = settings.get(key)
        if not value:
            continue
        try:
            error = channel.send(value, notification)
        except Exception as failure:  # noqa: BLE001 - channels of others may raise anything
            error = f"notify.{key}: {type(failure).__name__}: {failure}"
        if error:
            errors.append(error)
    for error in errors:
        logger.error("%s", error)
    return errors
