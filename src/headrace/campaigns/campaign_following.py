"""A campaign followed to its end, whoever drives it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from headrace.campaigns.campaign_access import open_campaign
from headrace.campaigns.status import CampaignStatus, read_status

if TYPE_CHECKING:
    from headrace.project import Project

# Reading takes this part of the time at most.
_SHARE: Final = 0.1
_SHORTEST: Final = 0.5
_LONGEST: Final = 10.0


def campaign_status(project: Project, target: str, name: str) -> CampaignStatus:
    """Return how a campaign stands.

    Raises:
        CampaignError: there is none of this name, or it was never started.
    """
    with open_campaign(project, target, name) as found:
        return read_status(found.database, found.row, found.campaign, target=target)


def has_ended(status: CampaignStatus) -> bool:
    """Return whether a campaign goes on no more by itself: it has ended, or waits for a person."""
    if status.state == "ended":
        return True
    under_way = any(status.counts[state] for state in ("starting", "running"))
    if under_way:
        return False
    if status.state == "paused":
        return True
    left = any(status.counts[state] for state in ("ready", "waiting"))
    return not left and any(status.counts[state] for state in ("held", "asking"))


def exit_code(status: CampaignStatus) -> int:
    """Return 0 where all members are done, 1 where some are not."""
    others = status.total - status.finished
    return 0 if status.total and not others else 1


def follow_campaign(
    project: Project,
    target: str,
    name: str,
    show: Callable[[CampaignStatus], None],
    timeout: float | None = None,
    stop: threading.Event | None = None,
) -> CampaignStatus:
    """Show how a campaign stands until it goes on no more by itself.

    Args:
        project: the project.
        target: ``local`` or ``globus``.
        name: of the campaign.
        show: called with each status.
        timeout: seconds after which to stop; for ever by default.
        stop: set by another thread to stop.

    Returns:
        The last status.
    """
    stop = stop or threading.Event()
    deadline = None if timeout is None else time.monotonic() + timeout
    while True:
        looked_at = time.monotonic()
        status = campaign_status(project, target, name)
        show(status)
        if has_ended(status) or stop.is_set():
            return status
        took = time.monotonic() - looked_at
        pause = min(_LONGEST, max(_SHORTEST, took / _SHARE))
        if deadline is not None:
            left = deadline - time.monotonic()
            if left <= 0:
                return status
            pause = min(pause, left)
        stop.wait(pause)
