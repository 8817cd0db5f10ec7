"""Commands of members that run here: they are asked of the supervisor, which starts them.

Each one that waits for a command has a socket of its own to the supervisor: no thread takes answers
for others.
"""

from __future__ import annotations

import contextlib
import errno
import importlib.util
import os
import queue
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ..batch.cancelling import raise_if_cancelled, was_cancelled
from .descriptor_limit import DescriptorLimit
from .errors import MemberError
from .supervisor import GROUP_BYTES, packed, unpacked

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


@dataclass
class _Channel:
    """A socket to the supervisor, for one command at a time.

    Attributes:
        link: the socket.
        place: its place in the file of the groups.
        environments: those that the supervisor was sent by it.
    """

    link: socket.socket
    place: int
    environments: list[Mapping[str, str]] = field(default_factory=list)


class Commands:
    """The commands of a pack, by one supervisor, which ends with this process.

    Args:
        task: the task; once it is given up, all that runs is ended.
        at_once: how many are wanted at the same time; others wait.

    Attributes:
        at_once: how many there may be, by the limit of open files.
    """

    def __init__(self, task: str, at_once: int) -> None:
        self._task = task
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._limit = DescriptorLimit(at_once)
        self.at_once = self._limit.commands
        self._channels: list[_Channel] = []
        self._free: queue.SimpleQueue[_Channel] = queue.SimpleQueue()
        # Where the supervisor writes the group of the command of each channel.
        self._groups = -1
        self._asked_at = time.monotonic()
        self._is_given_up = False

    def run(
        self,
        text: str,
        *,
        directory: Path,
        environment: Mapping[str, str],
        own: Mapping[str, str],
        stdout: str,
        stderr: str,
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
            MemberError: its supervisor was ended meanwhile, or before it was started.
            BatchJobError: the task was given up.
            OSError: it cannot be started.
        """
        self._start()
        channel = self._free.get()
        try:
            messages: list[dict[str, Any]] = []
            number = _place_of(environment, channel.environments)
            if number is None:
                number = len(channel.environments)
                channel.environments.append(environment)
                messages.append({"variables": dict(environment)})
            asked = {
                "text": text,
                "directory": str(directory),
                "environment": number,
                "own": dict(own),
                "stdout": stdout,
                "stderr": stderr,
                "limit": limit if limit != float("inf") else None,
            }
            messages.append(asked)
            try:
                channel.link.sendall(b"".join(map(packed, messages)))
                answer = self._answer(channel)
            except ConnectionError:
                answer = None
            if answer is None:
                self._end_group(channel)
                raise MemberError("lost", _LOST)
        finally:
            self._free.put(channel)
        if answer.get("lost"):
            raise_if_cancelled(self._task)
            raise MemberError("lost", _LOST)
        if "error" in answer:
            raise OSError(0, answer["error"], answer["file"])
        return CommandEnd(answer["code"], answer["late"], answer["started"], answer["ended"])

    def close(self) -> None:
        """End the process; nothing runs any more."""
        with self._lock:
            for channel in self._channels:
                channel.link.close()
            if self._process is not None:
                self._process.wait()
                os.close(self._groups)
            self._limit.restore()

    def _start(self) -> None:
        with self._lock:
            while self._process is None:
                try:
                    self._start_supervisor()
                except OSError as error:
                    # Others in this process have opened files since.
                    if error.errno not in (errno.EMFILE, errno.ENFILE) or self.at_once == 1:
                        raise
                    self.at_once //= 2

    def _start_supervisor(self) -> None:
        with contextlib.ExitStack() as undone, contextlib.ExitStack() as theirs:
            groups = _nameless_file()
            undone.callback(os.close, groups)
            channels, descriptors = [], [groups]
            for place in range(self.at_once):
                ours, other = socket.socketpair()
                undone.callback(ours.close)
                theirs.callback(other.close)
                channels.append(_Channel(ours, place))
                descriptors.append(other.fileno())
            words = map(str, (self._limit.raised_from, *descriptors))
            # In a session of its own: who kills this process's group does not kill what has
            # to end the commands then.
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _supervisor_text(), *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=descriptors,
                start_new_session=True,
            )
            undone.pop_all()
        self._groups, self._channels = groups, channels
        for channel in self._channels:
            self._free.put(channel)

    def _answer(self, channel: _Channel) -> dict[str, Any] | None:
        """Wait for what becomes of a command; None: the supervisor is gone."""
        waiting = select.poll()
        waiting.register(channel.link, select.POLLIN)
        unread = b""
        while True:
            while not waiting.poll(1000.0 * _CANCELLATION_CHECK_SECONDS):
                if self._was_cancelled():
                    channel.link.sendall(packed({}))
            data = channel.link.recv(1 << 16)
            if not data:
                return None
            messages, unread = unpacked(unread + data)
            if messages:
                return messages[0]

    def _was_cancelled(self) -> bool:
        """Return whether the task was given up, when it is time to ask that, and not told yet."""
        with self._lock:
            moment = time.monotonic()
            if self._is_given_up or moment - self._asked_at < _CANCELLATION_CHECK_SECONDS:
                return False
            self._asked_at = moment
            self._is_given_up = was_cancelled(self._task)
            return self._is_given_up

    def _end_group(self, channel: _Channel) -> None:
        """End what a supervisor left that was killed itself."""
        data = os.pread(self._groups, GROUP_BYTES, GROUP_BYTES * channel.place)
        if group := int.from_bytes(data, "little"):
            with contextlib.suppress(OSError):
                os.killpg(group, signal.SIGKILL)


def _place_of(environment: Mapping[str, str], known: Sequence[Mapping[str, str]]) -> int | None:
    for number, each in enumerate(known):
        if each is environment:
            return number
    return None


def _nameless_file() -> int:
    # Old kernels and some sandboxes have no such file.
    with contextlib.suppress(AttributeError, OSError):
        return os.memfd_create("groups")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _supervisor_text() -> str:
    """Return the text of the supervisor's module, which is in no file where it came by itself."""
    spec = importlib.util.find_spec(".supervisor", __package__)
    text = spec.loader.get_source(spec.name) if spec and spec.loader else None  # type: ignore[attr-defined]
    assert isinstance(text, str)  # noqa: S101 - each loader of ours has it
    return text
