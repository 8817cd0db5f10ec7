"""A trial notification by every channel, and the record of those that were sent."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from headrace._internal.near_names import known_names
from headrace._internal.terminal_text import terminal_text
from headrace._internal.timestamps import format_timestamp
from headrace.errors import HeadraceError
from headrace.notifications.notification import Notification
from headrace.notifications.outbox import Outbox
from headrace.notifications.send import destinations


class NotificationError(HeadraceError):
    """Raised where nobody can be notified."""


@dataclass(frozen=True)
class Trial:
    """Result of a trial.

    Attributes:
        channel: the channel.
        value: its value without secrets.
        error: why it has not taken the notification; empty if it has.
    """

    channel: str
    value: str
    error: str

    @property
    def taken(self) -> bool:
        """True if the channel has taken it."""
        return not self.error

    def document(self) -> dict[str, Any]:
        """Return the result as JSON."""
        return {**asdict(self), "taken": self.taken}


def send_trial(
    settings: Mapping[str, Any], project: str, root: Path, only: str | None = None
) -> list[Trial]:
    """Send a notification by every channel at once, each waited for.

    Args:
        settings: the table ``[notify]``, checked.
        project: name of the project.
        root: its directory.
        only: the only channel that is tried.

    Raises:
        NotificationError: no channel is set, or none of this name.
    """
    found = destinations(settings)
    if not found:
        raise NotificationError(
            "headrace.toml: [notify] sets no channel, so that nobody is notified of anything"
        )
    if only is not None and only not in found:
        raise NotificationError(f"no channel {only!r} in [notify]; {known_names(only, found)}")
    chosen = [each for name, each in found.items() if only in (None, name)]
    notification = Notification(
        f"{project}: a test",
        f"headrace notifies you of the project {root} on {socket.gethostname()}.",
        link="headrace notify list",
        key="test",
        time=time.time(),
    )
    with ThreadPoolExecutor(len(chosen)) as pool:
        errors = list(pool.map(lambda each: each.send(notification), chosen))
    return [
        Trial(each.name, each.shown, terminal_text(error))
        for each, error in zip(chosen, errors, strict=True)
    ]


def notification_records(
    root: Path, limit: int, *, waiting: bool = False, before: int | None = None
) -> list[dict[str, Any]]:
    """Return what people were told, as JSON, the newest first.

    Args:
        root: the project's root.
        limit: how many at most.
        waiting: whether only those are returned that a channel has not taken yet.
        before: only those before the one of this number.
    """
    if not Outbox.file_of(root).is_file():
        return []
    outbox = Outbox.of_project(root)
    try:
        documents = [
            each.document() for each in outbox.records(limit, waiting=waiting, before=before)
        ]
    finally:
        outbox.close()
    for document in documents:
        document["time"] = format_timestamp(document["time"])
    return documents
