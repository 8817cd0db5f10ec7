"""Deploying where others are at work too, where the service fails, and after kills."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import globus_sdk
import pytest

from headrace.config import ProjectError
from headrace.deploy import DeploySelection, Plan, Step, apply, deploying, plan
from headrace.hosted import Services, explain
from headrace.hosted.services import Clients
from headrace.project import Project, load_project
from tests.support.deployments import deploy, edit_flow, rows
from tests.support.flows_service import TOKEN, Service


def planned_step(planned: Plan, name: str) -> Step:
    [step] = [step for step in planned.steps if step.name == name]
    print(json.dumps(step.document(), indent=1))
    return step


def test_what_somebody_changed_there_is_seen_and_put_right(
    project: Project, services: Services, service: Service
) -> None:
    deploy(project, services)
    flow_id = project.lock().at("local").flows["say"].id
    definition = service.flows[flow_id]["definition"]
    service.edit(flow_id, title="Mine", definition={**definition, "Comment": "by hand"})
    step = planned_step(plan(project, "local", services), "say")
    assert (step.change, step.reason) == ("update", "changed there by somebody")
    diff = step.document()["diff"]
    assert '- title: "Mine"' in diff
    assert '+ title: "Say a word"' in diff
    assert '-  "Comment": "by hand",' in diff
    deploy(project, services)
    assert service.flows[flow_id]["title"] == "Say a word"
    assert plan(project, "local", services).changes == ()


def test_both_changed_is_said(project: Project, services: Services, service: Service) -> None:
    deploy(project, services)
    service.edit(project.lock().at("local").flows["say"].id, subtitle="theirs")
    edit_flow(project, "ours")
    step = planned_step(plan(project, "local", services), "say")
    assert step.reason == "source changed, and changed there by somebody"


def test_a_service_that_keeps_a_flow_otherwise_than_sent_is_no_drift(
    project: Project, services: Services, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    route = service.route

    def normalising(method: str, path: list[str], query: Any, body: Any) -> Any:
        if method == "POST" and path == ["flows"]:
            body = {**body, "definition": {"Comment": "", **body["definition"]}}
        return route(method, path, query, body)

    monkeypatch.setattr(service, "route", normalising)
    deploy(project, services)
    assert plan(project, "local", services).changes == ()


def test_what_the_project_has_no_more_is_named_and_removed_only_when_asked(
    project: Project, services: Services, service: Service
) -> None:
    deploy(project, services)
    shutil.rmtree(project.flows_dir / "say")
    (project.functions_dir / "double.py").unlink()
    planned = deploy(project, services)
    assert rows(planned) == [("function", "double", "orphan"), ("flow", "say", "orphan")]
    assert planned.changes == ()
    assert len(service.flows) == len(service.functions) == 1
    pruned = plan(project, "local", services, DeploySelection(prune=True))
    assert [step.change for step in pruned.changes] == ["delete", "delete"]
    apply(pruned, project, services)
    assert service.flows == service.functions == {}
    assert plan(project, "local", services).steps == ()


def test_orphans_are_found_without_the_lock_file(
    project: Project, services: Services, service: Service
) -> None:
    deploy(project, services)
    (project.flows_dir / "say").rename(project.flows_dir / "tell")
    project.lock_file.unlink()
    text = (project.flows_dir / "tell/flow.toml").read_text()
    (project.flows_dir / "tell/flow.toml").write_text(text.replace("Say", "Tell"))
    planned = plan(project, "local", services)
    assert ("flow", "say", "orphan") in rows(planned)
    assert ("flow", "tell", "create") in rows(planned)


def test_a_flow_that_is_there_is_adopted(
    project: Project, services: Services, service: Service
) -> None:
    flow = services.flows.create_flow("Old", {"StartAt": "A", "States": {}}, {})
    planned = plan(project, "local", services, DeploySelection(names=["say"], adopt=flow["id"]))
    step = planned_step(planned, "say")
    assert (step.change, step.id) == ("adopt", flow["id"])
    assert [difference.member for difference in step.differences][:2] == ["title", "keywords"]
    apply(planned, project, services)
    assert list(service.flows) == [flow["id"]]
    assert service.flows[flow["id"]]["title"] == "Say a word"


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        (
            DeploySelection(names=["sai"]),
            "no flow and no function 'sai' in the project; did you mean 'say'\\? known:",
        ),
        (DeploySelection(names=["say"], adopt="x"), "not the id of a flow"),
        (DeploySelection(adopt=str(uuid.uuid4())), "name the one flow"),
        (DeploySelection(names=["double"], adopt=str(uuid.uuid4())), "name the one flow"),
        (DeploySelection(names=["say"], adopt=str(uuid.uuid4())), "no such flow there"),
    ],
)
def test_a_wrong_choice_is_named(
    project: Project, services: Services, service: Service, choice: DeploySelection, words: str
) -> None:
    with pytest.raises(ProjectError, match=words):
        plan(project, "local", services, choice)
    assert service.changes() == []


def test_only_what_is_named_is_deployed(project: Project, services: Services) -> None:
    planned = plan(project, "local", services, DeploySelection(names=["double"]))
    assert rows(planned) == [("function", "double", "register")]


def test_a_change_after_the_plan_stops_the_update(
    project: Project, services: Services, service: Service
) -> None:
    deploy(project, services)
    edit_flow(project, "mine")
    planned = plan(project, "local", services)
    flow_id = project.lock().at("local").flows["say"].id
    service.edit(flow_id, subtitle="theirs")
    with pytest.raises(ProjectError, match=r"was changed there at .* does somebody else deploy"):
        apply(planned, project, services)
    assert service.flows[flow_id]["subtitle"] == "theirs"


def test_two_creations_at_once_leave_one_flow(
    project: Project, services: Services, service: Service, tmp_path: Path
) -> None:
    """Two clones plan at the same moment; the slower one gives way, then adopts."""
    other = load_project(shutil.copytree(project.root, tmp_path / "clone" / project.root.name))
    ours, theirs = plan(project, "local", services), plan(other, "local", services)
    apply(theirs, other, services)
    with pytest.raises(ProjectError, match="created there by somebody else at the same moment"):
        apply(ours, project, services)
    assert len(service.flows) == 1
    assert ("flow", "say", "adopt") in rows(deploy(project, services))
    assert project.lock().at("local").flows == other.lock().at("local").flows


def test_two_deploys_of_one_directory_are_kept_apart(project: Project) -> None:
    program = (
        "import sys; from headrace.config import ProjectError\n"
        "from headrace.deploy import deploying; from headrace.project import load_project\n"
        "try:\n  with deploying(load_project(sys.argv[1])): pass\n"
        "except ProjectError as error: print(error)"
    )
    with deploying(project):
        done = subprocess.run(
            [sys.executable, "-c", program, str(project.root)],
            capture_output=True,
            text=True,
            check=True,
        )
    assert "another `headrace deploy` is under way" in done.stdout


class Killed(BaseException):
    """Stands for the end of the process."""


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", range(1, 9))
def test_a_kill_at_any_call_loses_nothing(
    project: Project, services: Services, service: Service, when: str, number: int
) -> None:
    """The n-th call to the service is the last: never sent, or never answered."""
    calls = 0

    def dying(act: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == number and when == "before":
                raise Killed
            answer = act(*args, **kwargs)
            if calls == number:
                raise Killed
            return answer

        return call

    clients = (services.flows, services.compute)
    originals = [client.request for client in clients]
    for client in clients:
        client.request = dying(client.request)  # type: ignore[method-assign]
    try:
        deploy(project, services)
    except Killed:
        pass
    finally:
        for client, original in zip(clients, originals, strict=True):
            client.request = original  # type: ignore[method-assign]
    planned = deploy(project, services)
    print([step.document() for step in planned.steps])
    assert plan(project, "local", services).changes == ()
    [flow] = service.flows.values()
    assert project.lock().at("local").flows["say"].id == flow["id"]
    assert project.lock().at("local").functions["double"].id in service.functions


@pytest.fixture
def patient(service: Service) -> Services:
    """Clients with the SDK's own patience, as the hosted services are called."""
    authorizer = globus_sdk.AccessTokenAuthorizer(TOKEN)
    common: dict[str, Any] = {"base_url": service.url, "authorizer": authorizer}
    clients = Clients(
        flows=globus_sdk.FlowsClient(**common),
        compute=globus_sdk.ComputeClientV3(**common),
        compute_v2=globus_sdk.ComputeClientV2(**common),
        transfer=globus_sdk.TransferClient(**common),
        make_flow=lambda flow_id: globus_sdk.SpecificFlowClient(flow_id, authorizer=authorizer),
    )
    return Services(service.url, lambda: clients)


