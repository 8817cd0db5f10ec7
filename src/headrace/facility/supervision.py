"""Supervision: threads that are restarted or reported, and the health of the facility."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from headrace._internal.clock import elapsed, now
from headrace._internal.periodic import PeriodicWork
from headrace._internal.systemd_notify import notify_alive

logger = logging.getLogger(__name__)

SERVICE: Final = "headrace facility"
_TICK_SECONDS: Final = 1.0
# Ticks without a sign of life after which a part is called stuck, and after which the process ends.
STUCK_TICKS: Final = 60
GIVE_UP_TICKS: Final = 900
# Ticks between two looks at what is asked only now and then, such as the disk.
_CHECK_TICKS: Final = 30
_MIN_PAUSE: Final = 1.0
_MAX_PAUSE: Final = 60.0
_ENDED: Final = "its thread has ended, so nothing goes on any more"
# A part that has worked for so long is well again.
_SETTLED_SECONDS: Final = 60.0


@dataclass(frozen=True)
class Problem:
    """Problem of one part of the facility.

    Attributes:
        part: such as ``engine`` or ``store``.
        description: in one line.
        since: when it was first seen, as the services write times.
    """

    part: str
    description: str
    since: str

    def document(self) -> dict[str, str]:
        """Return the problem as JSON."""
        return {"part": self.part, "description": self.description, "since": self.since}


class Heartbeat:
    """Signs of life of one thread: it may neither die nor get stuck.

    Args:
        part: what the thread is for.
        stuck_ticks: looks of the supervisor without a sign of life that make it stuck.
        give_up_ticks: those that end the process.
        on_give_up: called before that, with what the thread was doing.
    """

    def __init__(
        self,
        part: str,
        stuck_ticks: int = STUCK_TICKS,
        give_up_ticks: int = GIVE_UP_TICKS,
        on_give_up: Callable[[str], None] | None = None,
    ) -> None:
        self.part = part
        self.activity = ""
        self.thread: threading.Thread | None = None
        self.stuck_ticks = stuck_ticks
        self.give_up_ticks = give_up_ticks
        self.on_give_up = on_give_up
        # Counted in looks, not seconds: a process that was stopped and goes on is not stuck.
        self.missed_ticks = 0
        self.stopped = False

    def beat(self, activity: str = "") -> None:
        """Give a sign of life.

        Args:
            activity: what the thread does now; empty while there is nothing to do.
        """
        self.missed_ticks = 0
        self.activity = activity

    def stop(self) -> None:
        """Say that the thread ends as it should."""
        self.stopped = True

    @property
    def has_ended(self) -> bool:
        """True if the thread has ended though nobody has said that it should."""
        thread = self.thread
        ended = thread is not None and thread.ident is not None and not thread.is_alive()
        return ended and not self.stopped


class Health:
    """Health of a facility; its parts report their problems here.

    Args:
        on_fatal: ends the process; called once, by any thread, with the reason in one line.
    """

    def __init__(self, on_fatal: Callable[[str], None] | None = None) -> None:
        self._on_fatal = on_fatal
        self._lock = threading.Lock()
        self._problems: dict[str, Problem] = {}
        self._notices: dict[str, str] = {}
        self._heartbeats: list[Heartbeat] = []
        self._checks: list[Callable[[], None]] = []
        self._ticks = 0
        self._last_tick: float | None = None
        self._watch = PeriodicWork(self._tick, _TICK_SECONDS, _log_error, name="supervisor")
        self.fatal_reason = ""

    @property
    def problems(self) -> list[Problem]:
        """Problems there are now; empty while all is well."""
        with self._lock:
            return [*self._problems.values()]

    @property
    def silence(self) -> float:
        """Seconds for which the part that has been silent longest has given no sign of life.

        Of one that has ended though it should not have: infinite, and of the supervisor as well.
        """
        with self._lock:
            heartbeats = [*self._heartbeats]
        if self.fatal_reason or any(each.has_ended for each in heartbeats):
            return math.inf
        missed = max((each.missed_ticks for each in heartbeats if not each.stopped), default=0)
        return max(missed * _TICK_SECONDS, self._unsupervised_seconds())

    def _unsupervised_seconds(self) -> float:
        return 0.0 if self._last_tick is None else elapsed() - self._last_tick

    def _unseen_problems(self) -> list[Problem]:
        """Return what the supervisor has not reported yet, or cannot."""
        with self._lock:
            heartbeats = [*self._heartbeats]
        found = [
            Problem(each.part, _ENDED, now())
            for each in heartbeats
            if each.has_ended and each.part not in self._problems
        ]
        seconds = self._unsupervised_seconds()
        if seconds > STUCK_TICKS * _TICK_SECONDS:
            found.append(Problem("supervisor", f"stuck for {seconds:.0f} s", now()))
        return found

    def document(self) -> dict[str, Any]:
        """Return the state of the service as JSON."""
        problems = [*self.problems, *self._unseen_problems()]
        return {
            "service": SERVICE,
            "status": "degraded" if problems else "online",
            "problems": [problem.document() for problem in problems],
            "notices": [*self._notices.values()],
        }

    def report(self, part: str, description: str) -> None:
        """Say that something is the matter with a part, until it is cleared."""
        text = " ".join(description.split())
        with self._lock:
            known = self._problems.get(part)
            since = known.since if known else now()
            self._problems[part] = Problem(part, text, since)
        if known is None or known.description != text:
            logger.error("%s: %s", part, text)

    def clear(self, part: str) -> None:
        """Say that a part is well again."""
        if part not in self._problems:
            return
        with self._lock:
            known = self._problems.pop(part, None)
        if known is not None:
            logger.info("%s: well again", part)

    def add_notice(self, part: str, text: str) -> None:
        """Say something that a person should know though nothing is wrong, until forgotten."""
        if self._notices.get(part) != text:
            logger.warning("%s: %s", part, text)
        self._notices[part] = text

    def remove_notice(self, part: str) -> None:
        """Take back what was noted."""
        self._notices.pop(part, None)

    def fatal(self, part: str, description: str) -> None:
        """Say that the process cannot go on, and end it."""
        self.report(part, description)
        with self._lock:
            if self.fatal_reason:
                return
            self.fatal_reason = f"{part}: {' '.join(description.split())}"
        if self._on_fatal is not None:
            self._on_fatal(self.fatal_reason)

    def add_heartbeat(self, heartbeat: Heartbeat) -> None:
        """Have a thread's signs of life looked after."""
        with self._lock:
            self._heartbeats.append(heartbeat)

    def add_check(self, check: Callable[[], None]) -> None:
        """Have something looked at now and then; it reports what it finds, and may raise."""
        with self._lock:
            self._checks.append(check)

    def start(self) -> None:
        """Begin to look after the parts."""
        self._last_tick = elapsed()
        self._watch.start()

    def stop(self) -> None:
        """Look after nothing any more."""
        self._last_tick = None
        self._watch.stop(_TICK_SECONDS)

    def check_heartbeats(self) -> None:
        """Look once at every heartbeat."""
        with self._lock:
            heartbeats = [*self._heartbeats]
        for heartbeat in heartbeats:
            self._check_heartbeat(heartbeat)

    def _check_heartbeat(self, heartbeat: Heartbeat) -> None:
        if heartbeat.stopped:
            return
        if heartbeat.has_ended:
            heartbeat.stop()
            self.fatal(heartbeat.part, _ENDED)
            return
        heartbeat.missed_ticks += 1
        doing = heartbeat.activity
        where = f" in {doing}" if doing else ""
        if heartbeat.missed_ticks >= heartbeat.give_up_ticks:
            heartbeat.stop()
            if heartbeat.on_give_up is not None:
                heartbeat.on_give_up(doing)
            text = f"stuck{where} for {heartbeat.missed_ticks * _TICK_SECONDS:.0f} s; given up"
            self.fatal(heartbeat.part, text)
        elif heartbeat.missed_ticks >= heartbeat.stuck_ticks:
            self.report(f"{heartbeat.part} thread", f"stuck{where}: it does not advance")
        else:
            self.clear(f"{heartbeat.part} thread")

    def _tick(self) -> None:
        self._ticks += 1
        self._last_tick = elapsed()
        self.check_heartbeats()
        if not self.fatal_reason:
            notify_alive()
        if self._ticks % _CHECK_TICKS == 0:
            for check in [*self._checks]:
                try:
                    check()
                except Exception as error:  # noqa: BLE001 - logged
                    # One that cannot be made, as on a disk that is away, stops no other.
                    _log_error(error)


