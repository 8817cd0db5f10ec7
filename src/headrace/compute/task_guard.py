"""The process beside a worker, started by `task_runner`: ``python -I -S task_guard.py``.

It takes what a task prints and keeps the first and the last part. It ends the worker where a
cancelled task does not end within its grace time, whatever the worker does: compute without
ever letting go of Python's lock, ignore signals, or lie stopped. It ends with the worker.

It uses the standard library only, and runs on the worker's node.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FIRST_BYTES = 128 * 1024
LAST_BYTES = 128 * 1024
_PERIOD = 0.5
_KILL_AFTER = 2.0  # seconds between SIGTERM and SIGKILL
_CHUNK = 64 * 1024
# A process that outlives its task must not keep the guard from its other work.
_CHUNKS_AT_ONCE = 64


class OutputStream:
    """Output from one pipe: its first part is written at once, its last kept.

    Args:
        descriptor: the pipe's end to read from.
        path: where the first part goes; the last stands beside it, with ``.last``.
    """

    def __init__(self, descriptor: int, path: Path) -> None:
        os.set_blocking(descriptor, False)
        self.descriptor = descriptor
        self._path = path
        self._first = 0
        self._total = 0
        self._last = bytearray()
        self._changed = False
        for name in (path, self._last_path):
            with contextlib.suppress(OSError):
                name.unlink()

    @property
    def _last_path(self) -> Path:
        return self._path.with_name(self._path.name + ".last")

    def read(self) -> bool:
        """Read the output so far; return False once nobody can print any more."""
        for _ in range(_CHUNKS_AT_ONCE):
            try:
                data = os.read(self.descriptor, _CHUNK)
            except BlockingIOError:
                return True
            except OSError:
                return False
            if not data:
                return False
            self._keep(data)
        return True

    def write_last(self) -> None:
        """Write the last part, where there is more of it than before."""
        if not self._changed:
            return
        self._changed = False
        temporary = self._last_path.with_name(f".{self._last_path.name}")
        with contextlib.suppress(OSError):
            temporary.write_bytes(b"%d\n" % self._total + self._last)
            temporary.rename(self._last_path)

    def _keep(self, data: bytes) -> None:
        self._total += len(data)
        remaining = FIRST_BYTES - self._first
        if remaining > 0:
            self._append(data[:remaining])
            self._first += min(remaining, len(data))
            data = data[remaining:]
        if data:
            self._last += data
            del self._last[:-LAST_BYTES]
            self._changed = True

    def _append(self, data: bytes) -> None:
        with contextlib.suppress(OSError):  # a full disk costs the output, not the task
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(descriptor, data)
            finally:
                os.close(descriptor)


class CancelledTaskKiller:
    """Ends what a cancelled task keeps running.

    Args:
        task: the task.
        cancelled: the file that exists once it is cancelled.
        worker: the process that runs it.
        grace: seconds that it has to end by itself.
    """

    def __init__(self, task: str, cancelled: Path, worker: int, grace: float) -> None:
        self._task = task
        self._cancelled = cancelled
        self._worker = worker
        self._grace = grace
        self._since: float | None = None
        self._terminated = False

    def poll(self) -> None:
        """Take the next step, where the task is cancelled."""
        if self._since is None:
            if self._cancelled.exists():
                self._since = time.monotonic()
                send_signal(self._programs(), signal.SIGTERM)
            return
        waited = time.monotonic() - self._since
        if waited >= self._grace and not self._terminated:
            self._terminated = True
            send_signal(self._programs(), signal.SIGKILL)
            send_signal([self._worker], signal.SIGTERM)
            # A process that was stopped ends when it goes on.
            send_signal([self._worker], signal.SIGCONT)
        elif waited >= self._grace + _KILL_AFTER:
            send_signal([*self._programs(), self._worker], signal.SIGKILL)

    def _programs(self) -> list[int]:
        variable = f"GC_TASK_UUID={self._task}".encode()
        parents = dict(_processes())
        excluded = {os.getpid(), self._worker}
        return [
            pid
            for pid in parents
            if pid not in excluded
            and (self._descends(pid, parents) or variable in _environment(pid))
        ]

    def _descends(self, pid: int, parents: dict[int, int]) -> bool:
        seen: set[int] = set()
        while pid in parents and pid not in seen:
            seen.add(pid)
            pid = parents[pid]
            if pid == self._worker:
                return True
        return False


def send_signal(processes: list[int], number: signal.Signals) -> None:
    """Send a signal to processes that are there, and are ours."""
    for pid in processes:
        with contextlib.suppress(OSError):
            os.kill(pid, number)


def _processes() -> Iterator[tuple[int, int]]:
    """Yield this user's processes with their parents."""
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                if entry.stat().st_uid == os.getuid():
                    text = Path(entry.path, "stat").read_text(errors="replace")
                    yield int(entry.name), int(text.rpartition(")")[2].split()[1])


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


class Guard:
    """Watches over a worker.

    Args:
        link: to the worker.
        worker: its process id.
    """

    def __init__(self, link: socket.socket, worker: int) -> None:
        self._link = link
        self._worker = worker
        self._selector = selectors.DefaultSelector()
        self._selector.register(link, selectors.EVENT_READ)
        self._streams: dict[int, OutputStream] = {}
        self._killer: CancelledTaskKiller | None = None

    def run(self) -> None:
        """Work until the worker is gone."""
        next_poll = 0.0
        while os.getppid() == self._worker:
            for key, _ in self._selector.select(_PERIOD):
                if key.fileobj is self._link:
                    self._receive()
                else:
                    self._read_stream(key.fd)
            if time.monotonic() >= next_poll:
                next_poll = time.monotonic() + _PERIOD
                for stream in self._streams.values():
                    stream.write_last()
                if self._killer is not None:
                    self._killer.poll()
        for descriptor in list(self._streams):
            self._read_stream(descriptor)
        for stream in self._streams.values():
            stream.write_last()

    def _receive(self) -> None:
        try:
            message, descriptors, _, _ = socket.recv_fds(self._link, 64 * 1024, 2)
        except OSError:
            message, descriptors = b"", []
        if not message:
            self._selector.unregister(self._link)  # the task closed it; the worker may live on
        elif message == b"end":
            self._killer = None
            for descriptor in list(self._streams):
                self._read_stream(descriptor)
            for stream in self._streams.values():
                stream.write_last()
            with contextlib.suppress(OSError):
                self._link.send(b"ended")
        else:
            self._begin(json.loads(message), descriptors)

    def _begin(self, settings: dict[str, Any], descriptors: list[int]) -> None:
        task = settings["task"]
        directory = Path(settings["output"]) / task
        for descriptor, name in zip(descriptors, ("stdout", "stderr"), strict=False):
            self._streams[descriptor] = OutputStream(descriptor, directory / name)
            self._selector.register(descriptor, selectors.EVENT_READ)
        cancelled = Path(settings["cancelled"]) / task
        self._killer = CancelledTaskKiller(task, cancelled, self._worker, settings["grace"])

    def _read_stream(self, descriptor: int) -> None:
        stream = self._streams.get(descriptor)
        # One that has ended may have been taken already in the same round.
        if stream is not None and not stream.read():
            stream.write_last()
            self._selector.unregister(descriptor)
            del self._streams[descriptor]
            os.close(descriptor)


def main() -> None:
    """Guard the process that started this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    link = socket.socket(fileno=os.dup(0))
    Guard(link, os.getppid()).run()


if __name__ == "__main__":
    main()
