"""Looks for changes: one thread follows the services, another one the files, for all browsers."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Collection
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from headrace.errors import HeadraceError
from headrace.web.changes.broadcast import RUN_TOPIC, Broadcast
from headrace.web.changes.local_files import LocalChanges

if TYPE_CHECKING:
    from headrace.runs.change_records import Changes

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_BEATS: Final = 2.0
"""Seconds after which a browser hears that the server lives and looks for changes."""

_SECONDS_BETWEEN_LOOKS: Final = 0.5
_WAIT_SECONDS: Final = 2.0
_PAUSE_SECONDS: Final = 1.0
_RUN_ID: Final = re.compile(r"[0-9A-Za-z-]{1,36}")
# Runs that are followed one by one; of more than these all changes are asked for.
_MOST_RUNS: Final = 200
# A question that waits for a change is answered within its seconds by a facility that works.
_SILENCE_SECONDS: Final = {"local": 3.5}
_SILENCE_ELSEWHERE: Final = 120.0


class RunFollower(Protocol):
    """Waits for changes of runs."""

    def wait(self, since: int, seconds: float, run_ids: Collection[str] | None = None) -> Changes:
        """Return the changes after a number, as soon as there are any, or none after a while.

        Of runs that are not in ``run_ids``, unless it is None, only that some have changed.
        """

    def stop(self) -> None:
        """Have a call of `wait` in another thread return soon."""


class ChangeWatcher:
    """Looks for changes as long as the site is served, from the first stream on.

    Args:
        broadcast: is told of them.
        local: looks at files.
        follow: gives a follower of the runs; None where none is to be had.
        open_sessions: returns the numbers of the sessions that are open.
        target: ``local`` or ``globus``.
        clock: seconds of a clock that is never set.
    """

    def __init__(
        self,
        broadcast: Broadcast,
        local: LocalChanges,
        follow: Callable[[], RunFollower] | None,
        open_sessions: Callable[[], Collection[int]],
        target: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._broadcast = broadcast
        self._local = local
        self._follow = follow
        self._open_sessions = open_sessions
        self._clock = clock
        self._silence = _SILENCE_SECONDS.get(target, _SILENCE_ELSEWHERE)
        self._starting = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._ended = threading.Event()
        self._heard = clock()
        self._problem = ""
        self._follower: RunFollower | None = None

    def start(self) -> None:
        """Begin to look, unless that was done before."""
        with self._starting:
            if self._threads or self._ended.is_set():
                return
            self._heard = self._clock()
            self._begin("changes of files", self._look_at_files)
            if self._follow is not None:
                self._begin("changes of runs", partial(self._follow_runs, self._follow))

    def close(self) -> None:
        """Look no more."""
        self._ended.set()
        follower = self._follower
        if follower is not None:
            follower.stop()
        self._broadcast.close()

    @property
    def problem(self) -> str:
        """Cause for which the services do not answer; empty where they do."""
        if self._problem or self._follow is None:
            return self._problem
        silence = self._clock() - self._heard
        return f"no answer for {silence:.0f} s" if silence > self._silence else ""

    def _begin(self, name: str, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _look_at_files(self) -> None:
        next_beat, reported = float("-inf"), bool(self.problem)
        while not self._ended.wait(_SECONDS_BETWEEN_LOOKS):
            if not self._broadcast.has_streams:
                continue
            try:
                self._broadcast.publish(self._local.look(self._broadcast.wanted()))
                # That the services do not answer any more is reported at once.
                is_silent = bool(self.problem)
                if self._clock() >= next_beat or is_silent != reported:
                    self._broadcast.keep_sessions(self._open_sessions())
                    self._broadcast.beat()
                    next_beat, reported = self._clock() + SECONDS_BETWEEN_BEATS, is_silent
            except HeadraceError as error:
                # Without a beat the pages say that nothing is known any more.
                logger.warning("changes are not seen: %s", error)
            except Exception:
                logger.exception("changes are not seen")
        self._local.close()

    def _follow_runs(self, follow: Callable[[], RunFollower]) -> None:
        since = 0
        silence = ""
        while not self._ended.is_set():
            if since and not self._broadcast.has_streams:
                # Whoever comes next is told then.
                self._heard, self._problem, silence = self._clock(), "", ""
                self._ended.wait(_SECONDS_BETWEEN_LOOKS)
                continue
            try:
                if self._follower is None:
                    self._follower = follow()
                # The first answer says where the journal is: what was before it is not known.
                seconds = 0.0 if since == 0 else _WAIT_SECONDS
                asked = self._wanted_runs()
                named = asked if len(asked) <= _MOST_RUNS else None
                changes = self._follower.wait(since, seconds, named)
                silence = changes.silence.cause if changes.silence else ""
            except Exception as error:
                if not isinstance(error, HeadraceError):
                    logger.exception("runs cannot be followed")
                self._follower, silence = None, str(error)
            self._heard = self._clock()
            self._tell_problem(silence)
            if silence:
                self._ended.wait(_PAUSE_SECONDS)
                continue
            if since == 0 or not changes.complete:
                self._broadcast.publish_all(changes.sequence)
            else:
                topics = _topics(changes)
                if changes.other_runs:
                    # Pages that were opened meanwhile show runs that were not asked for.
                    topics |= {RUN_TOPIC + run for run in self._wanted_runs() - asked}
                self._broadcast.publish(topics, changes.sequence)
            since = changes.sequence
            if not changes.is_empty:
                # More that comes meanwhile is told together, and so it is read.
                self._ended.wait(self._broadcast.pace.seconds_left())
                self._heard = self._clock()  # nobody was asked meanwhile

    def _wanted_runs(self) -> frozenset[str]:
        topics = (each for each in self._broadcast.wanted() if each.startswith(RUN_TOPIC))
        runs = (topic.removeprefix(RUN_TOPIC) for topic in topics)
        # Whatever else a browser writes there is no run.
        return frozenset(run for run in runs if _RUN_ID.fullmatch(run))

    def _tell_problem(self, problem: str) -> None:
        if problem == self._problem:
            return
        changed = bool(problem) != bool(self._problem)
        self._problem = problem
        if changed:
            self._broadcast.beat()
            self._broadcast.publish(("facility",))


def _topics(changes: Changes) -> set[str]:
    runs = {run.run_id for run in changes.runs} | {*changes.removed_run_ids}
    asked = {each.run_id for each in changes.web_inputs}
    topics = {f"{RUN_TOPIC}{run}" for run in runs | asked}
    topics |= {f"flow:{flow}" for flow in changes.flow_ids}
    if runs or asked or changes.other_runs:
        topics |= {"runs", "web_inputs"}
    if changes.flow_ids:
        topics.add("flows")
    return topics
