"""Watching triggers and following the runs they start, on one board."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.cli.following import Following
from headrace.cli.options import Session
from headrace.cli.termio.progress import Board

if TYPE_CHECKING:
    from headrace.hosted import Services
    from headrace.project import Project
    from headrace.triggers import Arrival, Ledger, Trigger, WatchEvent

# An arrival whose run could not be started so often keeps nobody waiting any more.
ATTEMPTS = 3


@dataclass
class Watched:
    """What a watch has seen.

    Attributes:
        watching: triggers whose directory is being watched.
        waiting: arrivals without a run, each with the number of failed attempts.
        pending: arrivals whose check or start has been asked for, and has not answered yet.
        sizes: files and bytes of arrivals when they were looked at last.
        runs: runs that have just been started, with their arrivals.
        refused: arrivals whose run was refused for good.
        undone: problems by which something was left without a run.
    """

    watching: set[str] = field(default_factory=set)
    waiting: dict[Arrival, int] = field(default_factory=dict)
    pending: set[Arrival] = field(default_factory=set)
    sizes: dict[Arrival, tuple[int, int]] = field(default_factory=dict)
    runs: dict[str, Arrival] = field(default_factory=dict)
    refused: set[Arrival] = field(default_factory=set)
    undone: set[str] = field(default_factory=set)

    def note(self, event: WatchEvent) -> str | None:
        """Take an event in, and return a line for people if it is worth one."""
        from headrace import triggers

        match event:
            case triggers.Watching(trigger=trigger, directory=directory, observer=observer):
                self.watching.add(trigger)
                return f"{trigger}: watching {directory} ({observer})"
            case triggers.Seen(arrival=arrival):
                if arrival in self.waiting:
                    return None  # its disk was away meanwhile
                self.waiting[arrival] = 0
                return f"{arrival.name}: arrived in {arrival.location.parent}"
            case triggers.CheckStarted(arrival=arrival):
                self.pending.add(arrival)
            case triggers.CheckFinished(arrival=arrival):
                self.pending.discard(arrival)
            case triggers.Removed(arrival=arrival):
                self._done_with(arrival)
                return f"{arrival.name}: removed before its run was started"
            case triggers.Starting(arrival=arrival, attempt=attempt):
                self.waiting.setdefault(arrival, 0)
                if attempt <= ATTEMPTS:
                    self.pending.add(arrival)
            case triggers.Started(arrival=arrival, run_id=run_id):
                self._done_with(arrival)
                self.refused.discard(arrival)
                self.runs[run_id] = arrival
                return f"{arrival.name}: complete, run {run_id}"
            case triggers.StartFailed(arrival=arrival, reason=reason, attempts=attempts) as failed:
                self.waiting[arrival] = attempts
                self.pending.discard(arrival)
                return f"{arrival.name}: no run: {reason} (again in {failed.retry_in:.0f} s)"
            case triggers.Refused(arrival=arrival, reason=reason):
                self._done_with(arrival)
                self.refused.add(arrival)
                return (
                    f"{arrival.name}: refused: {reason}; once that is mended: "
                    f"headrace trigger retry {arrival.trigger}"
                )
            case triggers.Problem(trigger=trigger, message=message, blocks_run=undone):
                if undone:
                    self.undone.add(message)
                return f"{trigger}: {message}"
        return None

    def _done_with(self, arrival: Arrival) -> None:
        self.waiting.pop(arrival, None)
        self.sizes.pop(arrival, None)
        self.pending.discard(arrival)

    def is_progress(self, event: WatchEvent) -> bool:
        """Tell whether something has happened; other words for what an arrival lacks are nothing.

        Args:
            event: what was told, before it is noted.
        """
        from headrace.triggers import CheckFinished, Incomplete

        if isinstance(event, CheckFinished):
            return event.arrival in self.pending
        if not isinstance(event, Incomplete):
            return True
        size = (event.files, event.size)
        before, self.sizes[event.arrival] = self.sizes.get(event.arrival), size
        return size != before

    def take_started(self) -> list[str]:
        """Return the runs that were started since it was asked last."""
        started, self.runs = list(self.runs), {}
        return started

    @property
    def unfinished(self) -> bool:
        """Whether something that lies there has no run."""
        return bool(self.waiting or self.refused or self.undone)

    @property
    def hopeful(self) -> bool:
        """Whether an arrival may still get its run soon."""
        return any(attempts < ATTEMPTS for attempts in self.waiting.values())


class Watch:
    """Runs the watcher in a thread of its own, and follows its runs in this one.

    Args:
        session: the command's session.
        project: the project.
        triggers: what to watch.
        board: where everything is shown.
        ledger: the ledger, open; opened for the time of the watch by default.
    """

    def __init__(
        self,
        session: Session,
        project: Project,
        triggers: Sequence[Trigger],
        board: Board,
        ledger: Ledger | None = None,
    ) -> None:
        from headrace.runs.discovery import NewRuns
        from headrace.runs.run_notifier import RunTeller

        self._session = session
        self._project = project
        self._triggers = triggers
        self._board = board
        self._ledger = ledger
        self._events: queue.SimpleQueue[WatchEvent] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._heard = 0.0
        self._patience = 5.0 + 2 * max(found.settle + found.interval for found in triggers)
        self._teller = RunTeller(project, self._file("watching", "json"), board.say, session.place)
        self.following = Following(
            session,
            project,
            board,
            lenient=True,
            on_look=self._teller.look,
            find=NewRuns(project, session.place).look,
            on_found=self._teller.begin_other,
        )
        for run_id in self._teller.remembered():
            self.following.add(run_id)
        for run_id in self._teller.remembered(others=True):
            self.following.add_other(run_id)
        self.watched = Watched()

    def run(self, idle: float | None = None) -> None:
        """Watches until interrupted or, with ``idle``, until nothing is left to do.

        Args:
            idle: seconds without anything waiting or under way after which to end.

        Raises:
            HeadraceError: the watcher cannot work.
        """
        thread = threading.Thread(target=self._watch, name="watcher", daemon=True)
        thread.start()
        last = self._heard = time.monotonic()
        try:
            while thread.is_alive():
                self._take_events(self.following.interval)
                self.following.look()
                self._teller.keep(self.following.open)
                if self._occupied():
                    last = time.monotonic()
                elif idle is not None and time.monotonic() - last >= idle:
                    break
        finally:
            self._stop.set()
            thread.join()
            self._take_events(0)
            self._teller.close()
        if self._error is not None:
            raise self._error

    def _file(self, name: str, suffix: str) -> Path:
        return _state_file(self._project, self._session.place, name, suffix)

    def _watch(self) -> None:
        from headrace.triggers import Ledger

        try:
            if self._ledger is not None:
                self._watch_with(self._ledger)
                return
            with Ledger(ledger_file(self._project, self._session.place)) as ledger:
                self._watch_with(ledger)
        except BaseException as error:  # noqa: BLE001 - raised again in the main thread
            self._error = error

    def _watch_with(self, ledger: Ledger) -> None:
        from headrace.triggers import Watcher, arrival_from_record
        from headrace.triggers.project_launcher import (
            ProjectRunClient,
        )

        by_name = {trigger.name: trigger for trigger in self._triggers}

        def connect() -> Services:
            return self._session.services(self._project, start=True, say=self._board.say)

        def arrival(tag: str) -> tuple[Trigger, Arrival] | None:
            record = ledger.find_by_tag(tag)
            trigger = by_name.get(record.trigger) if record else None
            return (trigger, arrival_from_record(trigger, record)) if trigger and record else None

        starter = ProjectRunClient(self._project, self._session.place, connect, arrival)
        Watcher(self._triggers, ledger, starter, self._events.put).run(self._stop)

    def _take_events(self, wait: float) -> None:
        from headrace.triggers import Refused, StartFailed

        deadline = time.monotonic() + wait
        while True:
            try:
                event = self._events.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                return
            if self.watched.is_progress(event):
                self._heard = time.monotonic()
            line = self.watched.note(event)
            if line:
                self._board.say(line)
            if isinstance(event, StartFailed) and event.attempts == ATTEMPTS:
                self._teller.no_run(event.arrival.name, event.reason)
            if isinstance(event, Refused):
                self._teller.no_run(event.arrival.name, event.reason)
            for run_id in self.watched.take_started():
                self._teller.begin(run_id)
                self.following.add(run_id)

    def _occupied(self) -> bool:
        if self.following.busy or len(self.watched.watching) < len(self._triggers):
            return True
        if self.watched.pending:
            # Checks and starts are bounded themselves.
            return True
        # An empty directory, or a marker that never comes, is waited for, but not for ever.
        return self.watched.hopeful and time.monotonic() - self._heard < self._patience


def ledger_file(project: Project, place: str) -> Path:
    """Return where the ledger of a place is."""
    return _state_file(project, place, "triggers", "db")


def _state_file(project: Project, place: str, name: str, suffix: str) -> Path:
    from headrace.facility import state_directory

    return state_directory(project.root) / f"{name}.{place}.{suffix}"
