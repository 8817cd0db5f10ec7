"""Parsing of requests: bodies, pages, filters."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import QueryParams
from starlette.requests import Request

from headrace._internal.json_check import InvalidValue, Limits, check_text, load_json
from headrace._internal.terminal_text import terminal_text
from headrace.facility.api.errors import APIError, invalid_value, unprocessable
from headrace.flowlang import limits

T = TypeVar("T")

DEFAULT_PAGE: Final = 20
# A payload inside what surrounds it in a request.
_LIMITS: Final = Limits(depth=limits.MAX_DEPTH + 8)
# Bodies of more bytes are read and checked beside the event loop, which goes on meanwhile.
_LARGE_BYTES: Final = 50_000
_MAX_FILTERS: Final = 500
_NUMBER: Final = re.compile(r"[0-9]{1,18}")


async def json_object(request: Request) -> dict[str, Any]:
    """Return the request's body, which must be a JSON object or nothing.

    Raises:
        APIError: it is neither.
    """
    data = await request.body()
    if not data:
        return {}
    try:
        if await is_large(request):
            body = await run_in_threadpool(load_json, data, "body", _LIMITS)
        else:
            body = load_json(data, "body", _LIMITS)
    except InvalidValue as error:
        raise invalid_value(error) from None
    if not isinstance(body, dict):
        raise unprocessable([{"loc": [], "msg": "value is not a valid dict", "type": "type_error"}])
    return body


async def is_large(request: Request) -> bool:
    """Say whether the request's body is too large to be worked on in the event loop."""
    return len(await request.body()) > _LARGE_BYTES


def idempotency_key(body: Mapping[str, Any], operation: str) -> str | None:
    """Return the idempotency key of a request; None where the client gives no id.

    Args:
        body: the request's body; its ``request_id`` is the client's id of it.
        operation: the operation, such as ``start of FLOW``. Ids of different clients and of
            the facility's own requests are kept apart by it.

    Raises:
        InvalidValue: the client's id is no text, or too long.
    """
    given = body.get("request_id")
    if given is None:
        return None
    return f"{operation}: {check_text(given, 'request_id', max_length=limits.MAX_TAG)}"


def retry_operation(run_id: str) -> str:
    """Return the operation of a run's retry, as `idempotency_key` takes it."""
    return f"retry of {run_id}"


def effective_query(query: QueryParams) -> Mapping[str, str]:
    """Return the query, which a marker replaces but for the page's size.

    Raises:
        APIError: the marker is not one of this facility.
    """
    marker = query.get("marker")
    if marker is None:
        merged: dict[str, str] = {}
        for key, value in query.multi_items():
            merged[key] = f"{merged[key]},{value}" if key in merged else value
        return merged
    try:
        return dict(parse_qsl(base64.urlsafe_b64decode(marker).decode(), strict_parsing=True))
    except ValueError as error:
        raise APIError(400, "BAD_REQUEST", "marker: not from an earlier page") from error


def next_marker(query: Mapping[str, str], offset: int) -> str:
    """Return a marker that continues the same query at ``offset``."""
    following = {**query, "_offset": str(offset)}
    return base64.urlsafe_b64encode(urlencode(following).encode()).decode()


def marker_after(query: Mapping[str, str], position: Sequence[str | int]) -> str:
    """Return a marker that continues the same query after a position in the order."""
    following = {**query, "_after": json.dumps(position)}
    return base64.urlsafe_b64encode(urlencode(following).encode()).decode()


def marker_position(query: Mapping[str, str], kinds: Sequence[type[str | int]]) -> list[str | int]:
    """Return the position after which a marker continues; empty for the first page.

    Args:
        query: the query.
        kinds: types of a position's members in this query's order.

    Raises:
        APIError: the marker is none of this query.
    """
    text = query.get("_after")
    if text is None and "_offset" not in query:
        return []
    try:
        position = load_json(text or "", "marker")
    except InvalidValue:
        position = None
    if not isinstance(position, list) or [type(item) for item in position] != list(kinds):
        raise APIError(400, "BAD_REQUEST", "marker: not from an earlier page")
    return position


def integer_parameter(
    query: Mapping[str, str], name: str, default: int, low: int, high: int
) -> int:
    """Return a whole number from the query.

    Raises:
        APIError: it is none, or outside the bounds.
    """
    text = query.get(name)
    if text is None:
        return default
    if not _NUMBER.fullmatch(text) or not low <= int(text) <= high:
        message = f"must be a whole number from {low} to {high}"
        raise unprocessable([{"loc": [name], "msg": message, "type": "value_error"}])
    return int(text)


def list_parameter(query: Mapping[str, str], name: str) -> list[str]:
    """Return the values of a filter that may have more than one.

    Raises:
        APIError: they are too many.
    """
    values = [value for value in query.get(name, "").split(",") if value]
    if len(values) > _MAX_FILTERS:
        message = f"{len(values)} values; at most {_MAX_FILTERS} are allowed"
        raise unprocessable([{"loc": [name], "msg": message, "type": "value_error"}])
    return values


def page_offset(query: Mapping[str, str]) -> int:
    """Return the offset of a page."""
    return integer_parameter(query, "_offset", 0, 0, 2**31)


def boolean_parameter(query: Mapping[str, str], name: str) -> bool:
    """Return a boolean from the query, in any spelling of case."""
    return query.get(name, "false").lower() in {"true", "1", "yes"}


def page(key: str, items: Sequence[T], query: Mapping[str, str]) -> tuple[list[T], dict[str, Any]]:
    """Return one page of a list.

    Returns:
        The page's items, and the members of the answer that describe the page.
    """
    limit = integer_parameter(query, "per_page", DEFAULT_PAGE, 1, 100)
    first = page_offset(query)
    more = len(items) > first + limit
    answer: dict[str, Any] = {key: [], "limit": limit, "has_next_page": more}
    if more:
        answer["marker"] = next_marker(query, first + limit)
    return list(items[first : first + limit]), answer


def order_terms(query: Mapping[str, str], keys: Collection[str]) -> list[tuple[str, bool]]:
    """Return the terms of ``orderby`` (``FIELD ASC|DESC``, comma-separated): field, descending.

    Raises:
        APIError: a field is not one of ``keys``.
    """
    terms = []
    for term in (term.split() for term in query.get("orderby", "").split(",") if term.strip()):
        name, direction = term[0], (term[1] if len(term) > 1 else "ASC").upper()
        if name not in keys or direction not in {"ASC", "DESC"}:
            message = f"must be one of {', '.join(keys)}, each with ASC or DESC"
            raise unprocessable([{"loc": ["orderby"], "msg": message, "type": "value_error"}])
        terms.append((name, direction == "DESC"))
    return terms


def time_interval(text: str | None) -> tuple[str, str]:
    """Return the bounds of ``from,to`` as stored times; empty where one is open.

    Raises:
        APIError: one is not a time.
    """
    first, _, last = (text or "").partition(",")
    return (_comparable(first) if first else "", _comparable(last) if last else "")


def _comparable(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text.strip())
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        # At the edge of the calendar another time zone has a year 0 or 10000.
        return moment.astimezone(UTC).isoformat(timespec="microseconds")
    except (ValueError, OverflowError) as error:
        raise APIError(400, "BAD_REQUEST", f"{terminal_text(text)!r:.80} is not a time") from error
