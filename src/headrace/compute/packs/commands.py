"""Commands of members that run here: they are asked of the supervisor, which starts them."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..batch.cancelling import was_cancelled
from .errors import MemberError

# A file system that many share is not asked more often whether the task was given up.
_CANCELLATION_CHECK_SECONDS: Final = 2.0
_LOST: Final = "what started its command was killed"


@dataclass(frozen=True)
class CommandEnd:
    """End of a command.

    Attributes:
        code: its exit code; below zero the signal that ended it.
        late: whether its time limit had passed.
        started: when it was started, in seconds since 1970.
        ended: when it ended.
    """

    code: int
    late: bool
    started: float
    ended: float


class Commands:
    """The commands of a pack, by one supervisor, which ends with this process.

    Args:
        task: the task; once it is given up, all that runs is ended.
    """

    def __init__(self, task: str) -> None:
        self._task = task
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        self._number = 0
        self._ends: dict[int, Future[CommandEnd]] = {}
        self._groups: dict[int, int] = {}
        self._environments: list[Mapping[str, str]] = []
        self._is_lost = False

    def run(
        self,
        text: str,
        *,
        directory: Path,
        environment: Mapping[str, str],
        own: Mapping[str, str],
        stdout: Path,
        stderr: Path,
        limit: float,
    ) -> CommandEnd:
        """Run a command in a process group of its own, and wait for its end.

        Args:
            text: the command, for bash.
            directory: where it runs.
            environment: variables that many commands have in common, in one and the same mapping.
            own: further variables.
            stdout: file for its output.
            stderr: file for its messages.
            limit: seconds that it may take; infinity: any number.

        Raises:
            MemberError: its supervisor was killed meanwhile.
            OSError: it cannot be started.
        """
        asked = {
            "text": text,
            "directory": str(directory),
            "own": dict(own),
            "stdout": str(stdout),
            "stderr": str(stderr),
            "limit": limit if limit != float("inf") else None,
        }
        end: Future[CommandEnd] = Future()
        with self._lock:
            process = self._started()
            if self._is_lost:
                # The pipe to a process that is being killed takes data for a moment longer.
                raise MemberError("lost", _LOST)
            self._number += 1
            self._ends[self._number] = end
            common = self._environment(process, environment)
            self._ask(process, {"number": self._number, "environment": common, **asked})
        return end.result()

    def close(self) -> None:
        """End the process, once its commands have ended."""
        with self._lock:
            process = self._process
        if process is not None and process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
            if self._reader is not None:
                self._reader.join()
            process.wait()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            # In a session of its own: who kills this process's group does not kill what has to
            # end the commands then.
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _supervisor_text()],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,
                bufsize=0,
            )
            self._reader = threading.Thread(
                target=self._read, args=(self._process,), name="commands", daemon=True
            )
            self._reader.start()
        return self._process

    def _environment(self, process: subprocess.Popen[bytes], environment: Mapping[str, str]) -> int:
        """Return the number of an environment at the supervisor, which is sent it once."""
        for number, known in enumerate(self._environments):
            if known is environment:
                return number
        self._environments.append(environment)
        number = len(self._environments) - 1
        self._ask(process, {"environment": number, "variables": dict(environment)})
        return number

    def _ask(self, process: subprocess.Popen[bytes], document: Mapping[str, Any]) -> None:
        assert process.stdin is not None  # noqa: S101 - a pipe was asked for
        data = memoryview(json.dumps(document).encode() + b"\n")
        try:
            while data:
                data = data[process.stdin.write(data) or 0 :]
        except OSError:
            end = self._ends.pop(int(document.get("number", 0)), None)
            if end is not None:
                end.set_exception(MemberError("lost", _LOST))

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None  # noqa: S101 - a pipe was asked for
        try:
            self._read_messages(process, process.stdout.fileno())
        finally:
            # Whatever happens here, nobody waits for ever.
            process.stdout.close()
            self._give_up()

    def _read_messages(self, process: subprocess.Popen[bytes], descriptor: int) -> None:
        ended = False
        waiting = select.poll()
        waiting.register(descriptor, select.POLLIN)
        text = b""
        while True:
            if not waiting.poll(1000.0 * _CANCELLATION_CHECK_SECONDS):
                if not ended and was_cancelled(self._task):
                    ended = True
                    with self._lock:
                        self._ask(process, {})
                continue
            data = os.read(descriptor, 1 << 16)
            if not data:
                return
            *lines, text = (text + data).split(b"\n")
            for line in lines:
                self._take(json.loads(line))

    def _take(self, message: Mapping[str, Any]) -> None:
        number = message["number"]
        if "pid" in message:
            self._groups[number] = message["pid"]
            return
        self._groups.pop(number, None)
        with self._lock:
            end = self._ends.pop(number, None)
        if end is None:
            return
        if "error" in message:
            end.set_exception(OSError(0, message["error"], message["file"]))
        else:
            end.set_result(
                CommandEnd(message["code"], message["late"], message["started"], message["ended"])
            )

    def _give_up(self) -> None:
        """End what a supervisor left that was killed itself."""
        for group in self._groups.values():
            with contextlib.suppress(OSError):
                os.killpg(group, signal.SIGKILL)
        with self._lock:
            self._is_lost = True
            ends, self._ends = self._ends, {}
        for end in ends.values():
            end.set_exception(MemberError("lost", _LOST))


def _supervisor_text() -> str:
    """Return the text of the supervisor's module, which is in no file where it came by itself."""
    spec = importlib.util.find_spec(".supervisor", __package__)
    text = spec.loader.get_source(spec.name) if spec and spec.loader else None  # type: ignore[attr-defined]
    assert isinstance(text, str)  # noqa: S101 - each loader of ours has it
    return text
