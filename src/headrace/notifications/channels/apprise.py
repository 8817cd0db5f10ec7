"""Notifications by the services that the library apprise knows: mail, ntfy, Slack and others."""

from __future__ import annotations

import json
import os
import stat
import sys
from functools import cache
from pathlib import Path
from typing import Any, Final

from headrace.notifications.channels.base import NotificationChannel
from headrace.notifications.notification import Notification

# The services' own limits are some seconds; this ends what keeps a connection open for ever.
_TIMEOUT_SECONDS: Final = 60.0
_WORKER: Final = "headrace.notifications.channels.apprise_worker"


class AppriseChannel(NotificationChannel):
    """URLs of apprise, each in a variable (``$NAME``) or in a file that only its owner reads.

    The library runs in a process of its own: it takes a second and 50 MB to load, and what hangs
    in it is ended.
    """

    key = "apprise"
    description = (
        "URLs of apprise (mail, ntfy, Pushover, Slack, Matrix and others), each as $NAME of a "
        "variable, or as the path of a file with mode 0600, that holds one."
    )
    many = True

    def check(self, value: str) -> str:
        """Check that the value names a variable or a file, and that apprise is installed."""
        if "://" in value:
            return "a URL is a secret: put it into a variable, $NAME, or a file with mode 0600"
        if not (value.startswith("$") and value[1:].isidentifier()) and not _path(value):
            return "must be $NAME of a variable, or an absolute path of a file"
        if not _is_installed():
            return "apprise is not installed: pip install 'headrace[notify]'"
        return ""

    def send(self, value: str, notification: Notification) -> str:
        """Send a notification by one URL."""
        import subprocess  # whoever reads `[notify]` tells nobody anything yet

        url, problem = _read_url(value)
        if problem:
            return f"notify.apprise: {value}: {problem}"
        try:
            done = subprocess.run(
                [sys.executable, "-P", "-m", _WORKER],
                input=json.dumps(_request(url, notification)),
                capture_output=True,
                text=True,
                timeout=_TIMEOUT_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"notify.apprise: {value}: no answer within {_TIMEOUT_SECONDS:.0f} s"
        except OSError as error:
            return f"notify.apprise: {value}: {error.strerror}"
        # Its standard error may hold the URL.
        try:
            answer = json.loads(done.stdout)
        except ValueError:
            return f"notify.apprise: {value}: it ended with exit code {done.returncode}"
        return f"notify.apprise: {value}: {answer['error']}" if answer["error"] else ""


def _request(url: str, notification: Notification) -> dict[str, Any]:
    picture = str(notification.picture or "")
    return {
        "url": url,
        "title": notification.subject,
        "body": notification.text,
        "severity": notification.severity,
        "picture": picture if picture and os.access(picture, os.R_OK) else "",
    }


def _read_url(value: str) -> tuple[str, str]:
    """Return the URL that a value leads to, and why there is none."""
    if value.startswith("$"):
        url = os.environ.get(value[1:], "").strip()
        return (url, "") if "://" in url else ("", "holds no URL")
    file = _path(value)
    if file is None:
        return "", "is no absolute path"
    try:
        with file.open(encoding="utf-8") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            if stat.S_IMODE(mode) & 0o077:
                return "", "others can read it; run `chmod 600` on it"
            url = stream.read(10_000).strip()
    except (OSError, ValueError) as error:
        return "", getattr(error, "strerror", None) or "is no text"
    return (url, "") if "://" in url else ("", "holds no URL")


def _path(value: str) -> Path | None:
    path = Path(value).expanduser() if value else Path()
    return path if path.is_absolute() else None


@cache
def _is_installed() -> bool:
    from importlib.util import find_spec

    return find_spec("apprise") is not None
