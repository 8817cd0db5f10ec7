"""The table ``[notify]`` of ``headrace.toml``: how people are notified, and of what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from headrace._internal.durations import parse_duration
from headrace._internal.quiet_hours import QuietRange, find_zone
from headrace._internal.settings import (
    Choice,
    Declared,
    Integer,
    Key,
    Kind,
    ListOf,
    ProjectWording,
    Reading,
    RefusedValue,
    Table,
    Text,
    TomlDocument,
)
from headrace.config.errors import ProjectError
from headrace.config.phone_table import PHONE
from headrace.notifications import NotificationChannel, notification_channels
from headrace.notifications.policy import (
    DEFAULT_DIGEST,
    DEFAULT_PER_HOUR,
    DEFAULT_REPEAT,
)

STATUSES: Final = ("FAILED", "INACTIVE", "SUCCEEDED", "ENDED")
_STATUS_EVENTS: Final = {
    "FAILED": "failed",
    "INACTIVE": "waits",
    "SUCCEEDED": "succeeded",
    "ENDED": "ended",
}
EVENTS: Final[Mapping[str, str]] = {
    "failed": "a run has failed",
    "waits": "a run waits for a person",
    "succeeded": "a run has succeeded",
    "ended": "a run was ended by the hosted service",
    "launched": "a batch stage (a Compute state) of a run has begun",
    "finished": "a batch stage of a run has ended",
    "results": "a run has numbers that its flow.toml names, such as a new misfit",
    "arrival": "something new arrived in a watched directory",
    "no_run": "an arrival does not get its run",
    "campaign": "a campaign has ended, is paused by a rule of its own, or has lost a lane",
    "endpoint": "an endpoint was restarted, is given up, or is well again",
    "fault": "something is the matter with the facility, or is well again",
    "silence": "nothing happened for the time of `silence`",
    "disk": "a disk has less free than `disk`",
}
"""Names of events that people may be notified of, and their meaning."""

DEFAULT_EVENTS: Final = (
    "failed",
    "waits",
    "results",
    "no_run",
    "campaign",
    "endpoint",
    "fault",
    "silence",
    "disk",
)


class _ChannelValue(Text):
    """The value of a channel's key, as the channel checks it."""

    def __init__(self, channel: NotificationChannel) -> None:
        super().__init__()
        self._channel = channel

    def parse(self, value: Any) -> str:
        """Return the value."""
        text = super().parse(value)
        if problem := self._channel.check(text):
            raise RefusedValue(problem)
        return text


class _Statuses(Text):
    """Statuses of runs between blanks."""

    def parse(self, value: Any) -> str:
        """Return the statuses as they were written."""
        text = super().parse(value)
        for status in text.upper().split():
            if status not in STATUSES:
                raise RefusedValue(f"{status!r}: there are {', '.join(STATUSES)}")
        return text


class _Checked(Text):
    """A text that a function takes.

    Args:
        check: raises ValueError, with the reason, where it does not.
    """

    def __init__(self, check: Callable[[str], object]) -> None:
        super().__init__(empty=False)
        self._check = check

    def parse(self, value: Any) -> str:
        """Return the text as it was written."""
        text = super().parse(value)
        try:
            self._check(text)
        except ValueError as error:
            raise RefusedValue(str(error)) from None
        return text


def parse_free_space(text: str) -> tuple[float, int]:
    """Return the share of a disk, and the bytes, of which so much must be free.

    Args:
        text: such as ``5%`` or ``20GB``.

    Raises:
        ValueError: it is neither.
    """
    units = {"MB": 10**6, "GB": 10**9, "TB": 10**12}
    word = text.replace(" ", "").upper()
    try:
        if word.endswith("%"):
            share = float(word[:-1]) / 100
            if 0.0 < share < 1.0:
                return share, 0
        elif word[-2:] in units and (amount := float(word[:-2])) > 0.0:
            return 0.0, int(amount * units[word[-2:]])
    except (ValueError, OverflowError):
        pass
    raise ValueError(f"{text!r} is no free space: write 5% or 20GB")


