"""Decides on each message of the topic of answers: carried out once, or refused and told."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from headrace._internal.terminal_text import terminal_text
from headrace.notifications.phone.signed_commands import (
    CommandSigner,
    ForgedCommand,
    SignedCommand,
)
from headrace.phone_answers.command_record import CommandRecord, RecordedCommand
from headrace.phone_answers.command_runner import CommandRunner

REFUSAL_INTERVAL: Final = 3600.0
"""Seconds between two messages about texts that nobody here has signed."""

GIVE_UP_AFTER: Final = 900.0
"""Seconds for which a command waits for a service that is away."""

_LATE: Final = "too late: it expired"
_FUTURE: Final = "refused: it was signed later than now, so this machine's clock was set back"

logger = logging.getLogger(__name__)


class CommandReceiver:
    """Receives the messages of the topic of answers.

    Args:
        signer: reads commands.
        record: what was given and done.
        runner: carries commands out.
        topic: the topic of answers.
        allowed: the commands that the phone may give.
        clock: seconds since the epoch.
        say: called with one line for what was done, and for what was refused.
    """

    def __init__(
        self,
        signer: CommandSigner,
        record: CommandRecord,
        runner: CommandRunner,
        topic: str,
        allowed: Sequence[str],
        clock: Callable[[], float] = time.time,
        say: Callable[[str], None] = logger.info,
    ) -> None:
        self._signer, self._record, self._runner = signer, record, runner
        self._topic, self._allowed, self._clock, self._say = topic, allowed, clock, say
        self._unsigned: Counter[str] = Counter()
        self._unsigned_reported_at = float("-inf")
        self._unstored_position = ""

    def receive(self, message: Mapping[str, Any]) -> None:
        """Decide on one message.

        Args:
            message: as the service's JSON has it; whatever it holds is taken for hostile.
        """
        if message.get("event") != "message" or message.get("topic") != self._topic:
            return
        message_id = message.get("id")
        if not isinstance(message_id, str) or not 0 < len(message_id) <= 64:
            return
        if not (message_id.isascii() and message_id.isprintable()):
            return
        try:
            text = message.get("message")
            signed = self._signer.read(text if isinstance(text, str) else "")
        except ForgedCommand as error:
            self._note_unsigned(str(error), message_id)
            return
        self.receive_signed(signed, message_id)

    def receive_signed(self, signed: SignedCommand, message_id: str) -> None:
        """Decide on a command that was signed here.

        Args:
            signed: the command.
            message_id: the message that gives it.
        """
        if self._may_begin(signed, message_id):
            self._carry_out(self._recorded(signed.nonce))

    def finish_started(self) -> None:
        """Go on with the commands of which it is not known what has become.

        An earlier process was killed over them, or the service was away.
        """
        for recorded in self._record.unfinished():
            self._carry_out(recorded)

    @property
    def position(self) -> str:
        """Id of the message that was read last; ``all`` where none was."""
        return self._unstored_position or self._record.position(self._topic) or "all"

    def flush_position(self) -> None:
        """Store which message was read last, where that is not stored yet."""
        if self._unstored_position:
            self._record.set_position(self._topic, self._unstored_position)
            self._unstored_position = ""

    def refusals_to_report(self) -> str:
        """Return one line about texts that nobody here has signed; empty for none, or not yet.

        It is given once an hour at most, however many there were.
        """
        now = self._clock()
        if not self._unsigned or now - self._unsigned_reported_at < REFUSAL_INTERVAL:
            return ""
        total = sum(self._unsigned.values())
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(self._unsigned.items()))
        self._unsigned.clear()
        self._unsigned_reported_at = now
        words = "1 message was" if total == 1 else f"{total} messages were"
        return (
            f"{words} refused that no button of this project sends ({kinds}): somebody else knows "
            "the topic of answers; `headrace notify pair --again` changes it"
        )

    def _may_begin(self, signed: SignedCommand, message_id: str) -> bool:
        """Spend a command's nonce, and return whether it is carried out."""
        now = self._clock()
        name = signed.command.name
        refusal = ""
        if signed.is_late(now):
            refusal = _LATE
        elif signed.is_from_the_future(now):
            refusal = _FUTURE
        elif name not in self._allowed:
            refusal = f"{name} is not among the commands of [notify.phone] any more"
        state: Any = "refused" if refusal else "started"
        self._unstored_position = ""
        if self._record.begin(signed, message_id, self._topic, now, state=state, outcome=refusal):
            if refusal:
                self._say(f"{_words(signed)}: {refusal}")
            return not refusal
        known = self._recorded(signed.nonce)
        # The server gives a message again after some interruptions: that is no second answer.
        if known.message_id != message_id:
            repeats = self._record.repeat(signed.nonce, message_id, self._topic)
            self._say(f"{_words(signed)}: given again, and not done again")
            if repeats == 1 and known.state != "started":
                again = f"given again, and not done again: {_without_again(known.outcome)}"
                self._record.end(signed.nonce, known.state, again)
        return False

    def _recorded(self, nonce: str) -> RecordedCommand:
        found = self._record.find(nonce)
        assert found is not None  # noqa: S101 - it was written before
        return found

    def _carry_out(self, recorded: RecordedCommand) -> None:
        nonce = recorded.signed.nonce
        outcome = self._runner.run(recorded, lambda: self._record.set_sent(nonce))
        state, text = outcome.state, terminal_text(outcome.text)
        waited = self._clock() - recorded.started_at
        if state == "started":
            self._say(f"{_words(recorded.signed)}: waits: {text}")
            if waited < GIVE_UP_AFTER:
                return
            state, text = "failed", f"given up: {text}"
        self._record.end(nonce, state, text)
        self._say(f"{_words(recorded.signed)}: {text}")

    def _note_unsigned(self, kind: str, message_id: str) -> None:
        if not self._unsigned:
            self._say(f"a message was refused that no button of this project sends: {kind}")
        self._unsigned[kind] += 1
        # Read again after a crash it is refused again: it need not be flushed at once.
        self._unstored_position = message_id


def _words(signed: SignedCommand) -> str:
    command = signed.command
    name = command.name.replace("_", " ")
    subject = command.subject if "/" in command.subject else command.subject[:8]
    return terminal_text(f"{name} {subject}")


def _without_again(outcome: str) -> str:
    return outcome.removeprefix("given again, and not done again: ")