def test_an_outage_that_passes_is_waited_out(
    project: Project, patient: Services, service: Service
) -> None:
    service.outages = [429, 502, 503]
    planned = plan(project, "globus", patient)
    service.outages = [502, 429]
    apply(planned, project, patient)
    assert plan(project, "globus", patient).changes == ()
    assert len(service.flows) == 1


@pytest.mark.parametrize("how", ["lose", "garble"])
def test_a_creation_whose_answer_is_lost_is_found_and_not_sent_again(
    project: Project, patient: Services, service: Service, how: str
) -> None:
    getattr(service, how).add("POST /flows")
    apply(plan(project, "globus", patient), project, patient)
    assert service.calls.count("POST /flows") == 1
    assert list(service.flows) == [project.lock().at("globus").flows["say"].id]


@pytest.mark.parametrize(
    ("status", "code", "detail", "words", "exit_code"),
    [
        (403, "FORBIDDEN", "Missing permissions: UPDATE.", "ask an administrator of the flow", 1),
        (403, "MISSING_SCOPE", "This action requires the following scope: x", "headrace login", 4),
        (401, "AUTHENTICATION_ERROR", "Expired or invalid Bearer token", "headrace login", 4),
    ],
)
def test_a_missing_right_or_consent_is_told_and_loses_nothing(
    project: Project,
    services: Services,
    service: Service,
    status: int,
    code: str,
    detail: str,
    words: str,
    exit_code: int,
) -> None:
    deploy(project, services)
    edit_flow(project, "edited")
    lock = project.lock_file.read_text()
    flow_id = project.lock().at("local").flows["say"].id
    service.refuse[f"PUT /flows/{flow_id}"] = (status, {"error": {"code": code, "detail": detail}})
    with pytest.raises(globus_sdk.GlobusAPIError) as caught:
        deploy(project, services)
    told = explain(caught.value)
    assert words in str(told)
    assert told.exit_code == exit_code
    assert project.lock_file.read_text() == lock
    service.refuse.clear()
    assert rows(deploy(project, services))[1] == ("flow", "say", "update")


def test_a_second_developer_needs_the_lock_file_only(
    project: Project, services: Services, service: Service, tmp_path: Path
) -> None:
    deploy(project, services)
    clone = load_project(shutil.copytree(project.root, tmp_path / "clone" / project.root.name))
    shutil.rmtree(clone.root / ".headrace", ignore_errors=True)
    service.calls.clear()
    assert plan(clone, "local", services).changes == ()
    assert service.changes() == []
