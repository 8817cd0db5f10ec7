"""One notification: what people are told, how urgent it is, and what they can answer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

Severity = Literal["info", "warning", "error", "urgent"]
SEVERITIES: Final[tuple[Severity, ...]] = ("info", "warning", "error", "urgent")
"""Severities, from the mildest on; urgent ones are sent in quiet hours, too."""


@dataclass(frozen=True)
class Action:
    """An answer that people can give, such as a button under the message.

    Attributes:
        label: its caption, a word or two.
        command: what is done, such as ``retry``.
        run_id: the run that it is done to.
    """

    label: str
    command: str
    run_id: str


@dataclass(frozen=True)
class Notification:
    """A notification, as a channel sends it.

    Attributes:
        subject: a few words, in one line.
        message: the whole text, of one or more lines, without the link.
        severity: how urgent it is.
        link: a URL or a command by which more is seen; empty where there is none.
        picture: a file that channels attach where their service can.
        key: what it is about, such as ``run/ID/FAILED``; the same key, subject and message are not
            sent twice within a while. Empty: subject and message alone decide.
        actions: answers that people can give.
        time: when it happened, in seconds since the epoch; 0 where nobody says.
    """

    subject: str
    message: str
    severity: Severity = "info"
    link: str = ""
    picture: Path | None = None
    key: str = ""
    actions: tuple[Action, ...] = ()
    time: float = 0.0

    @property
    def text(self) -> str:
        """The message and the link, as channels of mere text send them."""
        return f"{self.message}\nsee: {self.link}" if self.link else self.message
