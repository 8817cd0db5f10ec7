"""Send notifications to people, by the channels that ``[notify]`` of ``headrace.toml`` names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace._internal.lazy_names import lazy_names

if TYPE_CHECKING:
    from headrace.notifications.channels import NotificationChannel, notification_channels
    from headrace.notifications.notification import SEVERITIES, Action, Notification, Severity
    from headrace.notifications.send import send_notification

__all__ = [
    "SEVERITIES",
    "Action",
    "Notification",
    "NotificationChannel",
    "Severity",
    "notification_channels",
    "send_notification",
]

__getattr__ = lazy_names(__name__)
