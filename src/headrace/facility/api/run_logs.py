"""The call that reads the logs of many runs at once."""

from __future__ import annotations

import json
from typing import Any, Final

from starlette.requests import Request
from starlette.routing import Route

from headrace.facility.api.backend import backend_of
from headrace.facility.api.requests import effective_query, list_parameter
from headrace.facility.api.responses import JSONResponse
from headrace.facility.errors import NotFound

# Of each log, and characters of an answer: what is longer is read by itself.
_MAX_ENTRIES: Final = 100
_MAX_CHARACTERS: Final = 4_000_000


def logs(request: Request) -> JSONResponse:
    """``GET /batch/runs/logs``: the facility's own; the logs of up to 100 runs, by their ids.

    Runs that are not there are left out, and so are those whose logs do not fit: `GET
    /runs/{id}/log` has these.
    """
    backend = backend_of(request)
    query = effective_query(request.query_params)
    found: dict[str, list[dict[str, Any]]] = {}
    size = 0
    for run_id in list_parameter(query, "run_ids"):
        try:
            page = backend.runs.log_page(run_id, _MAX_ENTRIES)
        except NotFound:
            continue
        entries = [entry.document() for entry in page.entries]
        size += len(json.dumps(entries))
        if size > _MAX_CHARACTERS:
            break
        if page.next is None:
            found[run_id] = entries
    return JSONResponse({"logs": found})


ROUTES = [Route("/batch/runs/logs", logs, methods=["GET"])]
