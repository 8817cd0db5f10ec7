"""Notifications by POST to a webhook, as chat services take them."""

from __future__ import annotations

import json
import os
from typing import Final
from urllib.parse import urlsplit

from headrace._internal.loopback import LOOPBACK
from headrace.notifications.channels.base import NotificationChannel
from headrace.notifications.notification import Notification

_TIMEOUT_SECONDS: Final = 30.0


class WebhookChannel(NotificationChannel):
    """An https URL that gets ``{"text": ...}``, or ``$NAME`` of a variable that holds one."""

    key = "webhook"
    description = "https URL, or $NAME of a variable with one."

    def check(self, value: str) -> str:
        """Check that the value is an https URL, or names a variable."""
        if not value or value.startswith("$") or _is_safe(value):
            return ""
        return "must begin with https://, or be $NAME of a variable"

    def redact(self, value: str) -> str:
        """Return the host only: whoever knows the URL can post there."""
        return value if value.startswith("$") else f"https://{urlsplit(value).hostname}/..."

    def send(self, value: str, notification: Notification) -> str:
        """Post the subject and the message."""
        import requests

        named = value.startswith("$")
        url = os.environ.get(value[1:], "") if named else value
        if not _is_safe(url):
            return f"notify.webhook: {value if named else 'it'} holds no https URL"
        try:
            answer = requests.post(
                url,
                data=json.dumps({"text": f"{notification.subject}\n{notification.text}"}),
                headers={"Content-Type": "application/json"},
                timeout=_TIMEOUT_SECONDS,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            # Not the error's own words: they hold the URL, which is a secret.
            return f"notify.webhook: not reached ({type(error).__name__})"
        return "" if answer.ok else f"notify.webhook: answered {answer.status_code}"


def _is_safe(url: str) -> bool:
    """Return whether a webhook is an https URL, or one on this machine."""
    try:
        parts = urlsplit(url)
        loopback = parts.hostname in LOOPBACK
    except ValueError:
        return False  # such as half an IPv6 address
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and loopback)
    )
