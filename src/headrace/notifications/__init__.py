"""Send notifications to people, by the channels that ``[notify]`` of ``headrace.toml`` names."""

from headrace.notifications.channels import NotificationChannel, notification_channels
from headrace.notifications.send import send_notification

__all__ = ["NotificationChannel", "notification_channels", "send_notification"]
