"""A mock of the hosted Timers service, which is not to be had here: it pauses and resumes."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class MockTimersService(ThreadingHTTPServer):
    """Answers as the service does by the examples of the SDK; it listens on 127.0.0.1.

    Attributes:
        paused: whether each timer is paused, by its id.
        is_away: whether it answers that it is unavailable.

    Args:
        timers: ids of the timers that it has.
    """

    daemon_threads = True

    def __init__(self, timers: Iterable[str]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.paused = dict.fromkeys(timers, False)
        self.is_away = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


class _Handler(BaseHTTPRequestHandler):
    server: MockTimersService

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        _, _, timer, verb = self.path.split("/")
        if not self.headers.get("Authorization", "").startswith("Bearer "):
            self._answer(401, {"error": {"code": "UNAUTHORIZED", "status": 401}})
        elif self.server.is_away:
            self._answer(503, {"error": {"code": "ERROR", "detail": "away", "status": 503}})
        elif timer not in self.server.paused:
            self._answer(404, {"error": {"code": "NOT_FOUND", "detail": "no", "status": 404}})
        else:
            self.server.paused[timer] = verb == "pause"
            self._answer(200, {"message": f"Successfully {verb}d job {timer}."})

    def _answer(self, status: int, document: object) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Write nothing."""


@contextmanager
def mock_timers_service(*timers: str) -> Iterator[MockTimersService]:
    """Serve timers of these ids."""
    server = MockTimersService(timers)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