def _key(name: str, text: str, kind: Kind, default: str = "") -> Declared:
    return Declared(name, Key(text, default=default), kind, "")


def _channel_key(channel: NotificationChannel) -> Declared:
    value: Kind = _ChannelValue(channel)
    return _key(channel.key, channel.description, ListOf(value) if channel.many else value)


def _keys() -> dict[str, Declared]:
    """Return the key of each channel that there is, and those that say what is told when."""
    channels = {name: _channel_key(channel) for name, channel in notification_channels().items()}
    phone = Key(notification_channels()["phone"].description)
    channels["phone"] = Declared("phone", phone, PHONE, "")
    events = ", ".join(f"`{name}` ({meaning})" for name, meaning in EVENTS.items())
    events_key = _key(
        "events",
        f"Events that people are notified of: {events}.",
        ListOf(Choice(tuple(EVENTS))),
        "[" + ", ".join(f'"{name}"' for name in DEFAULT_EVENTS) + "]",
    )
    on = _key(
        "on",
        "Statuses of runs that people are notified of, between blanks, in the place of those "
        f"among `events`; there are {', '.join(STATUSES)}.",
        _Statuses(),
    )
    others = (
        _key(
            "silence",
            "Time after which people are notified that nothing has happened though runs are open "
            "or triggers are there, such as `12h`.",
            _Checked(parse_duration),
        ),
        _key(
            "disk",
            "Free space, such as `5%` or `20GB`, below which people are notified of the disks of "
            "the project and of its collections.",
            _Checked(parse_free_space),
        ),
        _key(
            "quiet_hours",
            'Hours or days in which only urgent notifications are sent, such as `["22:00-07:00"]`; '
            "the others are sent as one after them.",
            ListOf(_Checked(QuietRange.parse)),
        ),
        _key(
            "timezone",
            "Time zone of `quiet_hours`, such as `Europe/Zurich`; this machine's by default.",
            _Checked(find_zone),
        ),
        _key(
            "digest",
            "How long a failure waits for others of its cause, to be told with them in one "
            "notification.",
            _Checked(parse_duration),
            f'"{DEFAULT_DIGEST}"',
        ),
        _key(
            "repeat",
            "How long the same subject and message are not sent again.",
            _Checked(parse_duration),
            f'"{DEFAULT_REPEAT}"',
        ),
        _key(
            "per_hour",
            "How many notifications a channel is sent in an hour; more are sent as one, later, and "
            "urgent ones always.",
            Integer(1),
            str(DEFAULT_PER_HOUR),
        ),
    )
    return {**channels, "events": events_key, "on": on, **{each.name: each for each in others}}


NOTIFY: Final[Table[dict[str, Any]]] = Table(_keys, dict, only_given=True)
"""The table: a key for each channel, such as ``command``, and those that say what is told when."""


def check_notify(settings: Mapping[str, Any]) -> None:
    """Check the table ``[notify]``.

    Args:
        settings: its keys and values.

    Raises:
        ProjectError: an unknown key or status, or a value that its channel refuses.
    """
    document = TomlDocument("headrace.toml", {"notify": settings})
    reading = Reading(document, ProjectWording())
    NOTIFY.read(settings, reading.top.child("notify"))
    reading.raise_first(ProjectError)


def notify_events(settings: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of the events that people are notified of."""
    events = set(settings.get("events", DEFAULT_EVENTS))
    if "on" in settings:
        statuses = settings["on"].upper().split()
        events -= set(_STATUS_EVENTS.values())
        events |= {_STATUS_EVENTS[status] for status in statuses}
    return frozenset(events)


def status_event(status: str) -> str:
    """Return the name of the event that a run has a status; empty where it is none."""
    return _STATUS_EVENTS.get(status, "")
