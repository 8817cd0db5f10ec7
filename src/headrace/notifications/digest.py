"""Choice of what a channel is sent next: single notifications, and several as one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from typing import Final

from headrace.notifications.notification import SEVERITIES, Notification, Severity
from headrace.notifications.outbox import Message
from headrace.notifications.policy import DeliveryPolicy

# What happened so long before it is sent says when it happened.
LATE_SECONDS: Final = 600.0
_HOUR: Final = 3600.0
_NAMED: Final = 5
_LISTED: Final = 20
_LIST_COMMAND: Final = "headrace notify list"


@dataclass(frozen=True)
class Batch:
    """Messages that are sent as one notification.

    Attributes:
        numbers: their numbers in the outbox.
        notification: what is sent.
    """

    numbers: tuple[int, ...]
    notification: Notification


@dataclass(frozen=True)
class Choice:
    """Choice of what is sent now.

    Attributes:
        batches: in this order.
        next_time: when there may be more to send, in seconds since the epoch; None: nothing waits.
    """

    batches: tuple[Batch, ...]
    next_time: float | None


def choose_batches(
    messages: Sequence[Message],
    policy: DeliveryPolicy,
    now: float,
    sent_times: Sequence[float] = (),
    *,
    hold: bool = True,
) -> Choice:
    """Choose what a channel is sent now.

    Args:
        messages: those that wait for the channel, the oldest first.
        policy: quiet hours, digests and how many an hour.
        now: the present.
        sent_times: when the channel was sent something within the last hour.
        hold: whether those that may have company wait for it.
    """
    urgent = [m for m in messages if m.notification.severity == "urgent"]
    others = [m for m in messages if m.notification.severity != "urgent"]
    at_once = tuple(_single(message, policy, now) for message in urgent)
    if not others:
        return Choice(at_once, None)
    quiet_until = policy.quiet.end(datetime.fromtimestamp(now, UTC))
    if quiet_until is not None:
        return Choice(at_once, quiet_until.timestamp())
    allowed = policy.per_hour - len(sent_times)
    if allowed <= 0:
        return Choice(at_once, min(sent_times) + _HOUR)
    if sum(now - m.added > LATE_SECONDS for m in others) > 1:
        return Choice((*at_once, _digest(others, policy, now)), None)
    groups = _group(others)
    due = [g for g in groups if not (hold and g[0].topic) or _is_complete(g, policy, now)]
    later = [g[0].added + policy.digest_seconds for g in groups if g not in due]
    batches = [
        _single(g[0], policy, now) if len(g) == 1 else _topic_digest(g, policy, now) for g in due
    ]
    if len(batches) > allowed:
        batches = [_digest([message for group in due for message in group], policy, now)]
    return Choice((*at_once, *batches), min(later, default=None))


def _group(messages: Sequence[Message]) -> list[list[Message]]:
    """Return messages by topic; one without a topic is a group of its own."""
    groups: dict[str | int, list[Message]] = {}
    for message in messages:
        groups.setdefault(message.topic or message.number, []).append(message)
    return list(groups.values())


def _is_complete(group: Sequence[Message], policy: DeliveryPolicy, now: float) -> bool:
    # A clock that was set back holds nothing for ever.
    return not 0.0 <= now - group[0].added < policy.digest_seconds


def _single(message: Message, policy: DeliveryPolicy, now: float) -> Batch:
    found = message.notification
    if now - found.time > LATE_SECONDS:
        found = replace(found, message=f"{found.message}\n({_late(found.time, now, policy.zone)})")
    return Batch((message.number,), found)


def _topic_digest(group: Sequence[Message], policy: DeliveryPolicy, now: float) -> Batch:
    """Return several of one topic as one: how many, some of their names, and the first in full."""
    first = group[0]
    labels = list(dict.fromkeys(message.label for message in group if message.label))
    more = len(labels) - _NAMED
    names = ", ".join(labels[:_NAMED]) + (f" and {more} more" if more > 0 else "")
    lines = [names, "the first:", first.notification.message] if names else []
    if now - first.notification.time > LATE_SECONDS:
        lines.append(f"({_late(first.notification.time, now, policy.zone)})")
    notification = Notification(
        first.topic.replace("{count}", str(len(group))),
        "\n".join(lines) or first.notification.message,
        _worst(group),
        first.more or _LIST_COMMAND,
        first.notification.picture,
        # Without the key of a run: a button under it would answer one of them alone.
        time=first.notification.time,
    )
    return Batch(tuple(message.number for message in group), notification)


def _digest(messages: Sequence[Message], policy: DeliveryPolicy, now: float) -> Batch:
    """Return messages of several topics as one: a line for each topic."""
    counts = Counter(message.notification.severity for message in messages)
    severities = ", ".join(
        f"{counts[each]} {each}" for each in reversed(SEVERITIES) if counts[each]
    )
    lines = []
    for group in _group(messages)[:_LISTED]:
        first = group[0]
        subject = first.notification.subject
        if len(group) > 1:
            subject = first.topic.replace("{count}", str(len(group)))
        lines.append(f"{_clock(first.notification.time, now, policy.zone)} {subject}")
    if (more := len(_group(messages)) - _LISTED) > 0:
        lines.append(f"and {more} more")
    first_time = min(message.notification.time for message in messages)
    late = now - first_time > LATE_SECONDS
    if late:
        lines.append(f"({_late(first_time, now, policy.zone)})")
    notification = Notification(
        f"{len(messages)} notifications{', late' if late else ''}: {severities}",
        "\n".join(lines),
        _worst(messages),
        _LIST_COMMAND,
        time=first_time,
    )
    return Batch(tuple(message.number for message in messages), notification)


def _worst(messages: Sequence[Message]) -> Severity:
    return max((message.notification.severity for message in messages), key=SEVERITIES.index)


def _late(time: float, now: float, zone: tzinfo | None) -> str:
    minutes = int((now - time) // 60)
    hours, minutes = divmod(minutes, 60)
    return f"late: since {_clock(time, now, zone)}, {hours}:{minutes:02} h ago"


def _clock(time: float, now: float, zone: tzinfo | None) -> str:
    moment = datetime.fromtimestamp(time, UTC).astimezone(zone)
    same_day = moment.date() == datetime.fromtimestamp(now, UTC).astimezone(zone).date()
    return moment.strftime("%H:%M" if same_day else "%Y-%m-%d %H:%M")
