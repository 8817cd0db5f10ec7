"""Asks Pushover for the receipts of emergency messages: acknowledged means "go on"."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from headrace._internal.backoff import backoff_seconds
from headrace.notifications.phone.errors import PhoneServiceError
from headrace.notifications.phone.pushover import RECEIPT_SECONDS, PushoverApplication
from headrace.notifications.phone.receipts import KeptReceipt, kept_receipts
from headrace.notifications.phone.signed_commands import SignedCommand

_LONGEST_PAUSE: Final = 300.0
# So long after its end it is still said that an answer came too late.
_LATE_SECONDS: Final = 86_400.0
# Answers after which a receipt is asked for no more; the rest is a fault of the moment.
_UNKNOWN: Final = (400, 404)


class ReceiptReceiver(Protocol):
    """Taker of commands that were acknowledged."""

    def receive_signed(self, signed: SignedCommand, message_id: str) -> None:
        """Decide on one command."""

    def finish_started(self) -> None:
        """Go on with what was started."""


class ReceiptsListener:
    """Asks for receipts, one after the other, no faster than the service allows.

    Args:
        application: the application at Pushover.
        root: the project's root.
        receiver: decides on each acknowledged command.
        on_event: called at each sign of life.
        say: called with one line when the service fails, and when it answers again.
        wait: waits so many seconds; for tests, which must not wait.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        application: PushoverApplication,
        root: Path,
        receiver: ReceiptReceiver,
        on_event: Callable[[], None] = lambda: None,
        say: Callable[[str], None] = lambda line: None,
        wait: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._application, self._root, self._receiver = application, root, receiver
        self._on_event, self._say, self._wait, self._clock = on_event, say, wait, clock
        self._failures = 0
        self._problem = ""

    @property
    def problem(self) -> str:
        """Reason why the service does not answer; empty if it does."""
        return self._problem

    def run(self, rounds: int | None = None) -> None:
        """Ask until the process is ended.

        Args:
            rounds: rounds through all receipts after which it ends; none: it goes on.
        """
        while rounds is None or rounds > 0:
            self.read_once(RECEIPT_SECONDS)
            rounds = None if rounds is None else rounds - 1
            self._wait(backoff_seconds(self._failures, RECEIPT_SECONDS, _LONGEST_PAUSE))

    def read_once(self, pause: float = RECEIPT_SECONDS) -> None:
        """Ask once for each receipt that is waited for.

        Args:
            pause: seconds between two questions.
        """
        self._receiver.finish_started()
        self._on_event()
        number = 0
        for kept in kept_receipts(self._root):
            if kept.signed.is_late(self._clock() - _LATE_SECONDS):
                # After a long absence there may be thousands: nobody waits for these any more.
                kept.forget()
                continue
            number += 1
            if number > 1:
                self._wait(pause)
            if not self._ask(kept):
                return
            self._on_event()

    def _ask(self, kept: KeptReceipt) -> bool:
        """Ask for a receipt, and return whether the service answers."""
        try:
            found = self._application.receipt(kept.receipt)
        except PhoneServiceError as error:
            if error.status in _UNKNOWN:
                self._say(f"a receipt is not known any more: {error}")
                kept.forget()
                return True
            if not self._failures:
                self._say(f"Pushover {error}; tried again and again")
            self._failures, self._problem = self._failures + 1, f"Pushover {error}"
            return False
        self._failures, self._problem = 0, ""
        if found.acknowledged:
            self._receiver.receive_signed(kept.signed, kept.receipt)
        if found.acknowledged or found.expired or kept.signed.is_late(self._clock()):
            kept.forget()
        return True
