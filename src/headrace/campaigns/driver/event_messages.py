"""Messages of events: a line for whoever looks on, and a notification for whoever does not."""

from __future__ import annotations

from headrace._internal.terminal_text import terminal_text
from headrace.campaigns.driver.events import (
    CampaignEnded,
    CampaignEvent,
    CampaignFault,
    CampaignPaused,
    GraftEnded,
    LaneChanged,
    LegEnded,
    MembersAdded,
)
from headrace.config.project_config import at_option
from headrace.notifications.notification import Severity


def event_line(event: CampaignEvent, target: str) -> str:
    """Return what is said of an event in one line; empty where nothing is.

    Members that are done are too many to be told of one by one; a count shows them.

    Args:
        event: the event.
        target: where the campaign's runs are started.
    """
    return terminal_text(" ".join(_line(event, target).split()))


def event_notification(event: CampaignEvent, target: str) -> tuple[str, str, str, Severity] | None:
    """Return campaign, subject, message and severity of what people are notified of, if any.

    Args:
        event: the event.
        target: where the campaign's runs are started.
    """
    name, at = event.campaign, at_option(target)
    if isinstance(event, CampaignEnded):
        severity: Severity = "warning" if event.failed else "info"
        subject = f"campaign {name} has ended: {event.done:,} done, {event.failed:,} failed"
        others = f"; {event.others:,} were dropped or wait" if event.others else ""
        return name, subject, f"{subject}{others}", severity
    if isinstance(event, CampaignPaused):
        subject = f"campaign {name} is paused"
        message = f"{subject}: {event.reason}; `headrace campaign why {name}{at}`, then "
        return name, subject, f"{message}`headrace campaign resume {name}{at}`", "error"
    if isinstance(event, LaneChanged):
        subject = f"campaign {name}: lane {event.lane} is {'lost' if event.is_lost else 'back'}"
        message = f"{subject}: {event.reason}" if event.reason else subject
        moved = f"; {event.members:,} members go elsewhere" if event.members else ""
        return name, subject, f"{message}{moved}", "warning" if event.is_lost else "info"
    return None


def _line(event: CampaignEvent, target: str) -> str:
    name = event.campaign
    found = event_notification(event, target)
    if found is not None:
        return found[2]
    if isinstance(event, LegEnded) and event.then == "failed":
        return f"{name}: {event.key} failed: {event.cause}"
    if isinstance(event, LegEnded) and not event.done:
        return f"{name}: {event.key} is tried again: {event.cause}"
    if isinstance(event, MembersAdded):
        return f"{name}: {event.key} has added {event.members:,} members"
    if isinstance(event, GraftEnded) and not event.succeeded:
        return f"{name}: {event.flow} after {event.subject or name} failed: {event.cause}"
    if isinstance(event, CampaignFault):
        where = f"campaign {name}: " if name else "campaigns: "
        return f"{where}{event.problem}" if event.problem else f"{where}well again"
    return ""
