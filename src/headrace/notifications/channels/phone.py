"""Notifications to a phone, with buttons: the table ``[notify.phone]``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from headrace.errors import HeadraceError
from headrace.notifications.channels.base import NotificationChannel

if TYPE_CHECKING:
    from headrace.notifications.notification import Notification
    from headrace.notifications.phone.settings import PhoneSettings

_PRIORITIES: Final = {"info": 3, "warning": 4, "error": 4, "urgent": 5}
_TAGS: Final = {"warning": ("warning",), "error": ("x",), "urgent": ("rotating_light",)}


class PhoneChannel(NotificationChannel):
    """An ntfy server or Pushover; its value is the table as JSON text."""

    key = "phone"
    description = "A phone, by ntfy or Pushover, with buttons that answer."

    def redact(self, value: str) -> str:
        """Return the service and its host: topics and tokens are named elsewhere."""
        from headrace.notifications.phone.settings import PhoneSettings

        settings = PhoneSettings.from_value(value)
        return f"{settings.kind} at {urlsplit(settings.base_url).hostname}"

    def send(self, value: str, notification: Notification) -> str:
        """Publish the notification, with the buttons that the table allows."""
        from headrace.notifications.phone.settings import PhoneSettings

        settings = PhoneSettings.from_value(value)
        try:
            if settings.kind == "pushover":
                _send_by_pushover(settings, notification)
            else:
                _send_by_ntfy(settings, notification)
        except HeadraceError as error:
            text = str(error)
            return text if text.startswith("notify.phone") else f"notify.phone: {text}"
        return ""


def _send_by_ntfy(settings: PhoneSettings, notification: Notification) -> None:
    from headrace.notifications.phone.buttons import ntfy_buttons
    from headrace.notifications.phone.errors import PhoneError
    from headrace.notifications.phone.ntfy import NtfyMessage, NtfyServer
    from headrace.notifications.phone.pairing import read_pairing

    pairing = read_pairing(settings.project_root)
    topic = settings.secret("topic", pairing)
    if not topic:
        raise PhoneError("no phone is paired: `headrace notify pair`")
    is_url = notification.link.startswith(("https://", "http://"))
    message = NtfyMessage(
        notification.subject,
        notification.message if is_url else notification.text,
        _PRIORITIES[notification.severity],
        _TAGS.get(notification.severity, ()),
        notification.link if is_url else "",
        ntfy_buttons(settings, pairing, notification) if pairing is not None else (),
        notification.picture,
    )
    NtfyServer(settings.base_url, settings.secret("token", pairing)).publish(topic, message)


def _send_by_pushover(settings: PhoneSettings, notification: Notification) -> None:
    from headrace.notifications.phone.pairing import read_pairing
    from headrace.notifications.phone.pushover import PushoverApplication, send_by_pushover

    pairing = read_pairing(settings.project_root)
    application = PushoverApplication(
        settings.base_url, settings.secret("token", pairing), settings.secret("user", pairing)
    )
    send_by_pushover(application, settings, notification)
