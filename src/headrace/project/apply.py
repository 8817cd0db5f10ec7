"""Doing what a plan says, one step at a time, each written to the lock before the next."""

from __future__ import annotations

import platform
from collections.abc import Callable
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from headrace.project.lock import Deployed, DeployedFlow, DeployedFunction, Lock
from headrace.project.plan import Plan, Step, flow_tag
from headrace.project.project import Project

if TYPE_CHECKING:
    from headrace.hosted import Services


def apply(
    plan: Plan,
    project: Project,
    services: Services,
    report: Callable[[Step], None] = lambda step: None,
) -> Lock:
    """Deploys.

    A crash between two steps loses nothing: the lock is written after each. A flow whose
    creation was answered but not recorded is found again by its keyword at the next plan.

    Args:
        plan: what to do.
        project: the project it was made for.
        services: the services of the plan's place.
        report: told of each step that has been done.

    Returns:
        What is deployed now.

    Raises:
        GlobusAPIError: the service refuses.
        HostedError: the service does not answer.
    """
    lock = project.lock()
    for step in plan.changes:
        deployed = _do(step, plan, project, services, lock.at(plan.place))
        lock = lock.with_place(plan.place, deployed)
        project.write_lock(lock)
        report(step)
    return lock


def _do(
    step: Step, plan: Plan, project: Project, services: Services, deployed: Deployed
) -> Deployed:
    if step.kind == "function":
        function_id = _register(step, plan, services)
        return deployed.with_function(step.name, DeployedFunction(function_id, step.sha256))
    answer = _put_flow(step, plan, project, services)
    flow = DeployedFlow(answer["id"], answer["globus_auth_scope"], step.sha256)
    return deployed.with_flow(step.name, flow)


def _register(step: Step, plan: Plan, services: Services) -> str:
    function = plan.functions[step.name]
    answer = services.compute.register_function(
        {
            "function_name": function.name,
            "function_code": _packed(function.code),
            "serialized": True,
            "description": function.doc,
            "meta": {
                "python_version": platform.python_version(),
                "sdk_version": version("globus-compute-sdk"),
                "serde_identifier": function.code[:2],
            },
        }
    )
    return str(answer["function_uuid"])


def _packed(code: str) -> str:
    # As the Compute SDK packs buffers: each after its length.
    return f"{len(code)}\n{code}"


def _put_flow(step: Step, plan: Plan, project: Project, services: Services) -> Any:
    flow = plan.flows[step.name]
    metadata = flow.metadata()
    metadata["keywords"] = [*flow.keywords, flow_tag(project, flow.name)]
    if step.id is None:
        return services.flows.create_flow(
            flow.title, flow.definition, flow.input_schema, **metadata
        )
    return services.flows.update_flow(
        step.id,
        title=flow.title,
        definition=flow.definition,
        input_schema=flow.input_schema,
        **metadata,
    )
