"""The call that changes many runs at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.routing import Route

from headrace.facility.api.backend import Backend, backend_of
from headrace.facility.api.errors import unprocessable
from headrace.facility.api.requests import json_object
from headrace.facility.api.responses import JSONResponse
from headrace.facility.engine.run_creation import SHARED_FIELDS, shared_metadata
from headrace.facility.errors import NotFound
from headrace.flowlang import run_metadata_entries

# Runs of one request, and those of them that share a commit: other requests wait so long.
MAX_RUNS: Final = 10_000
_RUNS_OF_A_COMMIT: Final = 200
# What a run may be asked to become.
_STATUSES: Final = ("cancel", "hold", "release")
_MEMBERS: Final = {
    "": {"filters", "set", "add", "remove"},
    "filters": {"run_ids"},
    "set": {*SHARED_FIELDS, "status"},
    "add": {*SHARED_FIELDS},
    "remove": {*SHARED_FIELDS},
}


async def change_runs(request: Request) -> JSONResponse:
    """``POST /batch/runs``: cancels, holds or releases runs, changes tags, managers and monitors.

    A run that is not there, has ended where it was to be cancelled, or would have too many tags,
    keeps no other from its change. The answer says nothing of it, as the hosted service's, which
    knows no status but ``cancel``.
    """
    backend, body = backend_of(request), await json_object(request)
    _check(body)
    await run_in_threadpool(_change_all, backend, body)
    return JSONResponse({}, 202)


def _check(body: dict[str, Any]) -> None:
    entries = _unknown_members("", body)
    for name in ("filters", "set", "add", "remove"):
        part = body.get(name)
        if part is None:
            continue
        if not isinstance(part, dict):
            entries.append(_entry([name], "value is not a valid dict", "type_error.dict"))
            continue
        entries += _unknown_members(name, part)
        if name != "filters":
            entries += [
                {**entry, "loc": [name, *entry["loc"]]} for entry in run_metadata_entries(part)
            ]
    filters = body.get("filters")
    run_ids = filters.get("run_ids") if isinstance(filters, dict) else None
    if not isinstance(run_ids, list) or not 1 <= len(run_ids) <= MAX_RUNS:
        message = f"must be a list of 1 to {MAX_RUNS} ids of runs"
        entries.append(_entry(["filters", "run_ids"], message, "value_error"))
    elif not all(isinstance(run_id, str) for run_id in run_ids):
        entries.append(_entry(["filters", "run_ids"], "str type expected", "type_error.str"))
    changes = body.get("set")
    if isinstance(changes, dict) and changes.get("status", "cancel") not in _STATUSES:
        message = f"must be one of {', '.join(_STATUSES)}"
        entries.append(_entry(["set", "status"], message, "value_error"))
    if entries:
        raise unprocessable(entries)


def _unknown_members(name: str, part: Mapping[str, Any]) -> list[dict[str, Any]]:
    unknown = sorted(set(part) - _MEMBERS[name])
    loc = [name] if name else []
    message = "extra fields not permitted"
    return [_entry([*loc, key], message, "value_error.extra") for key in unknown]


def _entry(loc: list[str], message: str, kind: str) -> dict[str, Any]:
    return {"loc": loc, "msg": message, "type": kind}


def _change_all(backend: Backend, body: dict[str, Any]) -> None:
    given = {name: dict(body.get(name) or {}) for name in ("set", "add", "remove")}
    status = given["set"].pop("status", None)
    changes = {name: shared_metadata(part) for name, part in given.items()}
    run_ids = [*dict.fromkeys(body["filters"]["run_ids"])]
    for first in range(0, len(run_ids), _RUNS_OF_A_COMMIT):
        part = run_ids[first : first + _RUNS_OF_A_COMMIT]
        if any(changes.values()):
            _change_metadata(backend, part, changes)
        if status == "cancel":
            backend.engine.changes.cancel_runs(part)
        elif status is not None:
            backend.engine.changes.set_held(part, status == "hold")


def _change_metadata(
    backend: Backend, run_ids: Sequence[str], changes: Mapping[str, Mapping[str, list[str]]]
) -> None:
    with backend.engine.transaction() as db:
        for run_id in run_ids:
            try:
                metadata = backend.runs.get(run_id, db).metadata
            except NotFound:
                continue
            wanted: dict[str, list[str]] = dict(changes["set"])
            for name in SHARED_FIELDS:
                added, removed = (changes[part].get(name, []) for part in ("add", "remove"))
                if added or removed:
                    kept = dict.fromkeys([*wanted.get(name, metadata[name]), *added])
                    wanted[name] = [each for each in kept if each not in removed]
            if not run_metadata_entries(wanted):
                backend.runs.update(run_id, wanted)


ROUTES = [Route("/batch/runs", change_runs, methods=["POST"])]
