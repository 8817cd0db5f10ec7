"""The call that says which runs conditions choose, and how many they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from starlette.requests import Request
from starlette.routing import Route

from headrace._internal.json_check import load_json
from headrace._internal.text_pattern import MAX_PATTERN_LENGTH, MAX_PATTERNS, text_pattern
from headrace.facility.api.backend import backend_of
from headrace.facility.api.errors import unprocessable
from headrace.facility.api.requests import boolean_parameter, effective_query, integer_parameter
from headrace.facility.api.responses import JSONResponse
from headrace.facility.api.runs import list_document, run_query
from headrace.facility.store.matching_runs import RunPatterns

_MOST: Final = 10_000
_MOST_SHOWN: Final = 100
_KINDS: Final = ("tags", "labels", "causes")


def matching(request: Request) -> JSONResponse:
    """``GET /batch/runs/matching``: the facility's own; runs by the filters of ``GET /runs``.

    ``patterns`` is a JSON object of lists of texts, ``tags``, ``labels`` and ``causes``; of each
    that is given, one must match. The newest ``limit`` runs are counted.
    """
    backend = backend_of(request)
    query = effective_query(request.query_params)
    wanted = replace(
        _patterns(query.get("patterns", "")),
        is_held=boolean_parameter(query, "filter_held"),
        is_unmended=boolean_parameter(query, "filter_unmended"),
    )
    most = integer_parameter(query, "limit", _MOST, 1, _MOST)
    shown = integer_parameter(query, "shown", 0, 0, _MOST_SHOWN)
    found = backend.matcher.find(run_query(request, query), wanted, most, shown)
    return JSONResponse(
        {
            "count": len(found.ids),
            "has_more": found.has_more,
            "run_ids": found.ids,
            "statuses": dict(found.statuses),
            "flow_titles": dict(found.flow_titles),
            "runs": [list_document(backend, run) for run in found.runs],
        }
    )


def _patterns(text: str) -> RunPatterns:
    """Return the patterns of a query.

    Raises:
        InvalidValue: it is no JSON.
        APIError: it is no object of lists of texts.
    """
    given: Any = load_json(text, "patterns") if text else {}
    if not isinstance(given, Mapping) or not set(given) <= set(_KINDS):
        raise _refused(f"must be an object with {', '.join(_KINDS)}")
    for values in given.values():
        if (
            not isinstance(values, list)
            or len(values) > MAX_PATTERNS
            or not all(isinstance(one, str) and len(one) <= MAX_PATTERN_LENGTH for one in values)
        ):
            raise _refused(
                f"each must be a list of at most {MAX_PATTERNS} texts"
                f" of {MAX_PATTERN_LENGTH:,} characters"
            )
    plain = frozenset(one for one in given.get("tags", ()) if "*" not in one)
    return RunPatterns(
        plain_tags=plain,
        tags=[text_pattern(one) for one in given.get("tags", ()) if one not in plain],
        labels=[text_pattern(one) for one in given.get("labels", ())],
        causes=[text_pattern(one) for one in given.get("causes", ())],
    )


def _refused(message: str) -> Exception:
    return unprocessable([{"loc": ["patterns"], "msg": message, "type": "value_error"}])


ROUTES = [Route("/batch/runs/matching", matching, methods=["GET"])]