def _log_error(error: Exception) -> None:
    logger.exception("supervisor: %s", type(error).__name__)


class SupervisedThread:
    """Thread whose work is started again, after longer and longer pauses, when it raises.

    Args:
        part: what it is for; the name of the thread, too.
        work: returns when it is asked to stop.
        health: where it is reported that the work raises, or goes well again.
    """

    def __init__(self, part: str, work: Callable[[], None], health: Health) -> None:
        self._part = part
        self._work = work
        self._health = health
        self._stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, name=part, daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self.thread.start()

    def stop(self) -> None:
        """Wait for the end of the work, which must have been asked to end, and start it no more."""
        self._stopping.set()
        if self.thread.is_alive():
            self.thread.join()

    def _run(self) -> None:
        pause = _MIN_PAUSE
        while not self._stopping.is_set():
            started = time.monotonic()
            settled = threading.Timer(_SETTLED_SECONDS, self._health.clear, (self._part,))
            settled.daemon = True
            settled.start()
            try:
                self._work()
                self._health.clear(self._part)
                return
            except Exception as error:
                settled.cancel()
                logger.exception("%s", self._part)
                if time.monotonic() - started > _SETTLED_SECONDS:
                    pause = _MIN_PAUSE
                self._health.report(self._part, f"started again after {describe(error)}")
                self._stopping.wait(pause)
                pause = min(2 * pause, _MAX_PAUSE)
            finally:
                settled.cancel()


class WorkerPool:
    """Threads that are there from the beginning, and outlive whatever their work raises.

    Args:
        size: how many.
        name: what they are for.
        health: where work that raises is reported.
    """

    def __init__(self, size: int, name: str, health: Health | None = None) -> None:
        self._name = name
        self._health = health or Health()
        self._waiting: deque[tuple[Callable[..., Any], tuple[Any, ...]]] = deque()
        self._condition = threading.Condition()
        self._closed = False
        self._threads = [
            SupervisedThread(f"{name} {number}", self._work, self._health) for number in range(size)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, work: Callable[..., Any], *arguments: Any) -> None:
        """Have work done by the next thread that is free; a closed pool does nothing."""
        with self._condition:
            if not self._closed:
                self._waiting.append((work, arguments))
                self._condition.notify()

    def close(self, *, wait: bool = True) -> None:
        """Drop what is not started.

        Args:
            wait: whether to wait for what is under way.
        """
        with self._condition:
            self._closed = True
            self._waiting.clear()
            self._condition.notify_all()
        for thread in self._threads if wait else ():
            thread.stop()

    def _work(self) -> None:
        while True:
            with self._condition:
                while not self._waiting and not self._closed:
                    self._condition.wait()
                if self._closed:
                    return
                work, arguments = self._waiting.popleft()
            work(*arguments)


def describe(error: BaseException) -> str:
    """Return an exception in one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
