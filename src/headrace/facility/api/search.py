"""Subset of the Search API: entries that flows have published."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from headrace.facility.api.backend import backend_of
from headrace.facility.api.errors import unprocessable
from headrace.facility.api.responses import JSONResponse


def subject(request: Request) -> Response:
    """``GET /v1/index/{id}/subject``: the entries of a subject."""
    name = request.query_params.get("subject")
    if not name:
        message = "field required"
        raise unprocessable([{"loc": ["subject"], "msg": message, "type": "value_error.missing"}])
    found = backend_of(request).search_index.entries_of_subject(
        request.path_params["index_id"], name
    )
    entries = [
        {
            "entry_id": entry["entry_id"],
            "content": entry["content"],
            "matched_principal_sets": [],
        }
        for entry in found
    ]
    return JSONResponse(
        {
            "@datatype": "GMetaResult",
            "@version": "2019-08-27",
            "subject": name,
            "entries": entries,
        }
    )


ROUTES = [Route("/v1/index/{index_id}/subject", subject, methods=["GET"])]
