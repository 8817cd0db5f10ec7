"""Pages as the installed program serves them: a browser that speaks HTTP, the end of a server."""

from __future__ import annotations

import http.client
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from headrace.web.server import read_listening
from tests.support.waiting import wait_until


@dataclass
class HttpAnswer:
    """An answer to one request."""

    status: int
    headers: dict[str, str]
    text: str


@dataclass
class WebBrowser:
    """Sends requests as a browser does, and keeps the session's cookie.

    Attributes:
        url: the address that a server was started with.
        cookie: the cookie that it has set.
        unix_socket: the Unix socket that is spoken to in the place of the address.
    """

    url: str
    cookie: str = ""
    unix_socket: Path | None = None

    def get(self, address: str, **headers: str) -> HttpAnswer:
        """Return the answer to a request for a page."""
        return self._ask("GET", address, "", headers)

    def post(self, address: str, fields: dict[str, str], **headers: str) -> HttpAnswer:
        """Return the answer to a form."""
        own = {"content-type": "application/x-www-form-urlencoded", "origin": self.url}
        return self._ask("POST", address, urlencode(fields), {**own, **headers})

    @contextmanager
    def stream(self, address: str) -> Iterator[Iterator[tuple[str, str]]]:
        """Open an event stream; gives kind and data of each of its messages as it comes."""
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=60)
        try:
            connection.request("GET", f"/{address}", headers={"cookie": self.cookie})
            answer = connection.getresponse()
            assert answer.status == 200
            yield _messages(answer)
        finally:
            connection.close()

    def log_in(self, link: str) -> HttpAnswer:
        """Open a link that ``headrace web`` has printed, as the script of its page does."""
        parts = urlsplit(link)
        answer = self.post(parts.path, {"code": parts.fragment})
        self.cookie = answer.headers.get("set-cookie", "").partition(";")[0]
        return answer

    def _ask(self, method: str, address: str, body: str, headers: dict[str, str]) -> HttpAnswer:
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=30)
        try:
            if self.unix_socket is not None:
                connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                connection.sock.connect(str(self.unix_socket))
            sent = {**({"cookie": self.cookie} if self.cookie else {}), **headers}
            connection.request(method, f"/{address.lstrip('/')}", body, sent)
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return HttpAnswer(answer.status, found, answer.read().decode())
        finally:
            connection.close()


def _messages(answer: http.client.HTTPResponse) -> Iterator[tuple[str, str]]:
    found: dict[str, str] = {}
    while line := answer.readline().decode():
        name, _, value = line.rstrip("\n").partition(": ")
        if name:
            found[name] = value
        elif "event" in found:
            yield found["event"], found["data"]
            found = {}


def ended_by_sigterm(root: Path, target: str = "local") -> None:
    """Ends the server of a project's pages, and waits until it serves no more."""
    listening = read_listening(root, target)
    assert listening is not None
    os.kill(listening.pid, signal.SIGTERM)
    wait_until(lambda: read_listening(root, target) is None, "the end of the server")


def link_in(text: str) -> str:
    """Return the link that a server of pages has printed."""
    return next(line.strip() for line in text.splitlines() if "/login#" in line)
