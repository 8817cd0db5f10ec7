"""Subscription of a phone: the link that the ntfy app opens, and its QR code.

Source: docs.ntfy.sh/subscribe/phone, "ntfy:// links", which the Android app opens; in another one
server and topic are typed.
"""

from __future__ import annotations

import io
from urllib.parse import quote, urlsplit


def subscribe_link(url: str, topic: str) -> str:
    """Return the link by which the app subscribes to a topic.

    Args:
        url: the server's URL.
        topic: the topic.
    """
    parts = urlsplit(url)
    query = "?secure=false" if parts.scheme == "http" else ""
    return f"ntfy://{parts.netloc}/{quote(topic, safe='')}{query}"


def qr_code(text: str) -> str | None:
    """Return the QR code of a text, in characters of a terminal; None without the extra `notify`.

    Args:
        text: what it says.
    """
    try:
        import segno
    except ImportError:
        return None
    drawn = io.StringIO()
    segno.make_qr(text, error="l").terminal(drawn, compact=True, border=2)
    return drawn.getvalue().rstrip("\n")
