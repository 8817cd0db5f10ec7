"""The program that starts the commands of a pack, and ends them with whoever asked for them.

It is run by the text of this module alone, in a process and session of its own, with lines of JSON
at its standard input and output. It has one thread and little memory, and makes processes without a
copy of itself (``posix_spawn``): that costs a command less than the start of its shell. Standard
library only.

A command that this process leaves behind, killed, is ended by the kernel: it holds one end of a
pipe whose other end is here, with the request to signal its group when that is closed.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import signal
import sys
import time
from typing import Any, Final

_GRACE_SECONDS: Final = 10.0
# Files of scripts have lower numbers; bash itself uses 255.
_MINIMUM_DESCRIPTOR: Final = 300
# The command begins when its group has been told: one that kills this process is ended by whoever
# asked for it. With a trap bash does not become the last program of its text, which might close
# what ends the command. In one line with what follows, so that bash counts lines as written.
_GATE: Final = "read -r -u {gate} _ || exit 127; exec {gate}<&-; trap : EXIT; "
_HANDLED: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
# Python ignores them; a command begins with what the system has.
_IGNORED: Final = (signal.SIGPIPE, signal.SIGXFSZ)


class _Command:
    """A command that runs: its process leads a group of its own.

    Args:
        number: its number.
        pid: its process.
        limit: seconds that it may take.
        lifeline: descriptor whose end ends the command.
    """

    def __init__(self, number: int, pid: int, limit: float, lifeline: int) -> None:
        self.number = number
        self.pid = pid
        self.lifeline = lifeline
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
        self._environments: dict[int, dict[str, str]] = {}
        self._shells: dict[str, str] = {}
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
        if "variables" in asked:
            self._environments[asked["environment"]] = asked["variables"]
        elif "number" not in asked:
            self._end_all()
        elif self._ending:
            moment = time.time()
            self._tell_end(asked["number"], -signal.SIGTERM, False, moment, moment)
        else:
            self._start(asked)

    def _start(self, asked: dict[str, Any]) -> None:
        number = asked["number"]
        with contextlib.ExitStack() as opened:

            def keep(descriptor: int) -> int:
                opened.callback(os.close, descriptor)
                return descriptor

            try:
                flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
                output, messages = (
                    keep(os.open(asked[name], flags, 0o666)) for name in ("stdout", "stderr")
                )
                readable, writable = map(keep, os.pipe())
                gate = keep(_inherited(readable))
                held, lifeline = os.pipe()
                end = opened.enter_context(contextlib.ExitStack())
                end.callback(os.close, lifeline)
                held = keep(_inherited(keep(held)))
                files = ((self._null, 0), (output, 1), (messages, 2))
                environment = {**self._environments[asked["environment"]], **asked["own"]}
                os.chdir(asked["directory"])
                pid = os.posix_spawn(
                    self._shell(environment),
                    ["bash", "-c", _GATE.format(gate=gate) + asked["text"]],
                    environment,
                    file_actions=[(os.POSIX_SPAWN_DUP2, *each) for each in files],
                    setpgroup=0,
                    setsigmask=(),
                    setsigdef=(*_HANDLED, *_IGNORED),
                )
            except (OSError, ValueError) as error:
                # Such as text that the locale cannot encode, or a variable's name with an "=".
                reason = getattr(error, "strerror", None) or str(error)
                file = getattr(error, "filename", None)
                self._tell({"number": number, "error": reason, "file": file})
                return
            finally:
                os.chdir("/")
            _end_with(held, pid)
            end.pop_all()
            limit = asked.get("limit") or float("inf")
            command = self._commands[pid] = _Command(number, pid, limit, lifeline)
            if self._ending:
                command.end()  # the request came while it was started
            self._tell({"number": number, "pid": pid})
            os.write(writable, b"\n")

    def _shell(self, environment: dict[str, str]) -> str:
        """Return the path of bash where a command with this environment finds it."""
        path = environment.get("PATH", os.defpath)
        if path not in self._shells:
            places = (f"{p}/bash" for p in path.split(os.pathsep) if p.startswith("/"))
            self._shells[path] = next((p for p in places if os.access(p, os.X_OK)), "/bin/bash")
        return self._shells[path]

    def _look(self) -> None:
        """Tell what has ended, and end what is late."""
        for pid, command in list(self._commands.items()):
            found = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if found is not None:
                # What it left behind ends with it, before its number may be another one's.
                command.signal(signal.SIGKILL)
                code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                del self._commands[pid]
                os.close(command.lifeline)
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


def _inherited(descriptor: int) -> int:
    """Return a copy of a descriptor that a command inherits, with a number that no script uses."""
    try:
        return fcntl.fcntl(descriptor, fcntl.F_DUPFD, _MINIMUM_DESCRIPTOR)
    except OSError:  # so many are not allowed here
        return fcntl.fcntl(descriptor, fcntl.F_DUPFD, 10)


def _end_with(held: int, group: int) -> None:
    """Have the kernel signal a group when the other end of a pipe is closed, where it can."""
    if sys.platform != "linux":
        return
    with contextlib.suppress(OSError):
        fcntl.fcntl(held, fcntl.F_SETOWN, -group)
        fcntl.fcntl(held, fcntl.F_SETSIG, signal.SIGTERM)
        fcntl.fcntl(held, fcntl.F_SETFL, fcntl.fcntl(held, fcntl.F_GETFL) | os.O_ASYNC)


if __name__ == "__main__":
    _Supervisor().run()
    sys.exit(0)
