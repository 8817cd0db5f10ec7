"""Heartbeats of long-running processes: a small file each, which others read, also elsewhere.

The loop that does a process's work writes it, so that the heartbeat of a process whose loop stands
is as old as its work. One that ends as it should says so.
"""

from __future__ import annotations

import json
import math
import os
import re
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

from headrace._internal.files import write_private
from headrace._internal.timestamps import format_timestamp

HeartbeatState = Literal["well", "late", "dead", "stopped"]

SECONDS_BETWEEN: Final = 30.0
"""Seconds between two writes of a heartbeat."""

CAMPAIGNS: Final = "campaigns"
"""Name of the heartbeat of the driver of campaigns."""

_FOLDER: Final = "heartbeats"
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_.+-]")
_LONGEST_NAME: Final = 100
_LONGEST_TEXT: Final = 500
# Clocks of two machines differ by less.
_CLOCK_SECONDS: Final = 300.0


@dataclass(frozen=True)
class HeartbeatRecord:
    """Heartbeat of a process, as it last said it.

    Attributes:
        name: ``facility``, ``watch``, ``monitor`` or another name.
        target: where its runs are.
        unix: when its loop last worked, in seconds since 1970.
        host: the machine it runs on.
        pid: its process there.
        born: when that process was started, in seconds since 1970; 0 of one that works now and
            then, and is not there in between.
        activity: what it last did, in a few words.
        problem: what is the matter with it; empty if nothing is.
        late_after: seconds of silence after which it is late.
        dead_after: seconds of silence after which it is taken for dead.
        stopped: whether it has ended as it should.
    """

    name: str
    target: str
    unix: float
    host: str
    pid: int
    born: float = 0.0
    activity: str = ""
    problem: str = ""
    late_after: float = 300.0
    dead_after: float = 1800.0
    stopped: bool = False

    def age(self, now: float) -> float:
        """Return the seconds since its loop last worked."""
        return max(0.0, now - self.unix)

    def state(self, now: float) -> HeartbeatState:
        """Return whether the process works.

        A process of this machine that is not there is dead, however new its heartbeat is.

        Args:
            now: the time, in seconds since 1970.
        """
        if self.stopped:
            return "stopped"
        here = self.host == socket.gethostname() and self.born > 0.0
        if here and not _lives(self.pid, self.born):
            return "dead"
        # One from the future says nothing: a clock was wrong, there or here.
        if self.age(now) > self.dead_after or self.unix - now > _CLOCK_SECONDS:
            return "dead"
        return "late" if self.age(now) > self.late_after else "well"

    def document(self, now: float) -> dict[str, Any]:
        """Return the heartbeat as JSON shows it, with its age and state."""
        return {
            **asdict(self),
            "time": format_timestamp(self.unix),
            "age_seconds": round(self.age(now)),
            "state": self.state(now),
        }


class HeartbeatWriter:
    """Writes the heartbeat of this process; what cannot be written stops nothing.

    Args:
        directory: the project's state directory.
        name: ``facility``, ``watch``, ``monitor`` or another name.
        target: where the process's runs are.
        late_after: seconds of silence after which it is late.
        dead_after: seconds of silence after which it is taken for dead.
        stays: whether the process stays; else another one gives the next sign of life.
        now: the time, in seconds since 1970.
    """

    def __init__(
        self,
        directory: Path,
        name: str,
        target: str,
        *,
        late_after: float,
        dead_after: float,
        stays: bool = True,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._path = heartbeat_path(directory, name, target)
        self._now = now
        self._written = -math.inf
        pid = os.getpid()
        self._record = HeartbeatRecord(
            name,
            target,
            0.0,
            socket.gethostname(),
            pid,
            _birth(pid) if stays else 0.0,
            late_after=late_after,
            dead_after=dead_after,
        )

    def beat(self, activity: str = "", problem: str = "", *, silence: float = 0.0) -> None:
        """Say that the loop works; written now and then, and at once where the problem is new.

        Args:
            activity: what was done last, in a few words.
            problem: what is the matter; empty if nothing is.
            silence: seconds for which the part of the process that is silent longest has been so.
        """
        moment = self._now()
        worked = moment - silence if math.isfinite(silence) else self._record.unix
        problem = problem[:_LONGEST_TEXT]
        changed = problem != self._record.problem
        self._record = replace(
            self._record, unix=worked, activity=activity[:_LONGEST_TEXT], problem=problem
        )
        # A clock that was set back does not keep it from being written.
        if changed or not 0.0 <= moment - self._written < SECONDS_BETWEEN:
            self._write(moment)

    def stop(self) -> None:
        """Say that the process ends as it should."""
        self._record = replace(self._record, stopped=True)
        self._write(self._now())

    def _write(self, moment: float) -> None:
        document = {**asdict(self._record), "time": format_timestamp(self._record.unix)}
        try:
            write_private(self._path, json.dumps(document) + "\n")
        except OSError:
            return  # on a full disk it ages, as it should: nobody can rely on the process
        self._written = moment


def heartbeat_directory(directory: Path) -> Path:
    """Return the directory of the heartbeats of a project.

    Args:
        directory: the project's state directory.
    """
    return directory / _FOLDER


def heartbeat_path(directory: Path, name: str, target: str) -> Path:
    """Return the file of a heartbeat.

    Args:
        directory: the project's state directory.
        name: of the process.
        target: where its runs are.
    """
    safe = _UNSAFE.sub("_", name)[:_LONGEST_NAME]
    return heartbeat_directory(directory) / f"{safe}.{target}.json"


def read_heartbeats(directory: Path, target: str) -> list[HeartbeatRecord]:
    """Return the heartbeats of a project, by name; one that cannot be read is a dead one.

    Args:
        directory: the project's state directory.
        target: only of processes whose runs are there.
    """
    found = []
    for path in sorted(heartbeat_directory(directory).glob(f"*.{target}.json")):
        name = path.name.removesuffix(f".{target}.json")
        found.append(read_heartbeat(path) or _unreadable(name, target))
    return found


def read_heartbeat(path: Path) -> HeartbeatRecord | None:
    """Return a heartbeat; None where the file is not there or is none."""
    try:
        known = json.loads(path.read_bytes())
        return HeartbeatRecord(
            str(known["name"]),
            str(known["target"]),
            float(known["unix"]),
            str(known["host"]),
            int(known["pid"]),
            float(known["born"]),
            str(known.get("activity", "")),
            str(known.get("problem", "")),
            float(known["late_after"]),
            float(known["dead_after"]),
            known.get("stopped") is True,
        )
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return None


def _unreadable(name: str, target: str) -> HeartbeatRecord:
    return HeartbeatRecord(name, target, 0.0, "", 0, problem="its heartbeat cannot be read")


def watch_name(triggers: Sequence[str]) -> str:
    """Return the name of a watch's heartbeat.

    Args:
        triggers: the triggers that it was told to watch; none for all of the project.
    """
    return f"watch-{'+'.join(sorted(triggers))}" if triggers else "watch"


def _birth(pid: int) -> float:
    import psutil

    return psutil.Process(pid).create_time()


def _lives(pid: int, born: float) -> bool:
    import psutil

    try:
        process = psutil.Process(pid)
        # The time of the start is counted from that of the boot, which a new clock moves.
        same = abs(process.create_time() - born) < 2.0
        return same and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, ValueError):
        return False
