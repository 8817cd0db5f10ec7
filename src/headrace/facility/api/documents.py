"""Flow and run documents as the Flows service writes them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any

from headrace.facility.api.requests import retry_operation
from headrace.facility.identity import Identity
from headrace.facility.store.actions import Action
from headrace.facility.store.flows import StoredFlow
from headrace.facility.store.run_record import Run
from headrace.flowlang.action_urls import AWAIT_WEB_INPUT
from headrace.flowlang.web_inputs import ID_PARAMETER


def flow_document(flow: StoredFlow, identity: Identity, base_url: str) -> dict[str, Any]:
    """Return the document of a flow."""
    url = f"{base_url}/flows/{flow.id}"
    return {
        "id": flow.id,
        "title": flow.title,
        **flow.metadata,
        "definition": flow.definition,
        "input_schema": flow.input_schema,
        "created_at": flow.created_at,
        "updated_at": flow.updated_at,
        "created_by": identity.urn,
        "flow_owner": identity.urn,
        "visible_to": [],
        "runnable_by": [],
        "administered_by": [],
        "globus_auth_scope": flow_scope(flow.id),
        "principal_urn": f"urn:globus:auth:identity:{flow.id}",
        "globus_auth_username": f"{flow.id}@clients.auth.globus.org",
        "action_url": url,
        "flow_url": url,
        "synchronous": False,
        "log_supported": True,
        "types": ["Action"],
        "api_version": "1.0",
        "user_role": "flow_owner",
        "user_roles": flow_roles(flow, identity),
        "is_high_assurance": False,
    }


def flow_roles(flow: StoredFlow, identity: Identity) -> list[str]:
    """Return the roles that whoever works here has at a flow, by its lists; the owner's always."""
    listed = {
        "flow_administrator": ("flow_administrators", ""),
        "flow_starter": ("flow_starters", "all_authenticated_users"),
        "flow_viewer": ("flow_viewers", "public"),
        "run_manager": ("run_managers", ""),
        "run_monitor": ("run_monitors", ""),
    }
    roles = ["flow_owner"]
    for role, (name, everybody) in listed.items():
        principals = flow.metadata.get(name) or []
        if identity.urn in principals or (everybody and everybody in principals):
            roles.append(role)
    return roles


def flow_scope(flow_id: str) -> str:
    """Return the scope that a token needs to start a flow."""
    return f"https://auth.globus.org/scopes/{flow_id}/flow_{flow_id.replace('-', '_')}_user"


def run_document(
    run: Run,
    identity: Identity,
    details: dict[str, Any],
    actions: Sequence[Action] = (),
    progress: Callable[[Action], Any] | None = None,
) -> dict[str, Any]:
    """Return the document of a run.

    Args:
        run: the run.
        identity: who started it.
        details: the last thing that happened to it.
        actions: those of its actions that have not ended, which are shown with their progress.
        progress: returns an open action's progress.
    """
    if run.completion_time is None and progress is not None:
        statuses = [
            {
                **action.document(identity.urn, progress(action)),
                "state_name": action.state_name,
            }
            for action in actions
        ]
        if statuses:
            details = {**details, "action_statuses": statuses}
    managers = run.metadata["run_managers"]
    monitors = run.metadata["run_monitors"]
    return {
        "run_id": run.id,
        "action_id": run.id,
        "flow_id": run.flow_id,
        "flow_title": run.flow_title,
        "flow_last_updated": run.metadata["flow_last_updated"],
        "start_time": run.start_time,
        "completion_time": run.completion_time,
        "status": run.status,
        "display_status": run.status,
        "held_at": run.held_at,
        "details": details,
        "label": run.label,
        "tags": run.metadata["tags"],
        "run_owner": identity.urn,
        "created_by": identity.urn,
        "run_managers": managers,
        "run_monitors": monitors,
        "manage_by": managers,
        "monitor_by": monitors,
        "user_role": "run_owner",
        "user_roles": ["run_owner"],
        "blocking_web_input_id": _blocking_web_input_id(run, actions),
        # A member of former days, which clients still look for: the task that indexed the run.
        "search": {"task_id": str(uuid.uuid5(uuid.UUID(run.id), "search"))},
        **_retry_members(run),
    }


def _retry_members(run: Run) -> dict[str, Any]:
    """Return the run that a retry takes up, and the client's id of the request for it."""
    retry = run.metadata.get("retry_of")
    operation = f"{retry_operation(retry['run_id'])}: " if retry else ""
    if not retry or not (run.request_id or "").startswith(operation):
        return {"retry_of": retry}
    return {"retry_of": retry, "retry_request_id": str(run.request_id).removeprefix(operation)}


def _blocking_web_input_id(run: Run, actions: Sequence[Action]) -> str | None:
    if run.completion_time is not None:
        return None
    waiting = (a for a in actions if a.provider == AWAIT_WEB_INPUT)
    return next((action.body[ID_PARAMETER] for action in waiting), None)
