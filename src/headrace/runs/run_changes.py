"""Follow what changes at a target: the runs, web inputs and flows that are not as they were.

At a facility the changes come from its journal, as they happen; the hosted services have none, and
are asked for their lists at an interval. Both are followed in the same way: a call with the number
that was seen last gives what changed since.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from headrace._internal.backoff import backoff_seconds
from headrace.errors import HeadraceError
from headrace.runs.change_records import ChangedRun, ChangedWebInput, Changes, Silence
from headrace.runs.list_changes import ListChanges
from headrace.runs.service_connection import ServiceConnection

if TYPE_CHECKING:
    from headrace.hosted import Services

# Seconds between two attempts to reach services that do not answer.
_FIRST_PAUSE: Final = 0.25
_LONGEST_PAUSE: Final = {"local": 2.0, "globus": 30.0}
# A facility keeps a question for up to a minute. One that hangs is to be noticed sooner.
_LONGEST_WAIT: Final = 2
_ANSWER_SECONDS: Final = 3.0
# Of a facility of an earlier release, which has no journal.
_FACILITY_INTERVAL: Final = 1.0
_NOT_FOUND: Final = 404


class ChangeFollower:
    """Follower of the changes at a target; one thread calls it.

    Args:
        connect: gives the services of the target; asked again after they did not answer.
        target: ``local`` or ``globus``.
        interval: seconds between two looks at the lists of a target without a journal, at least.
    """

    def __init__(
        self, connect: Callable[[], Services], target: str, interval: float | None = None
    ) -> None:
        self._connection = ServiceConnection(connect)
        self._lists = ListChanges(interval) if target != "local" else None
        self._longest_pause = _LONGEST_PAUSE.get(target, _LONGEST_PAUSE["globus"])
        self._stopped = threading.Event()
        self._failures = 0
        self._answered_at = datetime.now(UTC)
        self._silence: Silence | None = None

    @property
    def silence(self) -> Silence | None:
        """That the services do not answer, and since when; None while they do."""
        return self._silence

    def stop(self) -> None:
        """Have a call of `wait` in another thread return soon, and later ones at once."""
        self._stopped.set()

    def wait(self, since: int, seconds: float, run_ids: Collection[str] | None = None) -> Changes:
        """Return what changed after a number, as soon as anything has.

        Services that do not answer are no error: that begins and ends is told at once, in
        ``silence``, and they are asked again meanwhile.

        Args:
            since: ``sequence`` of the answer before; 0 at first.
            seconds: how long to wait at the most where nothing changes.
            run_ids: the runs to name; of others is told that some changed, which costs a facility
                less. None for all. A target without a journal names all in any case.
        """
        deadline = time.monotonic() + seconds
        was_silent = self._silence is not None
        while True:
            left = max(0.0, deadline - time.monotonic())
            try:
                # Whether they answer again is to be known at once.
                changes = self._ask(since, 0.0 if self._silence else left, run_ids)
            except (HeadraceError, OSError) as error:
                silence = self._note_failure(error)
                if not was_silent or not left or self._stopped.is_set():
                    return Changes(since, complete=True, silence=silence)
                pause = backoff_seconds(self._failures - 1, _FIRST_PAUSE, self._longest_pause)
                self._stopped.wait(min(pause, left))
                continue
            self._failures, self._silence, self._answered_at = 0, None, datetime.now(UTC)
            if was_silent or not changes.is_empty or not left or self._stopped.is_set():
                return changes

    def _note_failure(self, error: Exception) -> Silence:
        self._failures += 1
        since = self._silence.since if self._silence else self._answered_at
        self._silence = Silence(since, " ".join(str(error).split()))
        return self._silence

    def _ask(self, since: int, seconds: float, run_ids: Collection[str] | None) -> Changes:
        if self._lists is None:
            wait = min(math.ceil(seconds), _LONGEST_WAIT)
            found = self._connection.ask(
                lambda services: _read_journal(services, since, wait, run_ids)
            )
            if found is not None:
                return found
            self._lists = ListChanges(_FACILITY_INTERVAL)
        lists = self._lists
        return self._connection.ask(
            lambda services: lists.wait(services, since, seconds, self._stopped)
        )


def _read_journal(
    services: Services, since: int, wait: int, run_ids: Collection[str] | None
) -> Changes | None:
    """Return what a facility's journal says; None where it has none."""
    only = {} if run_ids is None else {"run_ids": ",".join(sorted(run_ids))}
    query = {"since": since, "wait": wait, **only}
    status, document = services.ask_once("/changes", query, wait + _ANSWER_SECONDS)
    if status == _NOT_FOUND:
        return None
    changes = _changes(document)
    while document["has_next_page"]:
        query = {"since": changes.sequence, "wait": 0, **only}
        status, document = services.ask_once("/changes", query, _ANSWER_SECONDS)
        changes = _joined(changes, _changes(document))
    return changes


def _changes(document: Mapping[str, Any]) -> Changes:
    return Changes(
        sequence=int(document["sequence"]),
        complete=bool(document["complete"]),
        runs=tuple(
            ChangedRun(run["run_id"], run["flow_id"], run["status"]) for run in document["runs"]
        ),
        removed_run_ids=tuple(document["removed_run_ids"]),
        flow_ids=tuple(document["flow_ids"]),
        web_inputs=tuple(
            ChangedWebInput(each["id"], each["run_id"], each["status"])
            for each in document["web_inputs"]
        ),
        # A facility of an earlier release names all.
        other_runs=bool(document.get("other_runs")),
    )


def _joined(first: Changes, later: Changes) -> Changes:
    removed = dict.fromkeys((*first.removed_run_ids, *later.removed_run_ids))
    return Changes(
        sequence=later.sequence,
        complete=later.complete,
        runs=(*{run.run_id: run for run in (*first.runs, *later.runs)}.values(),),
        removed_run_ids=(*removed,),
        flow_ids=(*dict.fromkeys((*first.flow_ids, *later.flow_ids)),),
        web_inputs=(*{one.id: one for one in (*first.web_inputs, *later.web_inputs)}.values(),),
        other_runs=first.other_runs or later.other_runs,
    )
