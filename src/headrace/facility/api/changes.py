"""The call that tells what changed: the facility's own, for whoever follows many runs."""

from __future__ import annotations

from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.routing import Route

from headrace.facility.api.backend import Backend, backend_of
from headrace.facility.api.errors import APIError
from headrace.facility.api.requests import effective_query, integer_parameter, list_parameter
from headrace.facility.api.responses import JSONResponse
from headrace.facility.store.change_journal import SUBJECTS_OF_A_ROW
from headrace.facility.store.change_pages import ChangePage

MAX_WAIT_SECONDS: Final = 60
_DEFAULT_PAGE: Final = 500
_MAX_PAGE: Final = 1000
_MAX_NUMBER: Final = 10**18 - 1
# Subjects of an answer that names only some runs: it is short, however many changed.
_MOST_SUBJECTS: Final = 20_000


async def list_changes(request: Request) -> JSONResponse:
    """``GET /changes``: what changed after a number, waited for where that is nothing yet."""
    backend = backend_of(request)
    query = effective_query(request.query_params)
    since = integer_parameter(query, "since", 0, 0, _MAX_NUMBER)
    seconds = integer_parameter(query, "wait", 0, 0, MAX_WAIT_SECONDS)
    limit = integer_parameter(query, "per_page", _DEFAULT_PAGE, SUBJECTS_OF_A_ROW, _MAX_PAGE)
    run_ids = frozenset(list_parameter(query, "run_ids")) if "run_ids" in query else None
    # What is unknown becomes known by no waiting.
    if seconds and since and since <= backend.store.changes.sequence:
        if backend.change_waiters.is_full:
            text = "as many requests as may wait for changes do so already; try again later"
            raise APIError(503, "SERVICE_UNAVAILABLE", text)
        await backend.change_waiters.wait(since, seconds, lambda: _disconnected(request))
    key = (since, limit, run_ids, backend.store.changes.sequence)
    answer = await backend.change_waiters.shared(
        key, lambda: run_in_threadpool(_answer, backend, since, limit, run_ids)
    )
    return JSONResponse(answer)


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _answer(
    backend: Backend, since: int, limit: int, run_ids: frozenset[str] | None
) -> dict[str, Any]:
    db = backend.store.reader()
    newest = backend.store.changes.sequence
    most = limit if run_ids is None else _MOST_SUBJECTS
    page = backend.store.changes.read(db, since, most, run_ids)
    if page is None:
        return _document(ChangePage(newest, (), (), (), (), more=False), complete=False)
    return _document(page, complete=True)


def _document(page: ChangePage, complete: bool) -> dict[str, Any]:
    return {
        "sequence": page.sequence,
        "complete": complete,
        "runs": [vars(run) for run in page.runs],
        "removed_run_ids": page.removed_run_ids,
        "other_runs": page.other_runs,
        "flow_ids": page.flow_ids,
        "web_inputs": [vars(web_input) for web_input in page.web_inputs],
        "has_next_page": page.more,
    }


ROUTES = [Route("/changes", list_changes, methods=["GET"])]
