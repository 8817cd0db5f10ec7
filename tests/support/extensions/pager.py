"""A notification channel: a file of messages that a pager's program reads."""

from pathlib import Path

from headrace.notifications import Notification, NotificationChannel


class Pager(NotificationChannel):
    """`[notify] pager = "/var/spool/pager/4711"`."""

    key = "pager"
    description = "File from which the pager's program reads."

    def check(self, value: str) -> str:
        return "" if Path(value).name.isdigit() else "must be a file named as the pager's number"

    def redact(self, value: str) -> str:
        return "..."

    def send(self, value: str, notification: Notification) -> str:
        try:
            with Path(value).open("a", encoding="utf-8") as stream:
                stream.write(f"{notification.subject}: {notification.message}\n")
        except OSError as error:
            return f"notify.pager: {error.strerror}"
        return ""
