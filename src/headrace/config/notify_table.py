"""The table ``[notify]`` of ``headrace.toml``: how people are notified, and of what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from headrace._internal.loopback import LOOPBACK
from headrace._internal.near_names import known_names
from headrace.config.errors import ProjectError

KEYS: Final = frozenset({"command", "webhook", "on"})
STATUSES: Final = ("FAILED", "INACTIVE", "SUCCEEDED", "ENDED")
_TOLD: Final = "FAILED INACTIVE"


def check_notify(settings: Mapping[str, str]) -> None:
    """Check the table ``[notify]``.

    Args:
        settings: its keys and values: ``command``, run by the shell with the message on standard
            input and its subject in ``HEADRACE_SUBJECT``; ``webhook``, an https URL that gets
            ``{"text": ...}`` by POST, or the name of an environment variable that holds one,
            written ``$NAME``; ``on``, the statuses of runs that people are told of, between blanks.

    Raises:
        ProjectError: an unknown key or status, or a webhook that is no https URL.
    """
    unknown = sorted(set(settings) - KEYS)
    if unknown:
        raise ProjectError(f"notify.{unknown[0]}: unknown key; {known_names(unknown[0], KEYS)}")
    for status in notify_on(settings):
        if status not in STATUSES:
            raise ProjectError(f"notify.on: {status!r}: there are {', '.join(STATUSES)}")
    webhook = settings.get("webhook", "")
    if webhook and not webhook.startswith("$") and not is_safe_webhook(webhook):
        raise ProjectError("notify.webhook: must begin with https://, or be $NAME of a variable")


def notify_on(settings: Mapping[str, str]) -> frozenset[str]:
    """Return the statuses of runs that people are told of."""
    return frozenset(settings.get("on", _TOLD).upper().split())


def is_safe_webhook(url: str) -> bool:
    """Tell whether a webhook is an https URL, or one on this machine."""
    parts = urlsplit(url)
    loopback = parts.hostname in LOOPBACK
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and loopback)
    )
