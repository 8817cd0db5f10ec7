"""The table ``[notify.phone]`` of ``headrace.toml``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final

from headrace._internal.settings import (
    Choice,
    Key,
    Kind,
    ListOf,
    Number,
    RefusedValue,
    Table,
    Text,
    table_of,
)
from headrace.notifications.phone.settings import COMMANDS, SERVICES, PhoneSettings, is_safe_url

_LONGEST_HOURS: Final = 24.0 * 30
_VARIABLE: Final = r"(\$[A-Za-z_][A-Za-z0-9_]*)?"


class _Url(Text):
    """URL of a service: encrypted, or on this machine."""

    def parse(self, value: Any) -> str:
        """Return the URL as it was written."""
        text = super().parse(value)
        if text and not is_safe_url(text):
            raise RefusedValue(
                "must begin with https://, or http:// on this machine, and hold no password"
            )
        return text


class _Variable(Text):
    """Name of a variable that holds a secret."""

    def __init__(self) -> None:
        super().__init__(expected="$NAME of a variable")

    def parse(self, value: Any) -> str:
        """Return the name, with its dollar sign."""
        text = super().parse(value)
        if not re.fullmatch(_VARIABLE, text):
            # Not the value: it may be the secret.
            raise RefusedValue(
                "is a secret: give $NAME of a variable, or leave it out: `headrace notify pair` "
                "keeps it"
            )
        return text

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of such a name."""
        return {"type": "string", "pattern": f"^(?:{_VARIABLE})$"}


class _Hours(Number):
    """Hours that a button works."""

    def parse(self, value: Any) -> float:
        """Return the hours."""
        hours = float(super().parse(value))
        if not 0 < hours <= _LONGEST_HOURS:
            raise RefusedValue(f"must be more than 0 and at most {_LONGEST_HOURS:.0f}")
        return hours

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of the hours."""
        return {"type": "number", "exclusiveMinimum": 0, "maximum": _LONGEST_HOURS}


@dataclass(frozen=True)
class PhoneTable:
    """The table ``[notify.phone]``."""

    kind: Annotated[
        str, Key("The service that carries messages to phones.", kind=Choice(tuple(SERVICES)))
    ] = "ntfy"
    url: Annotated[
        str,
        Key(
            "URL of its server: https://, or http:// on this machine.",
            kind=_Url(),
            default="the service's public server",
            example='url = "https://ntfy.example.org"',
        ),
    ] = ""
    topic: Annotated[
        str,
        Key(
            "Topic of messages at ntfy, which is as secret as a password: $NAME of a variable.",
            kind=_Variable(),
            default="as `headrace notify pair` made it",
        ),
    ] = ""
    answers_topic: Annotated[
        str,
        Key(
            "Topic of answers at ntfy: $NAME of a variable.",
            kind=_Variable(),
            default="as `headrace notify pair` made it",
        ),
    ] = ""
    token: Annotated[
        str,
        Key(
            "Access token, of Pushover the application's: $NAME of a variable.",
            kind=_Variable(),
            default="as `headrace notify pair` keeps it",
        ),
    ] = ""
    answers_token: Annotated[
        str,
        Key(
            "Access token that buttons carry at ntfy: $NAME of a variable. Everybody who reads the "
            "messages has it: let it do no more than write to the topic of answers.",
            kind=_Variable(),
            default="as `headrace notify pair` keeps it",
        ),
    ] = ""
    user: Annotated[
        str,
        Key(
            "User key at Pushover: $NAME of a variable.",
            kind=_Variable(),
            default="as `headrace notify pair` keeps it",
        ),
    ] = ""
    commands: Annotated[
        tuple[str, ...],
        Key(
            f"What the phone may do: {', '.join(COMMANDS)}. None: its messages have no buttons.",
            kind=ListOf(Choice(COMMANDS)),
            example='commands = ["retry", "cancel", "answer"]',
        ),
    ] = ()
    expire_hours: Annotated[
        float, Key("Time for which a button works.", kind=_Hours(), unit="h")
    ] = 24.0


def _as_value(values: dict[str, Any]) -> str:
    return PhoneSettings(**{**values, "commands": tuple(values["commands"])}).as_value()


PHONE: Final[Kind] = Table(table_of(PhoneTable).keys, _as_value)
"""The table, as the value of the channel's key."""


def with_project(
    notify: Mapping[str, str], root: str, project: str, target: str
) -> Mapping[str, str]:
    """Return ``[notify]`` with the project in its phone's settings.

    Args:
        notify: the table, read; it has a key ``phone``.
        root: the project's root.
        project: the project's name.
        target: where its runs are.
    """
    settings = PhoneSettings.from_value(notify["phone"])
    placed = replace(settings, root=root, project=project, target=target)
    return {**notify, "phone": placed.as_value()}


def phone_settings(notify: Mapping[str, str]) -> PhoneSettings | None:
    """Return the phone's settings of ``[notify]``; None where it has none."""
    return PhoneSettings.from_value(notify["phone"]) if notify.get("phone") else None
