"""A channel of notifications that demands quiet nights and no more in an hour than are allowed."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from headrace.notifications import Notification
from tests.support.outboxes import KeptChannel

ZONE = ZoneInfo("Europe/Zurich")
PER_HOUR = 30
_HOUR = 3600.0
_TOLD = re.compile(r"p: (\d+) (?:runs|notifications)\b")


def is_quiet(moment: float, first: int, last: int) -> bool:
    """Tell whether clocks on the wall show an hour of the night."""
    hour = datetime.fromtimestamp(moment, ZONE).hour
    return hour >= first or hour < last


class CountingChannel(KeptChannel):
    """A channel that counts what it is given, and notes what disturbs a night.

    Attributes:
        told: how many notifications came, those within digests counted one by one.
        digests: how many were several in one.
        urgent: how many were urgent.
        faults: what was sent and should not have been.

    Args:
        clock: returns the present, in seconds since the epoch.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__("one")
        self._clock = clock
        self.told = self.digests = self.urgent = 0
        self.faults: list[str] = []
        self._lately: deque[float] = deque()

    def send(self, value: str, notification: Notification) -> str:
        if self.error:
            return self.error
        now = self._clock()
        found = _TOLD.match(notification.subject)
        self.told += int(found[1]) if found else 1
        self.digests += found is not None
        if notification.severity == "urgent":
            self.urgent += 1
            if now - notification.time >= 600:
                self._note(f"urgent, and late: {notification.subject}", now)
            return ""
        if is_quiet(now, 22, 7):
            self._note(f"in quiet hours: {notification.subject}", now)
        self._lately.append(now)
        while now - self._lately[0] >= _HOUR:
            self._lately.popleft()
        if len(self._lately) > PER_HOUR:
            self._note(f"{len(self._lately)} within an hour", now)
        return ""

    def _note(self, fault: str, now: float) -> None:
        # The sender takes whatever a channel raises for a channel that is down.
        self.faults.append(f"{datetime.fromtimestamp(now, ZONE)}: {fault}")
