"""Notifications by a shell command of the user."""

from __future__ import annotations

import os
from typing import Final

from headrace.notifications.channels.base import NotificationChannel
from headrace.notifications.notification import Notification

_TIMEOUT_SECONDS: Final = 30.0


class CommandChannel(NotificationChannel):
    """A command with the message on standard input and the subject in ``HEADRACE_SUBJECT``."""

    key = "command"
    description = "Shell command; the message on standard input."

    def send(self, value: str, notification: Notification) -> str:
        """Run the command."""
        import subprocess  # whoever reads `[notify]` tells nobody anything yet

        try:
            done = subprocess.run(
                ["/bin/sh", "-c", value],
                input=f"{notification.text}\n",
                env={**os.environ, "HEADRACE_SUBJECT": notification.subject},
                capture_output=True,
                text=True,
                timeout=_TIMEOUT_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"notify.command: {error}"
        if done.returncode == 0:
            return ""
        printed = " ".join(done.stderr.split()) or "it said nothing"
        return f"notify.command ended with exit code {done.returncode}: {printed}"
