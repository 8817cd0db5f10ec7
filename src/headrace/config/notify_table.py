"""The table ``[notify]`` of ``headrace.toml``: how people are notified, and of what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from headrace._internal.near_names import known_names
from headrace.config.errors import ProjectError
from headrace.notifications import notification_channels

STATUSES: Final = ("FAILED", "INACTIVE", "SUCCEEDED", "ENDED")
_DEFAULT_STATUSES: Final = "FAILED INACTIVE"


def check_notify(settings: Mapping[str, str]) -> None:
    """Check the table ``[notify]``.

    Args:
        settings: its keys and values: a key for each channel, such as ``command`` and ``webhook``;
            ``on``, the statuses of runs that people are notified of, between blanks.

    Raises:
        ProjectError: an unknown key or status, or a value that its channel refuses.
    """
    channels = notification_channels()
    keys = {*channels, "on"}
    unknown = sorted(set(settings) - keys)
    if unknown:
        raise ProjectError(f"notify.{unknown[0]}: unknown key; {known_names(unknown[0], keys)}")
    for status in notify_on(settings):
        if status not in STATUSES:
            raise ProjectError(f"notify.on: {status!r}: there are {', '.join(STATUSES)}")
    for key, channel in channels.items():
        if problem := channel.check(settings[key]) if key in settings else "":
            raise ProjectError(f"notify.{key}: {problem}")


def notify_on(settings: Mapping[str, str]) -> frozenset[str]:
    """Return the statuses of runs that people are notified of."""
    return frozenset(settings.get("on", _DEFAULT_STATUSES).upper().split())
