"""Commands that the buttons of a message send: signed, with an expiry, each good for once.

The text is ``hr1.PAYLOAD.SIGNATURE``, both in URL-safe base64 without padding. The payload is JSON;
the signature is HMAC-SHA256 (RFC 2104) over the version, the project, the topic of answers and the
payload, so that a text is worth nothing elsewhere. Nothing of a text is read before its signature
was found right.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Final

_VERSION: Final = "hr1"
MAX_TEXT: Final = 2048
"""Characters of the longest text that is looked at."""

_CLOCK_ERROR: Final = 600.0


@dataclass(frozen=True)
class Command:
    """A command that a person may give.

    Attributes:
        name: one of ``COMMANDS``.
        subject: what it is done to: the id of a run or of a web input, ``trigger/NAME``, or
            ``inversion/DIRECTORY``.
        argument: the option of a web input that is chosen; else empty.
        target: where the run is, ``local`` or ``globus``.
    """

    name: str
    subject: str
    argument: str
    target: str


@dataclass(frozen=True)
class SignedCommand:
    """A command that was signed here.

    Attributes:
        command: the command.
        issued: when it was signed, in seconds since the epoch.
        expires: until when it may be given.
        nonce: names it; a command of a nonce is carried out once.
    """

    command: Command
    issued: int
    expires: int
    nonce: str

    def is_late(self, now: float) -> bool:
        """Say whether it may not be given any more."""
        return now > self.expires

    def is_from_the_future(self, now: float) -> bool:
        """Say whether it was signed later than now: this machine's clock was set back."""
        return now < self.issued - _CLOCK_ERROR


class ForgedCommand(ValueError):
    """Text that nobody has signed with this key, for this project and topic."""


class CommandSigner:
    """Signs commands, and reads what it has signed.

    Args:
        key: the key, 32 random bytes.
        project: what the commands are for: names one project of this machine.
        topic: topic of the answers.
        clock: seconds since the epoch.
    """

    def __init__(
        self, key: bytes, project: str, topic: str, clock: Callable[[], float] = time.time
    ) -> None:
        self._key = key
        self._context = "\0".join([_VERSION, project, topic])
        self._clock = clock

    def sign(self, command: Command, lifetime: float) -> str:
        """Return the text of a command.

        Args:
            command: the command.
            lifetime: seconds for which it may be given.
        """
        now = int(self._clock())
        payload = {
            **asdict(command),
            "issued": now,
            "expires": now + int(lifetime),
            "nonce": str(uuid.uuid4()),
        }
        body = _encoded(json.dumps(payload, separators=(",", ":")).encode())
        return f"{_VERSION}.{body}.{_encoded(self._signature(body))}"

    def read(self, text: str) -> SignedCommand:
        """Return the command that a text holds.

        Raises:
            ForgedCommand: the text is too long, is none, or was not signed here.
        """
        if len(text) > MAX_TEXT:
            raise ForgedCommand("too long")
        version, _, rest = text.partition(".")
        body, _, signature = rest.partition(".")
        if version != _VERSION or not body or not signature:
            raise ForgedCommand("not a command")
        if not hmac.compare_digest(self._signature(body), _decoded(signature)):
            raise ForgedCommand("not signed here")
        found = json.loads(_decoded(body))
        command = Command(found["name"], found["subject"], found["argument"], found["target"])
        return SignedCommand(command, found["issued"], found["expires"], found["nonce"])

    def _signature(self, body: str) -> bytes:
        text = f"{self._context}\0{body}".encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, text, hashlib.sha256)


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""
