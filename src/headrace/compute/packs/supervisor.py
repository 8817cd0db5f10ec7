"""The program that starts the commands of a pack, and ends them with whoever asked for them.

It is run by the text of this module alone, in a process and session of its own. It has one thread
and little memory, and makes processes without a copy of itself (``posix_spawn``): that costs a
command less than the start of its shell. Standard library only, and little of that: its start is
shared by the commands of one pack.

Its arguments are the limit of open files of a command (0: that of this process), and numbers of
descriptors: of a file for the groups of the commands, and of a socket for each command that runs at
the same time. Messages are values of ``marshal`` after their length.

A command that this process leaves behind, killed, is ended by the kernel: it holds one end of a
pipe whose other end is here, with the request to signal its group when that is closed. Whoever
asked for it finds its group in the file, and kills it.
"""

from __future__ import annotations

import fcntl
import marshal
import os
import select
import sys
import time

try:
    # The same functions and numbers, without enumerations, which take a third of the start.
    import _signal as signal  # type: ignore[import-not-found]
except ImportError:  # another Python
    import signal

# As in `typing`, which takes long to be imported.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

_GRACE_SECONDS: Final = 10.0
# Files of scripts have lower numbers; bash itself uses 255.
_MINIMUM_DESCRIPTOR: Final = 300
# The command begins when its group is in the file: one that kills this process is ended by whoever
# asked for it. With a trap bash does not become the last program of its text, which might close
# what ends the command. In one line with what follows, so that bash counts lines as written.
_GATE: Final = "read -r -u {gate} _ || exit 127; exec {gate}<&-; trap : EXIT; "
_HANDLED: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
# Python ignores them; a command begins with what the system has.
_IGNORED: Final = (signal.SIGPIPE, signal.SIGXFSZ)
_LENGTH_BYTES: Final = 4
# Of a number in the file of the groups.
GROUP_BYTES: Final = 8


class _Command:
    """A command that runs: its process leads a group of its own.

    Args:
        channel: where it was asked for.
        pid: its process.
        limit: seconds that it may take.
        lifeline: descriptor whose end ends the command.
    """

    def __init__(self, channel: _Channel, pid: int, limit: float, lifeline: int) -> None:
        self.channel = channel
        self.pid = pid
        self.lifeline = lifeline
        self.started_at = time.time()
        self.late_at = time.monotonic() + limit
        self.late = False
        self.ends_with_all = False
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
            try:  # noqa: SIM105 - contextlib takes long to be imported
                os.kill(self.pid, number)
            except OSError:
                pass  # it has ended


class _Channel:
    """A socket to one who asks for commands, one after the other.

    Args:
        descriptor: the socket.
        place: its place in the file of the groups.
    """

    def __init__(self, descriptor: int, place: int) -> None:
        self.descriptor = descriptor
        self.place = place
        self.environments: list[dict[str, str]] = []
        self._unread = b""

    def read(self) -> list[dict[str, Any]] | None:
        """Return the messages that have come; None where nobody asks any more."""
        try:
            data = os.read(self.descriptor, 1 << 16)
        except ConnectionError:
            return None
        if not data:
            return None
        messages, self._unread = unpacked(self._unread + data)
        return messages


