"""Doing what a plan says, one step at a time, each written to the lock before the next."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from headrace._internal.files import only_one, private_directory
from headrace._internal.idempotency import create_once
from headrace.compute.wire_text import code_with_length
from headrace.config.errors import ProjectError
from headrace.config.lock_file import Deployed, DeployedFlow, DeployedFunction, Lock
from headrace.deploy.drift import deployed_document, fingerprint
from headrace.deploy.planning import Plan, Step, flow_tag, owned_flows
from headrace.deploy.timers import create_timer, delete_timer
from headrace.project.project import Project

if TYPE_CHECKING:
    from headrace.hosted import Services


@contextmanager
def deploying(project: Project) -> Iterator[None]:
    """Keep other deployments of the same directory out meanwhile.

    Raises:
        ProjectError: one is under way.
    """
    from headrace.facility import state_directory

    path = private_directory(state_directory(project.root)) / "deploy.lock"
    with only_one(path) as alone:
        if not alone:
            raise ProjectError(
                f"{project.root}: another `headrace deploy` is under way; wait for its end"
            )
        yield


def apply(
    plan: Plan,
    project: Project,
    services: Services,
    report: Callable[[Step], None] = lambda step: None,
) -> Lock:
    """Deploy what a plan says.

    A crash between two steps loses nothing: the lock is written after each. A flow whose
    creation was answered but not recorded is found again by its keyword at the next plan.

    Args:
        plan: what to do.
        project: the project it was made for.
        services: the services of the plan's target.
        report: called with each step that has been done.

    Returns:
        What is deployed now.

    Raises:
        ProjectError: somebody else changed or created a flow meanwhile.
        GlobusAPIError: the service refuses.
        HostedError: the service does not answer.
    """
    lock = project.lock()
    for step in plan.changes:
        deployed = _apply_step(step, plan, project, services, lock.at(plan.target))
        lock = lock.with_target(plan.target, deployed)
        project.write_lock(lock)
        report(step)
    return lock


def _apply_step(
    step: Step, plan: Plan, project: Project, services: Services, deployed: Deployed
) -> Deployed:
    if step.kind == "timer":
        return _apply_timer(step, plan, project, services, deployed)
    if step.change == "delete":
        _delete(step, services)
        if step.kind == "function":
            return deployed.without_function(step.name)
        entry = deployed.flows.get(step.name)
        return deployed.without_flow(step.name) if entry and entry.id == step.id else deployed
    if step.kind == "function":
        function_id = _register(step, plan, project, services)
        return deployed.with_function(step.name, DeployedFunction(function_id, step.sha256))
    answer = _put_flow(step, plan, project, services)
    flow = DeployedFlow(answer["id"], answer["globus_auth_scope"], step.sha256, fingerprint(answer))
    return deployed.with_flow(step.name, flow)


def _apply_timer(
    step: Step, plan: Plan, project: Project, services: Services, deployed: Deployed
) -> Deployed:
    if step.change == "create":
        wanted = plan.timers[step.name]
        timer = create_timer(wanted, project, services, plan.target, is_paused=step.is_paused)
        return deployed.with_timer(step.name, timer)
    delete_timer(str(step.id), services)
    entry = deployed.timers.get(step.name)
    return deployed.with_timer(step.name, None) if entry and entry.id == step.id else deployed


def _delete(step: Step, services: Services) -> None:
    from globus_sdk import GlobusAPIError

    try:
        if step.kind == "flow":
            services.flows.delete_flow(str(step.id))
        else:
            services.compute.delete(f"/v2/functions/{step.id}")
    except GlobusAPIError as error:
        if error.http_status != 404:  # somebody was faster
            raise


def _register(step: Step, plan: Plan, project: Project, services: Services) -> str:
    from importlib.metadata import version

    function = plan.functions[step.name]
    code = function.registered_code(project.name)
    answer = services.compute.register_function(
        {
            "function_name": function.name,
            "function_code": code_with_length(code),
            "serialized": True,
            "description": function.doc,
            "meta": {
                "python_version": platform.python_version(),
                "sdk_version": version("globus-compute-sdk"),
                "serde_identifier": code[:2],
            },
        }
    )
    return str(answer["function_uuid"])


def _put_flow(step: Step, plan: Plan, project: Project, services: Services) -> dict[str, Any]:
    tag = flow_tag(project, step.name)
    wanted = deployed_document(plan.flows[step.name], tag, plan.target)
    title, definition, schema = (
        wanted.pop(name) for name in ("title", "definition", "input_schema")
    )
    if step.id is None:
        made = create_once(
            services.flows,
            lambda: dict(services.flows.create_flow(title, definition, schema, **wanted).data),
            lambda: next(iter(_tagged(tag, services)), None),
        )
        _stop_if_created_twice(step, tag, made, services)
        return made
    _stop_if_changed(step, services)
    answer = services.flows.update_flow(
        step.id, title=title, definition=definition, input_schema=schema, **wanted
    )
    return dict(answer.data)


def _stop_if_changed(step: Step, services: Services) -> None:
    now = services.flows.get_flow(str(step.id)).data.get("updated_at")
    if step.updated_at is not None and now != step.updated_at:
        raise ProjectError(
            f"flow {step.name!r} ({step.id}) was changed there at {now}, after this plan was made: "
            "does somebody else deploy? look with `headrace deploy --dry-run`, then deploy again"
        )


def _stop_if_created_twice(step: Step, tag: str, made: dict[str, Any], services: Services) -> None:
    """Undo a creation where somebody else was faster."""
    others = [flow for flow in _tagged(tag, services) if flow["id"] != made["id"]]

    def age(flow: dict[str, Any]) -> tuple[str, str]:
        return str(flow.get("created_at", "")), str(flow["id"])

    if others and min(map(age, others)) < age(made):
        services.flows.delete_flow(made["id"])
        raise ProjectError(
            f"flow {step.name!r} was created there by somebody else at the same moment; theirs is "
            "kept: deploy again to adopt it"
        )


def _tagged(tag: str, services: Services) -> list[dict[str, Any]]:
    return [flow for flow in owned_flows(services) if tag in (flow.get("keywords") or [])]
