from __future__ import annotations

import json
import shutil
from typing import Any

import pytest

from headrace.config import ProjectError
from headrace.deploy import apply, plan
from headrace.deploy.inventory import registered_source
from headrace.hosted import HostedError, Services
from headrace.project import Project, load_project
from tests.support.deployments import deploy, edit_flow, rows
from tests.support.flows_service import Service


def test_from_nothing_everything_is_created_and_locked(
    project: Project, services: Services, service: Service
) -> None:
    planned = deploy(project, services)
    assert rows(planned) == [("function", "double", "register"), ("flow", "say", "create")]
    (flow,) = service.flows.values()
    assert flow["title"] == "Say a word"
    assert flow["keywords"] == ["words", "headrace:small/say"]
    deployed = project.lock().at("local")
    assert deployed.flows["say"].id == flow["id"]
    assert deployed.flows["say"].scope == flow["globus_auth_scope"]
    assert set(service.functions) == {deployed.functions["double"].id}


def test_functions_are_registered_as_the_compute_sdk_packs_them(
    project: Project, services: Services, service: Service
) -> None:
    from globus_compute_sdk.serialize import ComputeSerializer

    deploy(project, services)
    (function,) = service.functions.values()
    serializer = ComputeSerializer()
    (code,) = serializer.unpack_buffers(function["function_code"])
    assert serializer.deserialize(code)(4) == 8
    assert (function["function_name"], function["description"]) == ("double", "Doubles a number.")


def test_the_source_text_is_shown_as_it_is_stored_there(
    project: Project, services: Services, service: Service
) -> None:
    def source() -> dict[str, Any]:
        return registered_source(project, "local", services, "double")

    with pytest.raises(ProjectError, match="'double' is not deployed at local; `headrace deploy"):
        source()
    deploy(project, services)
    (stored,) = service.functions.values()
    path = project.functions_dir / "double.py"
    path.write_text("def double(:\n")  # what it has become since does not matter
    shown = source()
    assert (shown["state"], shown["description"]) == ("faulty", "Doubles a number.")
    assert f"st\ndouble:{shown['source']}" == stored["function_code"].partition("\n")[2]
    assert shown["source"].startswith(f"# Compute function double of the project {project.name}\n")
    stored["function_code"] = "5\n01\ngA=="
    with pytest.raises(ProjectError, match="is not stored as text"):
        source()
    service.functions.clear()
    with pytest.raises(ProjectError, match="is not known at local any more"):
        source()


def test_a_second_call_changes_nothing(
    project: Project, services: Services, service: Service
) -> None:
    deploy(project, services)
    lock = project.lock_file.read_bytes()
    service.calls.clear()
    planned = deploy(project, services)
    assert planned.changes == ()
    assert service.changes() == []
    assert project.lock_file.read_bytes() == lock


def test_an_edited_flow_is_updated_in_place(
    project: Project, services: Services, service: Service
) -> None:
    deploy(project, services)
    before = project.lock().at("local").flows["say"]
    edit_flow(project, "edited")
    assert rows(deploy(project, services))[1] == ("flow", "say", "update")
    after = project.lock().at("local").flows["say"]
    assert (after.id, after.sha256 == before.sha256) == (before.id, False)
    assert service.flows[after.id]["definition"]["Comment"] == "edited"


def test_an_edited_function_is_registered_anew(project: Project, services: Services) -> None:
    deploy(project, services)
    path = project.functions_dir / "double.py"
    path.write_text(path.read_text().replace("2 *", "number *"))
    planned = deploy(project, services)
    assert [(step.name, step.reason) for step in planned.changes] == [("double", "code changed")]


def test_what_the_place_has_lost_is_made_again(
    project: Project, services: Services, service: Service
) -> None:
    deploy(project, services)
    service.flows.clear()
    service.functions.clear()
    planned = deploy(project, services)
    assert {step.reason for step in planned.changes} == {
        "not known there any more",
        "not there any more, or not shown to you",
    }
    assert set(service.flows) == {project.lock().at("local").flows["say"].id}
    assert deploy(project, services).changes == ()


def test_a_flow_whose_creation_was_not_answered_is_found_again(
    project: Project, services: Services, service: Service
) -> None:
    service.lose.add("POST /flows")
    with pytest.raises(HostedError, match="does not answer"):
        deploy(project, services)
    assert "double" in project.lock().at("local").functions
    assert rows(deploy(project, services))[1] == ("flow", "say", "adopt")
    assert list(service.flows) == [project.lock().at("local").flows["say"].id]


def test_a_lost_lock_file_finds_the_flows_again(
    project: Project, services: Services, service: Service
) -> None:
    deploy(project, services)
    project.lock_file.unlink()
    deploy(project, services)
    assert len(service.flows) == 1


def test_each_place_has_its_own_entries(
    project: Project, services: Services, service: Service
) -> None:
    deploy(project, services)
    planned = plan(project, "globus", services)
    apply(planned, project, services)
    assert set(project.lock().targets) == {"local", "globus"}


def test_an_error_in_a_flow_stops_everything(
    project: Project, services: Services, service: Service
) -> None:
    path = project.flows_dir / "say" / "definition.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "StartAt": "Sai"}))
    with pytest.raises(ProjectError, match=r"definition\.json:.*error"):
        plan(project, "local", services)
    assert service.changes() == []


def test_a_project_without_flows_has_an_empty_plan(project: Project, services: Services) -> None:
    shutil.rmtree(project.flows_dir)
    shutil.rmtree(project.functions_dir)
    assert plan(load_project(project.root), "local", services).steps == ()
