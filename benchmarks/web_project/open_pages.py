"""A program that keeps pages open as browsers do, in a process of its own.

Each page follows the event stream of its session, and asks again for the parts whose topics have
changed, one request for a part at a time, as the pages' own script does. A session has as many
streams as the server allows; a page beyond that ends the program.

It reads one line of JSON, ``{"url": ..., "pages": [[address, cookie], ...]}``, says ``open`` when
all streams are, and at the end of its input prints ``{"changes": ..., "parts": ...}``: messages
that named a topic of a page, and parts that were asked for again.
"""

from __future__ import annotations

import html
import http.client
import json
import re
import sys
import threading
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote, urljoin, urlsplit

_PART: Final = re.compile(r'data-part="([^"]*)" data-topics="([^"]*)"')
_EVENTS: Final = re.compile(r'data-events="([^"]*)"')


class OpenPage:
    """A page.

    Args:
        url: the server's.
        address: the page's, below that.
        cookie: its session.
    """

    def __init__(self, url: str, address: str, cookie: str) -> None:
        self._url, self._address = url, address
        self._headers = {"Cookie": cookie}
        self._place = (urlsplit(url).hostname or "", urlsplit(url).port)
        self._client = http.client.HTTPConnection(*self._place)
        self._tags: dict[str, str] = {}
        self._topics: dict[str, list[str]] = {}
        self.changes = 0
        self.parts = 0
        self._stream = self._open()
        threading.Thread(target=self._follow, daemon=True).start()

    def _open(self) -> http.client.HTTPResponse:
        status, body, _ = self._get(self._address)
        page = body.decode()
        for name, topics in _PART.findall(page):
            for topic in html.unescape(topics).split():
                self._topics.setdefault(topic, []).append(name)
        events = _EVENTS.search(page)
        if status != 200 or not events:
            raise SystemExit(f"{self._address}: no page that follows a stream ({status})")
        target = urlsplit(urljoin(f"{self._url}/{self._address}", html.unescape(events[1])))
        connection = http.client.HTTPConnection(*self._place)
        query = f"{target.path}?topics={quote(','.join(sorted(self._topics)))}"
        connection.request("GET", query, headers=self._headers)
        answer = connection.getresponse()
        if answer.status != 200:
            raise SystemExit(f"{self._address}: no stream ({answer.status})")
        return answer

    def _get(self, address: str, **headers: str) -> tuple[int, bytes, str]:
        for is_last in (False, True):
            try:
                self._client.request("GET", f"/{address}", headers={**self._headers, **headers})
                answer = self._client.getresponse()
                return answer.status, answer.read(), answer.getheader("ETag") or ""
            except ConnectionError:
                # The server closes a connection that was not used for a while.
                self._client.close()
                if is_last:
                    raise
        raise AssertionError("returned or raised before")

    def _follow(self) -> None:
        for event, data in self._messages():
            if event == "reload":
                self._refresh(set(self._topics))
            elif event == "change":
                self._refresh(set(json.loads(data)) & self._topics.keys())

    def _messages(self) -> Iterator[tuple[str, str]]:
        event = ""
        while line := self._stream.readline().decode():
            name, _, value = line.rstrip("\n").partition(": ")
            if name == "event":
                event = value
            elif name == "data":
                yield event, value

    def _refresh(self, topics: set[str]) -> None:
        self.changes += bool(topics)
        for name in dict.fromkeys(part for topic in topics for part in self._topics[topic]):
            join = "&" if "?" in self._address else "?"
            tag = {"If-None-Match": self._tags[name]} if name in self._tags else {}
            status, _, found = self._get(f"{self._address}{join}part={name}", **tag)
            self._tags[name] = found
            self.parts += status in (200, 304)


def main() -> None:
    """Keep pages open until the input ends."""
    asked = json.loads(sys.stdin.readline())
    pages = [OpenPage(asked["url"], address, cookie) for address, cookie in asked["pages"]]
    print("open", flush=True)
    sys.stdin.read()
    counted = {name: sum(getattr(page, name) for page in pages) for name in ("changes", "parts")}
    print(json.dumps(counted), flush=True)


if __name__ == "__main__":
    main()
