"""``python -m headrace.notifications.channels.apprise_worker``: send one notification by apprise.

It reads a request as JSON from standard input, and writes ``{"error": ...}`` to standard output;
the error is empty if the notification was taken, and never holds a part of the URL but its host.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote, urlsplit

_TYPES: Final = {"info": "info", "warning": "warning", "error": "failure", "urgent": "failure"}
# Services in whose URLs a priority can be named.
_URGENT: Final = {"ntfy": "max", "ntfys": "max", "pover": "high"}
_SHORTEST_SECRET: Final = 3


class _LastProblem(logging.Handler):
    """Keeps the last warning of the library: the reason why something was not sent."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a message."""
        self.text = record.getMessage()


def main() -> int:
    """Send the notification; return the exit code."""
    request = json.load(sys.stdin)
    try:
        error = _send(request)
    except Exception as failure:  # noqa: BLE001 - plugins of others may raise anything
        error = _without_secrets(f"{type(failure).__name__}: {failure}", request["url"])
    json.dump({"error": error}, sys.stdout)
    return 0


def _send(request: Mapping[str, Any]) -> str:
    try:
        import apprise
    except ImportError:
        return "apprise is not installed: pip install 'headrace[notify]'"
    problem = _LastProblem()
    log = logging.getLogger("apprise")
    log.addHandler(problem)
    log.propagate = False
    url = str(request["url"])
    scheme = url.partition("://")[0]
    if request["severity"] == "urgent" and scheme in _URGENT and "priority=" not in url:
        url = f"{url}{'&' if '?' in url else '?'}priority={_URGENT[scheme]}"
    services = apprise.Apprise(asset=apprise.AppriseAsset(async_mode=False))
    if not services.add(url):
        return f"no URL of apprise that begins with {scheme}://"
    # A picture that the service does not take keeps no message back.
    for picture in dict.fromkeys((request["picture"], "")):
        if services.notify(
            title=request["title"],
            body=request["body"],
            notify_type=_TYPES[request["severity"]],
            body_format="text",
            attach=picture or None,
        ):
            return ""
    reason = _without_secrets(problem.text, url)
    return f"{scheme}: {reason or 'it was not taken'}"


def _without_secrets(text: str, url: str) -> str:
    """Return a text, in one line, without the parts of a URL that are not its host."""
    text = " ".join(text.replace(url, "...").split())
    host = urlsplit(url).hostname or ""
    rest = url.partition("://")[2]
    parts = {*re.split(r"[/?&=:@]", rest), *re.split(r"[/?&=:@]", unquote(rest))}
    for part in sorted(parts, key=len, reverse=True):
        if len(part) >= _SHORTEST_SECRET and part.lower() != host:
            text = text.replace(part, "...")
    return text[:300]


if __name__ == "__main__":
    sys.exit(main())
