"""Changes at a target without a journal: its lists are compared with what they were before."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from headrace.runs.change_records import ChangedRun, ChangedWebInput, Changes
from headrace.runs.poller import parse_time

if TYPE_CHECKING:
    from headrace.hosted import Services

INTERVAL_SECONDS: Final = 10.0
"""Seconds between two looks at the hosted services, which answer many."""
# Where many runs are open their list has many pages: each adds so much to the interval.
_SECONDS_A_REQUEST: Final = 2.0
_PAGE: Final = 100
_FLOWS: Final = 20
# A run that ended may be visible a little later than another that ended after it.
_OVERLAP: Final = timedelta(seconds=60)
# After so many looks a run that is in no list any more is taken for removed.
_LOOKS_UNTIL_REMOVED: Final = 3
_MAX_KEPT: Final = 10_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

# Statuses by which a service keeps web inputs from somebody.
_NOT_SHOWN: Final = frozenset({403, 404})

# Kind of what changed, and its id.
_Key = tuple[str, str]
_RUN, _REMOVED, _FLOW, _WEB_INPUT = "run", "removed", "flow", "web input"


class ListChanges:
    """Looks at the lists of runs, web inputs and flows, and numbers what is different.

    What it has seen is in memory: the numbers of another process are unknown to it. Of runs that
    have ended, later changes of labels and tags are not seen.

    Args:
        interval: seconds between two looks at least.
    """

    def __init__(self, interval: float | None = None) -> None:
        self._interval = INTERVAL_SECONDS if interval is None else interval
        # Hardly a number of any other process.
        self._sequence = self._oldest = secrets.randbits(48) + 1
        self._changed: dict[_Key, tuple[int, Any]] = {}
        self._open: dict[str, Mapping[str, Any]] | None = None
        self._ended: dict[str, Any] = {}
        self._ended_since = _EPOCH
        self._missing: dict[str, int] = {}
        self._web_inputs: dict[str, str] | None = None
        self._flows: dict[str, str] | None = None
        self._next_look = 0.0
        self._requests = 0

    def wait(
        self, services: Services, since: int, seconds: float, stopped: threading.Event
    ) -> Changes:
        """Return what changed after a number, as soon as a look has found anything.

        Raises:
            GlobusError: the services refuse or do not answer; the next call looks again.
        """
        deadline = time.monotonic() + seconds
        while True:
            moment = time.monotonic()
            if moment >= self._next_look:
                self._look(services)
                continue
            found = self._since(since)
            left = min(deadline, self._next_look) - moment
            if not found.is_empty or deadline <= moment or stopped.wait(max(0.0, left)):
                return found

    def _since(self, since: int) -> Changes:
        if not self._oldest <= since <= self._sequence:
            return Changes(self._sequence, complete=False)
        new = [(key, what) for key, (number, what) in self._changed.items() if number > since]
        return Changes(
            self._sequence,
            runs=tuple(what for (kind, _), what in new if kind == _RUN),
            removed_run_ids=tuple(key[1] for key, _ in new if key[0] == _REMOVED),
            flow_ids=tuple(key[1] for key, _ in new if key[0] == _FLOW),
            web_inputs=tuple(what for (kind, _), what in new if kind == _WEB_INPUT),
        )

    def _note(self, kind: str, id_: str, what: Any = None) -> None:
        self._sequence += 1
        self._changed.pop((kind, id_), None)
        self._changed[kind, id_] = (self._sequence, what)
        while len(self._changed) > _MAX_KEPT:
            self._oldest, _ = self._changed.pop(next(iter(self._changed)))

    def _look(self, services: Services) -> None:
        # Nothing is noted before all lists are read: a look that fails is made again.
        self._requests = 0
        opened = {run["run_id"]: run for run in self._read(services, "/runs", "runs", _OPEN)}
        ended = self._read_ended(services)
        asked = self._read_web_inputs(services)
        flows = self._read_flows(services)
        self._next_look = time.monotonic() + max(
            self._interval, _SECONDS_A_REQUEST * self._requests if self._interval >= 1.0 else 0.0
        )
        self._compare_runs(opened, ended)
        self._compare_web_inputs(asked)
        for flow_id, updated in flows.items():
            if self._flows is not None and self._flows.get(flow_id) != updated:
                self._note(_FLOW, flow_id)
        self._flows = {**(self._flows or {}), **flows}

    def _compare_runs(
        self, opened: Mapping[str, Mapping[str, Any]], ended: Mapping[str, Mapping[str, Any]]
    ) -> None:
        before = self._open
        for run_id, run in opened.items():
            known = before.get(run_id) if before is not None else run
            if known is None or _fingerprint(known) != _fingerprint(run):
                self._note_run(run)
        for run_id, run in ended.items():
            if before is not None and self._ended.get(run_id) != _fingerprint(run):
                self._note_run(run)
        gone = {*(before or {}), *self._missing} - {*opened, *ended}
        self._missing = {run_id: self._missing.get(run_id, 0) + 1 for run_id in gone}
        for run_id in [
            one for one, looks in self._missing.items() if looks >= _LOOKS_UNTIL_REMOVED
        ]:
            del self._missing[run_id]
            self._note(_REMOVED, run_id)
        self._open = dict(opened)
        self._ended = {run_id: _fingerprint(run) for run_id, run in ended.items()}

    def _note_run(self, run: Mapping[str, Any]) -> None:
        changed = ChangedRun(str(run["run_id"]), str(run["flow_id"]), str(run["status"]))
        self._note(_RUN, changed.run_id, changed)

    def _compare_web_inputs(self, asked: Mapping[str, str]) -> None:
        if self._web_inputs is not None:
            for id_ in [*asked.keys() - self._web_inputs.keys()]:
                self._note(_WEB_INPUT, id_, ChangedWebInput(id_, asked[id_], "open"))
            for id_ in [*self._web_inputs.keys() - asked.keys()]:
                self._note(_WEB_INPUT, id_, ChangedWebInput(id_, self._web_inputs[id_], "closed"))
        self._web_inputs = dict(asked)

    def _read_ended(self, services: Services) -> dict[str, Mapping[str, Any]]:
        if self._open is None:
            query = {"orderby": "completion_time DESC", "per_page": 1}
            query["filter_completion_time"] = f"{_EPOCH.isoformat()},"
            self._requests += 1
            for run in services.read("/runs", query)["runs"]:
                self._ended_since = parse_time(run["completion_time"]) or _EPOCH
        since = max(_EPOCH, self._ended_since - _OVERLAP)
        query = {
            "filter_completion_time": f"{since.astimezone(UTC).isoformat()},",
            "orderby": "completion_time ASC",
            "per_page": _PAGE,
        }
        found: dict[str, Mapping[str, Any]] = {
            run["run_id"]: run for run in self._read(services, "/runs", "runs", query)
        }
        times = [parse_time(run["completion_time"]) for run in found.values()]
        self._ended_since = max([self._ended_since, *(each for each in times if each)])
        return found

    def _read_web_inputs(self, services: Services) -> dict[str, str]:
        from globus_sdk import GlobusAPIError

        query = {"filter_states": "open", "per_page": _PAGE}
        try:
            found = self._read(services, "/web_inputs", "web_input_summaries", query)
        except GlobusAPIError as error:
            if error.http_status not in _NOT_SHOWN:
                raise
            return {}  # without the right to see them there are none
        return {str(one["id"]): str(one["run"]["id"]) for one in found}

    def _read_flows(self, services: Services) -> dict[str, str]:
        self._requests += 1
        page = services.read("/flows", {"orderby": "updated_at DESC", "per_page": _FLOWS})
        return {str(flow["id"]): str(flow.get("updated_at")) for flow in page["flows"]}

    def _read(
        self, services: Services, path: str, key: str, query: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        found = [*services.read_items(path, key, query)]
        self._requests += 1 + len(found) // _PAGE
        return found


_OPEN: Final = {
    "filter_status": "ACTIVE,INACTIVE",
    "orderby": "start_time DESC",
    "per_page": _PAGE,
}


def _fingerprint(run: Mapping[str, Any]) -> tuple[Any, ...]:
    details = run.get("details")
    last = details if isinstance(details, Mapping) else {}
    tags = tuple(run.get("tags") or ())
    members = (run.get(name) for name in ("status", "label", "held_at", "blocking_web_input_id"))
    return (*members, tags, last.get("code"), last.get("time"))
