"""The program that starts the commands of a pack, and ends them with whoever asked for them.

It is run by the text of this module alone, in a process and session of its own, with lines of JSON
at its standard input and output. It has one thread and little memory: a process is made quickly by
it, which one of the worker's size is not. Standard library only.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import sys
import time
from typing import Any, Final

_GRACE_SECONDS: Final = 10.0
_PR_SET_PDEATHSIG: Final = 1
_HANDLED: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
# Python ignores them; a command begins with what the system has.
_IGNORED: Final = (signal.SIGPIPE, signal.SIGXFSZ)


class _Command:
    """A command that runs: its process leads a group of its own."""

    def __init__(self, number: int, pid: int, limit: float) -> None:
        self.number = number
        self.pid = pid
        self.started_at = time.time()
        self.late_at = time.monotonic() + limit
        self.late = False
        self.kill_at: float | None = None

    def end(self) -> None:
        """Ask it to end; it is killed after a while."""
        if self.kill_at is None:
            self.kill_at = time.monotonic() + _GRACE_SECONDS
            self.signal(signal.SIGTERM)

    def signal(self, number: int) -> None:
        """Send a signal to its group, or to it alone before it has one."""
        try:
            os.killpg(self.pid, number)
        except (ProcessLookupError, PermissionError):
            with contextlib.suppress(OSError):
                os.kill(self.pid, number)


class _Supervisor:
    """Commands that run, and what is told of them."""

    def __init__(self) -> None:
        self._commands: dict[int, _Command] = {}
        self._ending = False
        self._asked = True
        self._prctl: Any = None
        with contextlib.suppress(OSError, AttributeError):
            self._prctl = ctypes.CDLL(None).prctl
        self._null = os.open(os.devnull, os.O_RDONLY)

    def run(self) -> None:
        """Do what is asked for until nobody asks any more, and nothing runs."""
        awake, wake = os.pipe()
        os.set_blocking(awake, False)
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        for number in _HANDLED:
            signal.signal(number, self._noticed)
        waiting = select.poll()
        waiting.register(awake, select.POLLIN)
        waiting.register(0, select.POLLIN)
        text = b""
        while self._asked or self._commands:
            for descriptor, _ in waiting.poll(self._pause()):
                data = os.read(descriptor, 1 << 16)
                if descriptor == awake:
                    continue
                if not data:
                    # Whoever asked is gone, or wants nothing more.
                    waiting.unregister(0)
                    self._asked = False
                    self._end_all()
                *lines, text = (text + data).split(b"\n")
                for line in lines:
                    self._do(json.loads(line))
            self._look()

    def _noticed(self, number: int, frame: object) -> None:
        del frame
        if number != signal.SIGCHLD:
            self._end_all()

    def _end_all(self) -> None:
        self._ending = True
        for command in list(self._commands.values()):
            command.end()

    def _pause(self) -> float | None:
        """Return the milliseconds until something has to be done; None: until something comes."""
        moments = [
            each.late_at if each.kill_at is None else each.kill_at
            for each in self._commands.values()
        ]
        moments = [moment for moment in moments if moment != float("inf")]
        if not moments:
            return None
        return min(max(0.0, 1000.0 * (min(moments) - time.monotonic())) + 1.0, 3_600_000.0)

    def _do(self, asked: dict[str, Any]) -> None:
        if "number" not in asked:
            self._end_all()
        elif self._ending:
            moment = time.time()
            self._tell_end(asked["number"], -signal.SIGTERM, False, moment, moment)
        else:
            self._start(asked)

    def _start(self, asked: dict[str, Any]) -> None:
        number = asked["number"]
        # The command begins when its group has been told: one that kills this process is ended by
        # whoever asked for it.
        readable, writable = os.pipe()
        opened: list[int] = [readable, writable]
        try:
            for name in (asked["stdout"], asked["stderr"]):
                flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
                opened.append(os.open(name, flags, 0o666))
            # A signal that comes before the command has its own answers must not be lost.
            signal.pthread_sigmask(signal.SIG_BLOCK, _HANDLED)
            try:
                parent = os.getpid()
                pid = os.fork()
                if pid == 0:
                    os.close(writable)
                    self._become(asked, opened[2:], readable, parent)
                self._commands[pid] = _Command(number, pid, asked.get("limit") or float("inf"))
            finally:
                signal.pthread_sigmask(signal.SIG_UNBLOCK, _HANDLED)
            self._tell({"number": number, "pid": pid})
            os.write(writable, b".")
        except OSError as error:
            self._tell({"number": number, "error": error.strerror, "file": error.filename})
        finally:
            for descriptor in opened:
                os.close(descriptor)

    def _become(self, asked: dict[str, Any], opened: list[int], readable: int, parent: int) -> None:
        """Become the command; this process is a new one."""
        try:
            for number in (*_HANDLED, *_IGNORED):
                signal.signal(number, signal.SIG_DFL)
            signal.set_wakeup_fd(-1)
            os.setsid()
            for descriptor, place in ((self._null, 0), (opened[0], 1), (opened[1], 2)):
                os.dup2(descriptor, place)
            if self._prctl is not None:
                self._prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            os.chdir(asked["directory"])
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _HANDLED)
            if os.read(readable, 1) and os.getppid() == parent:
                words = asked["words"]
                os.execvpe(words[0], words, asked["environment"])  # noqa: S606 - it is the shell
        except (OSError, ValueError) as error:
            os.write(2, f"headrace: cannot be started: {error}\n".encode())
        finally:
            os._exit(127)

    def _look(self) -> None:
        """Tell what has ended, and end what is late."""
        for pid, command in list(self._commands.items()):
            found = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if found is not None:
                # What it left behind ends with it, before its number may be another one's.
                command.signal(signal.SIGKILL)
                code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                del self._commands[pid]
                moment = time.time()
                started = command.started_at
                self._tell_end(command.number, code, command.late, started, moment)
                continue
            moment = time.monotonic()
            if command.kill_at is None and moment >= command.late_at:
                command.late = True
                command.end()
            elif command.kill_at is not None and moment >= command.kill_at:
                command.kill_at = moment + _GRACE_SECONDS
                command.signal(signal.SIGKILL)

    def _tell_end(self, number: int, code: int, late: bool, started: float, ended: float) -> None:
        times = {"started": started, "ended": ended}
        self._tell({"number": number, "code": code, "late": late, **times})

    def _tell(self, document: dict[str, Any]) -> None:
        data = json.dumps(document).encode() + b"\n"
        try:
            while data:
                data = data[os.write(1, data) :]
        except OSError:
            self._end_all()  # nobody listens any more


if __name__ == "__main__":
    _Supervisor().run()
    sys.exit(0)
