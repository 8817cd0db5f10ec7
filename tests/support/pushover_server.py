"""A stand-in for Pushover, which is a service of its makers alone.

It does what pushover.net/api and pushover.net/api/receipts say of messages and receipts: a POST of
a form to ``/1/messages.json`` with token, user and message; priority 2 wants ``retry`` (at least
30) and ``expire`` (at most 10800) and gives a receipt; ``/1/receipts/RECEIPT.json?token=...`` says
whether it was acknowledged or has expired; errors are 4xx with ``status`` 0 and ``errors``. The
limits are 250 characters of title and 1024 of message. It has no attachments, groups, callbacks or
quotas.
"""

from __future__ import annotations

import json
import secrets
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "a" * 30
USER = "u" * 30


@dataclass
class PushoverServer:
    """The stand-in."""

    messages: list[dict[str, str]] = field(default_factory=list)
    receipts: dict[str, dict[str, int]] = field(default_factory=dict)
    questions: list[str] = field(default_factory=list)
    fail_with: list[int] = field(default_factory=list)  # statuses of the next answers

    def __enter__(self) -> PushoverServer:
        stand_in = self

        class Handler(_Handler):
            server_of = stand_in

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def acknowledge(self, receipt: str) -> None:
        self.receipts[receipt] |= {"acknowledged": 1, "expired": 0}

    def expire(self, receipt: str) -> None:
        self.receipts[receipt]["expired"] = 1

    def answer(self, method: str, path: str, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if self.fail_with:
            return self.fail_with.pop(0), {}
        if form.get("token") != TOKEN:
            return 400, _errors("application token is invalid")
        if (method, path) == ("POST", "/1/messages.json"):
            return self.send(form)
        receipt = path.removeprefix("/1/receipts/").removesuffix(".json")
        if method == "GET" and path == f"/1/receipts/{receipt}.json":
            self.questions.append(receipt)
            if receipt in self.receipts:
                return 200, {"status": 1, "request": "1", **self.receipts[receipt]}
            return 404, _errors("receipt not found; may be invalid or expired")
        return 404, _errors("not found")

    def send(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if form.get("user") != USER:
            return 400, _errors(
                "user identifier is not a valid user, group, or subscribed user key"
            )
        if not form.get("message"):
            return 400, _errors("message cannot be blank")
        if len(form["message"]) > 1024 or len(form.get("title", "")) > 250:
            return 400, _errors("message is too long")
        answer: dict[str, Any] = {"status": 1, "request": "1"}
        if form.get("priority") == "2":
            if int(form.get("retry") or 0) < 30 or not 0 < int(form.get("expire") or 0) <= 10_800:
                return 400, _errors("expire must be supplied with priority=2")
            answer["receipt"] = secrets.token_hex(15)
            self.receipts[answer["receipt"]] = {"acknowledged": 0, "expired": 0}
        self.messages.append(form)
        return 200, answer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_of: PushoverServer

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        self._answer(data)

    def do_GET(self) -> None:
        self._answer(urlsplit(self.path).query)

    def _answer(self, query: str) -> None:
        form = {name: values[-1] for name, values in parse_qs(query).items()}
        status, body = self.server_of.answer(self.command, urlsplit(self.path).path, form)
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _errors(text: str) -> dict[str, Any]:
    return {"status": 0, "request": "1", "errors": [text]}
