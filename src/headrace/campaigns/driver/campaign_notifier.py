"""Notifications of campaigns: one has ended, is paused by a rule, or has lost a lane."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from headrace.notifications import Notification
from headrace.notifications.notification import Severity
from headrace.runs.project_outbox import ProjectOutbox
from headrace.runs.run_messages import RunMessage

if TYPE_CHECKING:
    from headrace.project.project import Project

_EVENT = "campaign"


class CampaignNotifier:
    """Tells people of campaigns, by the channels of the project.

    Args:
        project: whose ``[notify]`` says how, and of which events.
        report: called with one line for what could not be sent.
    """

    def __init__(self, project: Project, report: Callable[[str], None]) -> None:
        self._outbox = ProjectOutbox(project, report)

    def notify(
        self, campaign: str, subject: str, message: str, severity: Severity = "info"
    ) -> None:
        """Tell people something of a campaign, where they want to know.

        Args:
            campaign: its name.
            subject: a few words.
            message: the whole of it, in one line or more.
            severity: how urgent it is.
        """
        if _EVENT not in self._outbox.events:
            return
        more = f"headrace campaign status {campaign}"
        found = Notification(subject, message, severity, more, key=f"campaign/{subject}")
        self._outbox.add(RunMessage(found, "{count} messages of campaigns", campaign, more))

    def close(self) -> None:
        """Send what waits, where no other process does."""
        self._outbox.close()
