"""The table ``[notify.phone]`` of ``headrace.toml``, as the channel and the listener get it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit

from headrace._internal.loopback import LOOPBACK
from headrace.notifications.phone.errors import PhoneError
from headrace.notifications.phone.pairing import Pairing

COMMANDS: Final = ("retry", "cancel", "resume", "pause", "stop_after_iteration", "answer")
"""Commands that a phone can be allowed to give."""

SERVICES: Final = {"ntfy": "https://ntfy.sh", "pushover": "https://api.pushover.net"}
"""Services that carry messages to phones, with their default URLs."""

SECRETS: Final = ("topic", "answers_topic", "token", "answers_token", "user")
"""Keys whose values are secrets: variables name them, or the pairing keeps them."""

_SECONDS_OF_AN_HOUR: Final = 3600


@dataclass(frozen=True)
class PhoneSettings:
    """The table, checked, with the project that it belongs to.

    Attributes:
        kind: the service, ``ntfy`` or ``pushover``.
        url: the service's URL, without a slash at the end.
        topic: ``$NAME`` of a variable with the topic of messages; empty: as paired.
        answers_topic: likewise the topic of answers.
        token: likewise the access token; of Pushover, the application's.
        answers_token: likewise the access token that buttons carry.
        user: likewise Pushover's user key.
        commands: the commands that the phone may give; none of them: no buttons.
        expire_hours: how long a button works.
        root: the project's root.
        project: the project's name.
        target: where its runs are.
    """

    kind: str = "ntfy"
    url: str = ""
    topic: str = ""
    answers_topic: str = ""
    token: str = ""
    answers_token: str = ""
    user: str = ""
    commands: tuple[str, ...] = ()
    expire_hours: float = 24.0
    root: str = ""
    project: str = ""
    target: str = "local"

    @classmethod
    def from_value(cls, value: str) -> Self:
        """Return the settings that the key's value holds, as :meth:`as_value` makes it."""
        found: dict[str, Any] = json.loads(value)
        known = {field.name for field in fields(cls)}
        given = {name: one for name, one in found.items() if name in known}
        return cls(**{**given, "commands": tuple(given.get("commands", ()))})

    def as_value(self) -> str:
        """Return the settings as the value of a channel's key: JSON text."""
        return json.dumps({**asdict(self), "commands": list(self.commands)})

    @property
    def base_url(self) -> str:
        """The service's URL, without a slash at the end."""
        return (self.url or SERVICES[self.kind]).rstrip("/")

    @property
    def lifetime_seconds(self) -> int:
        """Seconds for which a button works."""
        return int(self.expire_hours * _SECONDS_OF_AN_HOUR)

    @property
    def project_root(self) -> Path:
        """The project's root."""
        return Path(self.root)

    def secret(self, name: str, pairing: Pairing | None) -> str:
        """Return a secret: what its variable holds, else what the pairing keeps; or nothing.

        Args:
            name: one of :data:`SECRETS`.
            pairing: the project's pairing, if there is one.

        Raises:
            PhoneError: its variable is not set.
        """
        given = str(getattr(self, name))
        if not given:
            return str(getattr(pairing, name, "")) if pairing is not None else ""
        value = os.environ.get(given[1:], "").strip()
        if not value:
            raise PhoneError(f"notify.phone.{name}: the variable {given} is not set")
        return value

    def allows(self, command: str) -> bool:
        """Say whether the phone may give a command, such as ``retry`` or ``answer:ID``."""
        return command.partition(":")[0] in self.commands


def is_safe_url(url: str) -> bool:
    """Say whether a service's URL is encrypted, or on this machine, and holds no password."""
    try:
        parts = urlsplit(url)
        encrypted = parts.scheme == "https" or (
            parts.scheme == "http" and parts.hostname in LOOPBACK
        )
        plain = not (parts.username or parts.password or parts.query or parts.fragment)
        return bool(parts.hostname) and encrypted and plain and (parts.port or 1) > 0
    except ValueError:
        return False
