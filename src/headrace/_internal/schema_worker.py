"""A process that checks JSON against schemas, and ends when one check takes too long.

A pattern that goes astray can be stopped in no other way, and holds up everything else in its
process. The time is counted in seconds of computing, so that a busy machine changes nothing.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from typing import IO, Any, Final

# Seconds of computing that one check may take, and bytes of memory.
SECONDS: Final = 1.0
_MEMORY_BYTES: Final = 2_000_000_000


class SchemaTimeout(Exception):
    """A check that was given up."""


class SchemaWorker:
    """Starts the process when it is first needed, and again after it had to end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, kind: str, *documents: Any) -> list[Any]:
        """Return the problems of a schema, or of a value.

        Args:
            kind: ``schema`` or ``value``.
            documents: the schema, and the value.

        Raises:
            SchemaTimeout: the process ended before it had an answer.
        """
        question = json.dumps([kind, *documents]).encode() + b"\n"
        with self._lock:
            answer = self._answer(question)
        if not answer:
            raise SchemaTimeout(f"more than {SECONDS:.0f} s of computing, or too much memory")
        return list(json.loads(answer))

    def _answer(self, question: bytes) -> bytes:
        process = self._process
        if process is None or process.poll() is not None:
            process = self._process = _start()
        assert process.stdin is not None  # noqa: S101 - both are pipes
        assert process.stdout is not None  # noqa: S101
        try:
            process.stdin.write(question)
            process.stdin.flush()
            answer = process.stdout.readline()
        except BrokenPipeError:
            answer = b""
        if not answer.endswith(b"\n"):
            self._process = None
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                _close(stream)
            return b""
        return answer


def main() -> None:
    """Answer questions, one a line, until there are no more."""
    import resource

    from headrace._internal.schema_evaluation import (
        schema_problems_in_process,
        value_problems_in_process,
    )

    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for line in sys.stdin.buffer:
        kind, *documents = json.loads(line)
        # Its default is to end the process, which also ends what runs outside of Python's loop.
        signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
        try:
            found = (schema_problems_in_process if kind == "schema" else value_problems_in_process)(
                *documents
            )
        except MemoryError:
            os._exit(1)
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        sys.stdout.write(json.dumps(found) + "\n")
        sys.stdout.flush()


def _start() -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "headrace._internal.schema_worker"]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, start_new_session=True
    )


def _close(stream: IO[bytes]) -> None:
    try:
        stream.close()
    except BrokenPipeError:
        return


if __name__ == "__main__":
    main()
