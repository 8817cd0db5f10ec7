"""The connection between a browser and a server, which can be cut, and can fall silent."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress


class Connection:
    """A TCP proxy on a loopback port.

    Args:
        port: returns the port of the server.
    """

    def __init__(self, port: Callable[[], int]) -> None:
        self._server_port = port
        self._lock = threading.Lock()
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._is_cut = False
        self._flows = threading.Event()
        self._flows.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """End all connections, and take none, until `mend`."""
        with self._lock:
            self._is_cut = True
            pairs, self._pairs = self._pairs, set()
        for pair in pairs:
            _end(*pair)

    def silence(self) -> None:
        """Pass nothing on, and end nothing, until `speak`."""
        self._flows.clear()

    def mend(self) -> None:
        """Take connections again."""
        self._is_cut = False

    def speak(self) -> None:
        """Pass everything on again."""
        self._flows.set()

    def close(self) -> None:
        """End for good."""
        self._flows.set()
        self.cut()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        self._flows.wait()
        try:
            server = socket.create_connection(("127.0.0.1", self._server_port()), timeout=30)
        except OSError:
            client.close()
            return
        server.settimeout(None)
        pair = (client, server)
        with self._lock:
            is_cut = self._is_cut
            if not is_cut:
                self._pairs.add(pair)
        if is_cut:
            _end(*pair)
            return
        threading.Thread(target=self._pass_on, args=(server, client, pair), daemon=True).start()
        self._pass_on(client, server, pair)

    def _pass_on(
        self, source: socket.socket, to: socket.socket, pair: tuple[socket.socket, socket.socket]
    ) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self._flows.wait()
                to.sendall(data)
        with self._lock:
            self._pairs.discard(pair)
        _end(*pair)


def _end(*sockets: socket.socket) -> None:
    for each in sockets:
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()
