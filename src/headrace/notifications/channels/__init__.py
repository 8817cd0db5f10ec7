"""Channels that notifications go by; one file each, and more from other distributions."""

from headrace.notifications.channels.base import NotificationChannel
from headrace.notifications.channels.registry import ENTRY_POINT_GROUP, notification_channels

__all__ = ["ENTRY_POINT_GROUP", "NotificationChannel", "notification_channels"]
