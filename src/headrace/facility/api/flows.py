"""The calls on flows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.routing import Route

from headrace._internal.clock import now
from headrace.facility.api.backend import Backend, backend_of
from headrace.facility.api.checks import run_check
from headrace.facility.api.documents import flow_document, flow_roles, flow_scope
from headrace.facility.api.errors import unprocessable
from headrace.facility.api.requests import (
    effective_query,
    json_object,
    order_terms,
    page,
)
from headrace.facility.api.responses import JSONResponse
from headrace.facility.engine.validation import definition_entries, schema_entries
from headrace.facility.identity import Identity
from headrace.facility.store.flows import METADATA, StoredFlow
from headrace.flowlang import metadata_entries, parse_flow

_SETTABLE = {"title", "definition", "input_schema", "flow_owner", *METADATA}


async def create(request: Request) -> JSONResponse:
    """``POST /flows``."""
    backend, body = backend_of(request), await json_object(request)
    await run_check(_check, body, ("title", "definition"))
    flow = await run_in_threadpool(backend.flows.create, body)
    return JSONResponse(_document(backend, flow), 201)


async def update(request: Request) -> JSONResponse:
    """``PUT /flows/{id}``."""
    backend, body = backend_of(request), await json_object(request)
    await run_check(_check, body, ())
    flow = await run_in_threadpool(backend.flows.update, request.path_params["flow_id"], body)
    return JSONResponse(_document(backend, flow))


def show(request: Request) -> JSONResponse:
    """``GET /flows/{id}``."""
    backend = backend_of(request)
    return JSONResponse(_document(backend, backend.flows.get(request.path_params["flow_id"])))


def delete(request: Request) -> JSONResponse:
    """``DELETE /flows/{id}``."""
    backend = backend_of(request)
    flow = backend.flows.delete(request.path_params["flow_id"])
    return JSONResponse({**_document(backend, flow), "DELETED": True, "deleted_at": now()})


def list_flows(request: Request) -> JSONResponse:
    """``GET /flows``."""
    backend = backend_of(request)
    query = effective_query(request.query_params)
    wanted = _query_filter(query, backend.identity)
    flows = [flow for flow in backend.flows.list_readable() if wanted(flow)]
    for name, down in reversed(order_terms(query, tuple(_ORDER))):
        flows.sort(key=_key(name, backend.identity), reverse=down)
    chosen, answer = page("flows", flows, query)
    answer["flows"] = [_document(backend, flow) for flow in chosen]
    return JSONResponse(answer)


async def validate(request: Request) -> JSONResponse:
    """``POST /flows/validate``."""
    body = await json_object(request)
    await run_check(_check, body, ("definition",))
    flow = parse_flow(body["definition"])
    scopes = sorted(
        {
            state.get("ActionScope", state.get("ActionUrl", ""))
            for state in flow.definition["States"].values()
            if state["Type"] == "Action"
        }
    )
    return JSONResponse({"scopes": {"User": scopes}})


def _check(body: dict[str, Any], required: tuple[str, ...]) -> None:
    entries = [
        {"loc": [name], "msg": "field required", "type": "value_error.missing"}
        for name in required
        if name not in body
    ]
    entries += [
        {"loc": [name], "msg": "extra fields not permitted", "type": "value_error.extra"}
        for name in sorted(set(body) - _SETTABLE)
    ]
    entries += metadata_entries(body)
    if "definition" in body:
        entries += definition_entries(body["definition"])
    if "input_schema" in body:
        entries += schema_entries(body["input_schema"])
    if entries:
        raise unprocessable(entries)


def _query_filter(query: Mapping[str, str], identity: Identity) -> Callable[[StoredFlow], bool]:
    """Return what says whether a flow goes through the query's filters."""
    texts = {
        name: query[f"filter_{name}"].lower() for name in _TEXTS if query.get(f"filter_{name}")
    }
    roles = _roles(query)

    def wanted(flow: StoredFlow) -> bool:
        if roles and roles.isdisjoint(flow_roles(flow, identity)):
            return False
        return all(text in _TEXTS[name](flow, identity).lower() for name, text in texts.items())

    return wanted


def _roles(query: Mapping[str, str]) -> frozenset[str]:
    """Return the roles of which the caller must have one; none where any flow is wanted."""
    if "filter_roles" in query:
        given = [role.strip() for role in query["filter_roles"].split(",")]
        # The description of the API has the names of the lists, its clients those of the roles.
        roles = [role.removesuffix("s") for role in given]
        name, known = "filter_roles", [*FLOW_ROLES]
    elif "filter_role" in query:
        # Of former days, and cumulative: who has more has that, too.
        name, known = "filter_role", [*FLOW_ROLES[:4]]
        roles = [query["filter_role"]]
    else:
        return frozenset()
    for role in roles:
        if role not in known:
            message = f"{role!r:.80}: must be of {', '.join(known)}"
            raise unprocessable([{"loc": [name], "msg": message, "type": "value_error"}])
    if name == "filter_role":
        return frozenset(known[known.index(roles[0]) :])
    return frozenset(roles)


def _key(name: str, identity: Identity) -> Callable[[StoredFlow], str]:
    """Return the key that flows are sorted with by a field."""
    text = _ORDER[name]
    return lambda flow: text(flow, identity)


def _all_texts(flow: StoredFlow, identity: Identity) -> str:
    metadata = flow.metadata
    texts = [flow.id, flow.title, metadata["subtitle"] or "", metadata["description"] or ""]
    return "\n".join([*texts, identity.urn, *metadata["flow_administrators"]])


# What is searched for a text, by the filter's name; what is sorted by, by the field's.
FLOW_ROLES: Final = (
    "flow_viewer",
    "flow_starter",
    "flow_administrator",
    "flow_owner",
    "run_monitor",
    "run_manager",
)
_Text = Callable[[StoredFlow, Identity], str]
_TEXTS: Final[Mapping[str, _Text]] = {
    "fulltext": _all_texts,
    "title": lambda flow, _: flow.title,
    "subtitle": lambda flow, _: flow.metadata["subtitle"] or "",
    "description": lambda flow, _: flow.metadata["description"] or "",
    "keywords": lambda flow, _: "\n".join(flow.metadata["keywords"]),
    "scope_string": lambda flow, _: flow_scope(flow.id),
}
_ORDER: Final[Mapping[str, _Text]] = {
    "id": lambda flow, _: flow.id,
    "scope_string": lambda flow, _: flow_scope(flow.id),
    "flow_owner": lambda _, identity: identity.urn,
    "flow_owners": lambda _, identity: identity.urn,
    "flow_administrators": lambda flow, _: ",".join(flow.metadata["flow_administrators"]),
    "title": lambda flow, _: flow.title,
    "created_at": lambda flow, _: flow.created_at,
    "updated_at": lambda flow, _: flow.updated_at,
}


def _document(backend: Backend, flow: StoredFlow) -> dict[str, Any]:
    return flow_document(flow, backend.identity, backend.base_url)


ROUTES = [
    Route("/flows", create, methods=["POST"]),
    Route("/flows", list_flows, methods=["GET"]),
    Route("/flows/validate", validate, methods=["POST"]),
    Route("/flows/{flow_id}", show, methods=["GET"]),
    Route("/flows/{flow_id}", update, methods=["PUT"]),
    Route("/flows/{flow_id}", delete, methods=["DELETE"]),
]