class _Supervisor:
    """Commands that run, and what is told of them.

    Args:
        limit: of open files of a command; 0: that of this process.
        groups: descriptor of the file of the groups.
        channels: descriptors of the sockets.
    """

    def __init__(self, limit: int, groups: int, channels: list[int]) -> None:
        self._gate = (f"ulimit -Sn {limit}; " if limit else "") + _GATE
        self._commands: dict[int, _Command] = {}
        self._ending = False
        self._asked = True
        self._groups = groups
        self._channels = {each: _Channel(each, place) for place, each in enumerate(channels)}
        for descriptor in (groups, *channels):
            os.set_inheritable(descriptor, False)
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
        for descriptor in self._channels:
            waiting.register(descriptor, select.POLLIN)
        while self._asked or self._commands:
            for descriptor, _ in waiting.poll(self._pause()):
                if descriptor == awake:
                    os.read(awake, 1 << 16)
                    continue
                channel = self._channels[descriptor]
                messages = channel.read()
                if messages is None:
                    # Whoever asked is gone, or wants nothing more.
                    waiting.unregister(descriptor)
                    self._asked = False
                    self._end_all()
                for message in messages or ():
                    self._do(channel, message)
            self._look()

    def _noticed(self, number: int, frame: object) -> None:
        del frame
        if number != signal.SIGCHLD:
            self._end_all()

    def _end_all(self) -> None:
        self._ending = True
        for command in list(self._commands.values()):
            command.ends_with_all = not command.late
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

    def _do(self, channel: _Channel, asked: dict[str, Any]) -> None:
        if "variables" in asked:
            channel.environments.append(asked["variables"])
        elif "text" not in asked:
            self._end_all()
        elif self._ending:
            self._send(channel, {"lost": True})
        else:
            self._start(channel, asked)

    def _start(self, channel: _Channel, asked: dict[str, Any]) -> None:
        opened: list[int] = []

        def keep(descriptor: int) -> int:
            opened.append(descriptor)
            return descriptor

        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            output = keep(os.open(asked["stdout"], flags, 0o666))
            messages = keep(os.open(asked["stderr"], flags, 0o666))
            readable, writable = map(keep, os.pipe())
            gate = keep(_inherited(readable))
            held, lifeline = map(keep, os.pipe())
            held = keep(_inherited(held))
            files = ((self._null, 0), (output, 1), (messages, 2))
            environment = {**channel.environments[asked["environment"]], **asked["own"]}
            os.chdir(asked["directory"])
            pid = os.posix_spawn(
                self._shell(environment),
                ["bash", "-c", self._gate.format(gate=gate) + asked["text"]],
                environment,
                file_actions=[(os.POSIX_SPAWN_DUP2, *each) for each in files],
                setpgroup=0,
                setsigmask=(),
                setsigdef=(*_HANDLED, *_IGNORED),
            )
        except (OSError, ValueError) as error:
            # Such as text that the locale cannot encode, or a variable's name with an "=".
            reason = getattr(error, "strerror", None) or str(error)
            self._send(channel, {"error": reason, "file": getattr(error, "filename", None)})
        else:
            opened.remove(lifeline)
            _end_with(held, pid)
            limit = asked["limit"] or float("inf")
            command = self._commands[pid] = _Command(channel, pid, limit, lifeline)
            if self._ending:
                command.ends_with_all = True
                command.end()  # the request came while it was started
            self._note_group(channel, pid)
            os.write(writable, b"\n")
        finally:
            for descriptor in opened:
                os.close(descriptor)
            os.chdir("/")

    def _note_group(self, channel: _Channel, group: int) -> None:
        data = group.to_bytes(GROUP_BYTES, "little")
        os.pwrite(self._groups, data, GROUP_BYTES * channel.place)

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
                self._note_group(command.channel, 0)
                code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                del self._commands[pid]
                os.close(command.lifeline)
                ended = {"code": code, "late": command.late, "started": command.started_at}
                # That it ended is not its own doing then.
                ended["lost"] = command.ends_with_all and code != 0
                self._send(command.channel, {**ended, "ended": time.time()})
                continue
            moment = time.monotonic()
            if command.kill_at is None and moment >= command.late_at:
                command.late = True
                command.end()
            elif command.kill_at is not None and moment >= command.kill_at:
                command.kill_at = moment + _GRACE_SECONDS
                command.signal(signal.SIGKILL)

    def _send(self, channel: _Channel, document: dict[str, Any]) -> None:
        data = packed(document)
        try:
            while data:
                data = data[os.write(channel.descriptor, data) :]
        except OSError:
            self._end_all()  # nobody listens any more


def packed(document: dict[str, Any]) -> bytes:
    """Return a message as it travels."""
    data = marshal.dumps(document)
    return len(data).to_bytes(_LENGTH_BYTES, "little") + data


def unpacked(data: bytes) -> tuple[list[dict[str, Any]], bytes]:
    """Return the messages in what has come, and the part of one that has not come completely."""
    messages = []
    while len(data) >= _LENGTH_BYTES:
        end = _LENGTH_BYTES + int.from_bytes(data[:_LENGTH_BYTES], "little")
        if len(data) < end:
            break
        messages.append(marshal.loads(data[_LENGTH_BYTES:end]))  # noqa: S302 - of this program
        data = data[end:]
    return messages, data


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
    try:
        fcntl.fcntl(held, fcntl.F_SETOWN, -group)
        fcntl.fcntl(held, fcntl.F_SETSIG, signal.SIGTERM)
        fcntl.fcntl(held, fcntl.F_SETFL, fcntl.fcntl(held, fcntl.F_GETFL) | os.O_ASYNC)
    except OSError:
        pass  # the kernel cannot; whoever asked for the command ends it


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:]]
    _Supervisor(numbers[0], numbers[1], numbers[2:]).run()
    # Somebody waits for the end, and there is nothing to be tidied up.
    os._exit(0)
