"""Tells the phone what has become of its commands, in a thread of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from headrace._internal.periodic import PeriodicWork
from headrace.notifications import Notification, Severity
from headrace.notifications.phone.errors import PhoneError
from headrace.phone_answers.command_record import CommandRecord, RecordedCommand

NOTIFY_FOR: Final = 86_400.0
"""Seconds for which a phone that cannot be reached is tried again."""

_SECONDS: Final = 5.0
_SEVERITIES: Final[dict[str, Severity]] = {"done": "info"}
_VERDICTS: Final = {
    "done": "done",
    "failed": "failed",
    "refused": "not done",
    "unsure": "not known whether it was done",
}


class OutcomeNotifier:
    """Tells outcomes: each once, again where the phone cannot be reached.

    A service that hangs delays nothing but what is told after it.

    Args:
        record: the commands; of this notifier alone.
        send: sends a notification to the phone, and returns why it could not be sent.
        say: called with one line for what cannot be told.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        record: CommandRecord,
        send: Callable[[Notification], str],
        say: Callable[[str], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._record, self._send, self._say, self._clock = record, send, say, clock
        self._warnings: list[str] = []
        self._problem = ""
        self._work = PeriodicWork(self.notify, _SECONDS, self._report, name="outcome notifier")

    def start(self) -> None:
        """Tell what is to be told from now on."""
        self._work.start()

    def stop(self) -> None:
        """Stop, when what is being sent has been."""
        self._work.stop(60.0)

    def wake(self) -> None:
        """Have what is to be told looked for at once."""
        self._work.wake()

    def warn(self, text: str) -> None:
        """Have a warning told that is about no command."""
        if text:
            self._warnings.append(text)

    def notify(self) -> None:
        """Tell what is to be told now; what cannot be sent is tried again the next time."""
        while self._warnings:
            if not self._sent(Notification("an answer was refused", self._warnings[0], "warning")):
                return
            self._warnings.pop(0)
        for recorded in self._record.unreported():
            if not self._sent(_notification(recorded)):
                if self._clock() - recorded.started_at < NOTIFY_FOR:
                    return
                self._say(f"not told: {recorded.outcome}")
            self._record.set_notified(recorded.signed.nonce)

    def _sent(self, notification: Notification) -> bool:
        problem = self._send(notification)
        if problem and problem != self._problem:
            self._say(problem)
        self._problem = problem
        return not problem

    def _report(self, error: Exception) -> None:
        self._say(str(error) if isinstance(error, PhoneError) else repr(error))


def _notification(recorded: RecordedCommand) -> Notification:
    name = recorded.signed.command.name.replace("_", " ")
    return Notification(
        f"{name}: {_VERDICTS[recorded.state]}",
        recorded.outcome,
        _SEVERITIES.get(recorded.state, "warning"),
        key=f"answer/{recorded.signed.nonce}/{recorded.state}/{recorded.repeats}",
    )
