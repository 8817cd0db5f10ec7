"""A stand-in for an ntfy server; none is to be had from the package registries of a test machine.

It does what docs.ntfy.sh/publish and docs.ntfy.sh/subscribe/api say, as far as a phone and a
listener need it: publishing as JSON to ``/``, or by PUT or POST to ``/TOPIC`` with headers; action
buttons, checked; a cache; ``/TOPIC/json`` as a stream or with ``poll=1``, ``since`` an id, a time,
``all`` or ``none`` (an id that is not kept means all); an ``open`` event, keepalives; access
tokens; the limits of topic names, messages and JSON bodies. It has no users, e-mail, web push,
scheduled messages, or rates of a visitor's own.
"""

from __future__ import annotations

import json
import re
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

MESSAGE_BYTES = 4096
TOPIC = re.compile(r"[-_A-Za-z0-9]{1,64}")
ACTIONS = ("view", "broadcast", "http")


class Refused(Exception):
    """A request that the server refuses."""

    def __init__(self, status: int, code: int, error: str) -> None:
        super().__init__(error)
        self.status, self.code, self.error = status, code, error


@dataclass
class NtfyServer:
    """The stand-in.

    Attributes:
        tokens: what each access token may do, ``read``, ``write`` or both; none at all: anybody may
            do anything.
        keepalive: seconds between two keepalives.
        attachments: whether it takes attachments.
    """

    tokens: dict[str, set[str]] = field(default_factory=dict)
    keepalive: float = 45.0
    attachments: bool = True
    messages: list[dict[str, Any]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    streams: int = 0
    refuse_with: list[int] = field(default_factory=list)  # statuses of the next answers
    hanging: threading.Event = field(default_factory=threading.Event)
    silent: threading.Event = field(default_factory=threading.Event)  # streams say nothing more
    no_streams: threading.Event = field(default_factory=threading.Event)  # as behind some proxies
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _generation: int = 0
    stopped: bool = False

    def __enter__(self) -> NtfyServer:
        stand_in = self

        class Handler(_Handler):
            server_of = stand_in

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stopped = True
        self.hanging.clear()
        self.drop_streams()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def of_topic(self, topic: str) -> list[dict[str, Any]]:
        with self._changed:
            return [each for each in self.messages if each["topic"] == topic]

    def drop_streams(self) -> None:
        """End all connections of streams."""
        with self._changed:
            self._generation += 1
            self._changed.notify_all()

    def publish(self, topic: str, text: str, **members: Any) -> dict[str, Any]:
        now = int(time.time())
        message = {
            "id": secrets.token_urlsafe(9)[:12].replace("-", "x").replace("_", "y"),
            "time": now,
            "expires": now + 12 * 3600,
            "event": "message",
            "topic": topic,
            **{name: value for name, value in members.items() if value},
            "message": text or "triggered",
        }
        with self._changed:
            self.messages.append(message)
            self._changed.notify_all()
        return message

    def press(self, message: dict[str, Any], label: str, times: int = 1) -> None:
        """Do what the app does when a button is pressed: it sends the request of the action."""
        import requests

        [action] = [each for each in message["actions"] if each["label"] == label]
        for _ in range(times):
            answer = requests.request(
                action.get("method", "POST"),
                action["url"],
                data=action["body"].encode(),
                headers=action.get("headers"),
                timeout=30,
            )
            answer.raise_for_status()

    def since(self, topic: str, since: str) -> list[dict[str, Any]]:
        kept = self.of_topic(topic)
        if since in ("", "none"):
            return []
        if since.isdigit():
            return [each for each in kept if each["time"] >= int(since)]
        ids = [each["id"] for each in kept]
        return kept[ids.index(since) + 1 :] if since in ids else kept

    @contextmanager
    def one_stream(self) -> Iterator[None]:
        with self._changed:
            self.streams += 1
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self.streams -= 1
                self._changed.notify_all()

    def follow(self, topic: str, since: str) -> Iterator[dict[str, Any]]:
        """Yield the events of a stream until its connection is dropped."""
        generation = self._generation
        with self._changed:
            position = len(self.of_topic_unlocked(topic))
        yield {"id": "open", "time": int(time.time()), "event": "open", "topic": topic}
        yield from self.since(topic, since)
        while True:
            with self._changed:
                found = self.of_topic_unlocked(topic)[position:]
                if not found and generation == self._generation:
                    self._changed.wait(self.keepalive)
                    found = self.of_topic_unlocked(topic)[position:]
                if generation != self._generation or self.stopped:
                    return
            position += len(found)
            if self.silent.is_set():
                continue
            keepalive = {"id": "alive", "time": int(time.time()), "event": "keepalive"}
            yield from found or [{**keepalive, "topic": topic}]

    def of_topic_unlocked(self, topic: str) -> list[dict[str, Any]]:
        return [each for each in self.messages if each["topic"] == topic]

    def check_token(self, header: str | None, wanted: str) -> None:
        if not self.tokens:
            return
        if not header:
            raise Refused(403, 40301, "forbidden")
        allowed = self.tokens.get(header.removeprefix("Bearer "))
        if allowed is None:
            raise Refused(401, 40101, "unauthorized")
        if wanted not in allowed:
            raise Refused(403, 40301, "forbidden")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_of: NtfyServer

    def do_POST(self) -> None:
        self._answer(self._publish)

    do_PUT = do_POST

    def do_GET(self) -> None:
        self._answer(self._subscribe)

    def _answer(self, work: Any) -> None:
        stand_in = self.server_of
        stand_in.requests.append(f"{self.command} {self.path}")
        try:
            while stand_in.hanging.is_set() and not stand_in.stopped:
                time.sleep(0.02)
            if stand_in.refuse_with:
                self._body()
                raise Refused(
                    stand_in.refuse_with.pop(0), 42901, "limit reached: too many requests"
                )
            work()
        except Refused as refused:
            body = {"code": refused.code, "http": refused.status, "error": refused.error}
            self._json(refused.status, body)
        except OSError:
            self.close_connection = True

    def _publish(self) -> None:
        stand_in = self.server_of
        data = self._body()
        stand_in.check_token(self.headers.get("Authorization"), "write")
        given = self._header_members()
        topic = urlsplit(self.path).path.strip("/")
        if not topic:
            if len(data) > 2 * MESSAGE_BYTES:
                raise Refused(413, 41303, "JSON body too large")
            try:
                found = json.loads(data)
            except ValueError:
                raise Refused(400, 40017, "invalid request: must be message JSON") from None
            topic, text = str(found.pop("topic", "")), str(found.pop("message", ""))
            given = {**given, **found}
            data = text.encode()
        if not TOPIC.fullmatch(topic):
            raise Refused(400, 40009, "invalid request: topic invalid")
        given["actions"] = _checked_actions(given.get("actions") or [])
        if "filename" in given or len(data) > MESSAGE_BYTES:
            if not stand_in.attachments:
                raise Refused(400, 40014, "invalid request: attachments not allowed")
            name = given.pop("filename", "attachment.txt")
            given["attachment"] = {"name": name, "size": len(data), "url": "https://example.org/1"}
            text = given.pop("message", "") or f"You received a file: {name}"
        else:
            text = given.pop("message", "") or data.decode()
        self._json(200, stand_in.publish(topic, text, **given))

    def _header_members(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name in ("Title", "Message", "Priority", "Tags", "Click", "Filename", "Actions"):
            value = self.headers.get(f"X-{name}") or self.headers.get(name)
            if value:
                found[name.lower()] = value.encode("latin-1").decode().replace("\\n", "\n")
        if "priority" in found:
            found["priority"] = int(found["priority"])
        if "tags" in found:
            found["tags"] = found["tags"].split(",")
        if "actions" in found:
            found["actions"] = json.loads(found["actions"])
        return found

    def _subscribe(self) -> None:
        stand_in = self.server_of
        parts = urlsplit(self.path)
        topic, _, kind = parts.path.strip("/").partition("/")
        if kind != "json" or not TOPIC.fullmatch(topic):
            raise Refused(404, 40401, "page not found")
        stand_in.check_token(self.headers.get("Authorization"), "read")
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        poll = query.get("poll") == "1"
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson; charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if poll:
            for each in stand_in.since(topic, query.get("since", "all")):
                self._chunk(each)
        else:
            while stand_in.no_streams.is_set() and not stand_in.stopped:
                time.sleep(0.02)
            with stand_in.one_stream():
                for each in stand_in.follow(topic, query.get("since", "none")):
                    self._chunk(each)
        self.wfile.write(b"0\r\n\r\n")

    def _chunk(self, event: dict[str, Any]) -> None:
        data = json.dumps(event).encode() + b"\n"
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _json(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _checked_actions(actions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if len(actions) > 3:
        raise Refused(400, 40018, "invalid request: actions invalid; only 3 actions allowed")
    for action in actions:
        if action.get("action") not in ACTIONS or not action.get("label"):
            raise Refused(400, 40018, "invalid request: actions invalid")
        if action["action"] in ("view", "http") and not action.get("url"):
            raise Refused(
                400, 40018, "invalid request: actions invalid; parameter 'url' is required"
            )
    return [{"id": secrets.token_hex(5), **action} for action in actions]
