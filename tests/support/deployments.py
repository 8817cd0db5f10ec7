"""Deploying the small project, and changes of its flow."""

from __future__ import annotations

import json

from headrace.deploy import Plan, apply, plan
from headrace.hosted import Services
from headrace.project import Project


def deploy(project: Project, services: Services) -> Plan:
    planned = plan(project, "local", services)
    apply(planned, project, services)
    return planned


def rows(planned: Plan) -> list[tuple[str, str, str]]:
    return [(step.kind, step.name, step.change) for step in planned.steps]


def edit_flow(project: Project, comment: str) -> None:
    path = project.flows_dir / "say" / "definition.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "Comment": comment}))
