"""An outbox with a clock of the tests, and a channel that keeps what it is given."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from headrace.notifications import Notification, NotificationChannel
from headrace.notifications import send as sending
from headrace.notifications.outbox import Outbox
from headrace.notifications.sender import NotificationSender

START = 1_800_000_000.0


class KeptChannel(NotificationChannel):
    """Keeps notifications; fails, hangs or raises where the test says so."""

    description = "kept"

    def __init__(self, key: str) -> None:
        self.key = key  # type: ignore[misc]  # of the instance: a test has several
        self.sent: list[Notification] = []
        self.error = ""
        self.hanging: threading.Event | None = None

    def send(self, value: str, notification: Notification) -> str:
        if self.hanging is not None:
            self.hanging.wait()
        if not self.error:
            self.sent.append(notification)
        return self.error


@dataclass
class Bench:
    """An outbox, its sender and its channels."""

    path: Path
    settings: dict[str, Any] = field(default_factory=lambda: {"one": "x"})
    now: float = START

    def __post_init__(self) -> None:
        self.channels = {name: KeptChannel(name) for name in ("one", "two")}
        self.reports: list[str] = []
        self.open()

    def open(self) -> None:
        self.outbox = Outbox(self.path)
        self.sender = NotificationSender(
            self.outbox, "p", lambda: self.settings, self.reports.append, lambda: self.now
        )

    def close(self) -> None:
        self.sender.stop()
        self.outbox.close()

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sending, "notification_channels", lambda: self.channels)

    def add(self, subject: str, message: str = "", **more: Any) -> bool:
        sources = {
            key: more.pop(key) for key in ("source", "topic", "label", "more") if key in more
        }
        notification = Notification(subject, message or subject, **more)
        return self.outbox.add(notification, self.now, **sources)

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.sender.send_due()

    def subjects(self, channel: str = "one") -> list[str]:
        return [notification.subject for notification in self.channels[channel].sent]
