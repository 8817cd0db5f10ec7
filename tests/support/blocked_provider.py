"""An action provider whose actions wait for a person until they are resumed."""

from __future__ import annotations

import http.server
import json
import threading


class BlockedProvider:
    """The provider, at an address of this machine.

    Attributes:
        url: what the URLs of its actions begin with.
        resumed: whether an action was resumed.
    """

    def __init__(self) -> None:
        self.resumed = False
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                provider.resumed |= self.path.endswith("/resume")
                data = json.dumps(provider.status()).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = answer

            def log_message(self, *arguments: object) -> None:
                return

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/fits/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def status(self) -> dict[str, object]:
        """Return the status of its action."""
        word, details = ("SUCCEEDED", {"fit": 1.5}) if self.resumed else ("INACTIVE", {})
        return {"action_id": "fit", "status": word, "details": details, "creator_id": "u"}

    def close(self) -> None:
        """Answer nothing more."""
        self._server.shutdown()
        self._server.server_close()
