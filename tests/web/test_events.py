"""The event stream by HTTP: who gets it, what it says, and when it ends."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from headrace.web.app import make_app
from headrace.web.changes.broadcast import MOST_STREAMS
from headrace.web.security.store import WebStore
from headrace.web.site import Site
from tests.support.browser.loopback_server import served

pytestmark = pytest.mark.service


class Served:
    """A site on a loopback port, with a session."""

    def __init__(self, root: Path, url: str, site: Site) -> None:
        self.root = root
        self.url = url
        self.site = site
        session = site.store.open_session(site.store.make_code("look", "ana"), "127.0.0.1")
        assert session is not None
        self.session = session

    def ask(
        self, query: str = "topics=record,runs", method: str = "GET", **headers: str
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=60)
        cookie = f"{self.site.cookie}={self.session.secret}"
        sent = {
            "cookie": cookie,
            **{name.replace("_", "-"): text for name, text in headers.items()},
        }
        connection.request(method, f"/events?{query}", headers=sent)
        return connection, connection.getresponse()


@pytest.fixture
def site(web_root: Path) -> Iterator[Served]:
    (web_root / ".headrace").mkdir()
    store = WebStore(web_root / ".headrace" / "web.db")
    site = Site(web_root, "local", store, cookie="headrace_8765")
    with served(make_app(site)) as url:
        yield Served(web_root, url, site)
        site.close()
    store.close()


def message(answer: http.client.HTTPResponse, event: str) -> dict[str, str]:
    """Return the next message of a kind."""
    found: dict[str, str] = {}
    while True:
        line = answer.readline().decode()
        assert line, "the stream has ended"
        if line == "\n":
            if found.get("event") == event:
                return found
            found = {}
        else:
            name, _, value = line.rstrip("\n").partition(": ")
            found[name] = value


def test_a_change_is_told_and_resumed(site: Served) -> None:
    connection, answer = site.ask()
    with closing(connection):
        assert answer.getheader("content-type") == "text/event-stream; charset=utf-8"
        assert json.loads(message(answer, "contact")["data"]) == {"problem": ""}
        site.site.broadcast.publish(["record", "triggers"])
        told = message(answer, "change")
        assert json.loads(told["data"]) == ["record"]
    site.site.broadcast.publish(["runs"])
    connection, answer = site.ask(last_event_id=told["id"])
    with closing(connection):
        assert json.loads(message(answer, "change")["data"]) == ["runs"]
    connection, answer = site.ask(last_event_id="9.9.of another process")
    with closing(connection):
        assert message(answer, "reload")["data"] == "all"


def test_a_stream_beats_and_ends_with_its_session(site: Served) -> None:
    connection, answer = site.ask()
    with closing(connection):
        for _ in range(2):
            message(answer, "contact")
        site.site.store.end_session(site.session.id)
        message(answer, "end")
        assert answer.read() == b""
    assert site.ask()[1].status == 401
    assert site.ask(method="HEAD")[1].status == 401


def test_all_streams_end_when_the_server_does(site: Served) -> None:
    connection, answer = site.ask()
    with closing(connection):
        message(answer, "contact")
        site.site.close()
        message(answer, "end")


def test_a_session_has_six_streams_at_once(site: Served) -> None:
    assert site.ask(method="HEAD")[1].status == 200
    held = [site.ask() for _ in range(MOST_STREAMS)]
    for _, answer in held:
        message(answer, "contact")
    assert site.ask()[1].status == 204
    assert site.ask(method="HEAD")[1].status == 204
    for connection, _ in held:
        connection.close()


@pytest.mark.parametrize("topics", ["a,%0aevent:", "<script>", ",".join(map(str, range(200)))])
def test_what_is_no_topic_is_refused(site: Served, topics: str) -> None:
    assert site.ask(f"topics={topics}")[1].status == 400
