"""Events of a host to the process that started it: JSON lines, several in a write under load."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Mapping
from typing import Any

log = logging.getLogger(__name__)


class EventStream:
    """Writes events from a thread of its own, so that no engine's thread waits for the reader.

    Args:
        descriptor: where they go.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._waiting: list[str] = []
        self._writing = False
        self._changed = threading.Condition()
        threading.Thread(target=self._write, name="events", daemon=True).start()

    def send(self, event: Mapping[str, Any]) -> None:
        """Send one event. Returns at once."""
        line = json.dumps(event) + "\n"
        with self._changed:
            self._waiting.append(line)
            if not self._writing:
                self._changed.notify_all()

    def flush(self, timeout: float = 5.0) -> None:
        """Wait until all events are written.

        Args:
            timeout: seconds to wait at most, where the reader has stopped.
        """
        with self._changed:
            self._changed.wait_for(lambda: not self._waiting and not self._writing, timeout)

    def _write(self) -> None:
        while True:
            with self._changed:
                self._writing = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._waiting)
                self._writing = True
                lines, self._waiting = self._waiting, []
            data = "".join(lines).encode()
            try:
                while data:
                    data = data[os.write(self._descriptor, data) :]
            except BrokenPipeError:
                log.warning("the events are not read any more")
