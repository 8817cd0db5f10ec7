"""Rules of delivery: quiet hours, digests, repetitions, and how many an hour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any, Final

from headrace._internal.durations import parse_duration
from headrace._internal.quiet_hours import QuietHours, find_zone

DEFAULT_DIGEST: Final = "2m"
DEFAULT_REPEAT: Final = "1h"
DEFAULT_PER_HOUR: Final = 30


@dataclass(frozen=True)
class DeliveryPolicy:
    """Rules by which waiting notifications are sent.

    Attributes:
        digest_seconds: how long one that may have company, such as a failure, waits for others of
            its kind, to be sent with them as one.
        repeat_seconds: how long the same subject and message are not sent a second time.
        per_hour: how many a channel is sent within an hour; what comes beyond waits, urgent ones
            do not.
        quiet: hours in which only urgent ones are sent.
        zone: the time zone in which times are written; this machine's where None.
    """

    digest_seconds: float = parse_duration(DEFAULT_DIGEST)
    repeat_seconds: float = parse_duration(DEFAULT_REPEAT)
    per_hour: int = DEFAULT_PER_HOUR
    quiet: QuietHours = field(default_factory=QuietHours)
    zone: tzinfo | None = None


def delivery_policy(settings: Mapping[str, Any]) -> DeliveryPolicy:
    """Return the rules that the table ``[notify]``, checked, sets."""
    zone = settings.get("timezone", "")
    return DeliveryPolicy(
        parse_duration(settings.get("digest", DEFAULT_DIGEST)),
        parse_duration(settings.get("repeat", DEFAULT_REPEAT)),
        settings.get("per_hour", DEFAULT_PER_HOUR),
        QuietHours.parse(settings.get("quiet_hours", ()), zone),
        find_zone(zone) if zone else None,
    )
