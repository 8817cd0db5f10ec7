"""Against the answers of the hosted services that globus-sdk ships for tests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import globus_sdk
import pytest

from headrace.deploy import apply, plan
from headrace.hosted import Services, explain
from headrace.hosted.services import Clients
from headrace.project import Project, load_project
from headrace.runs import PreparedRun, RunOptions, RunPoller, prepare, send
from headrace.runs.query import find_run, list_runs, run_definition

responses = pytest.importorskip("responses", reason="globus-sdk's fixtures need it")
testing = pytest.importorskip("globus_sdk.testing")


@pytest.fixture(autouse=True)
def _intercepted() -> Iterator[None]:
    with responses.mock:
        yield
        responses.reset()


@pytest.fixture
def services() -> Services:
    """The clients as they reach the hosted services, without a login."""
    clients = Clients(
        flows=globus_sdk.FlowsClient(),
        compute=globus_sdk.ComputeClientV3(),
        compute_v2=globus_sdk.ComputeClientV2(),
        transfer=globus_sdk.TransferClient(),
        make_flow=lambda flow_id: globus_sdk.SpecificFlowClient(flow_id),
    )
    return Services("https://flows.globus.org", lambda: clients)


@pytest.fixture
def document() -> dict[str, Any]:
    return dict(testing.get_response_set("flows.get_flow").lookup("default").json)


@pytest.fixture
def project(tmp_path: Path, document: dict[str, Any]) -> Project:
    flow = tmp_path / "flows" / "hops"
    flow.mkdir(parents=True)
    (tmp_path / "headrace.toml").write_text('name = "hops"\n')
    (flow / "definition.json").write_text(json.dumps(document["definition"]))
    (flow / "input_schema.json").write_text(json.dumps(document["input_schema"]))
    (flow / "flow.toml").write_text(f"title = {json.dumps(document['title'])}\n")
    return load_project(tmp_path)


def load(*names: str) -> dict[str, Any]:
    return {name: testing.load_response(name) for name in names}


def deploy(project: Project, services: Services) -> None:
    load("flows.get_flow", "flows.list_flows", "flows.create_flow")
    apply(plan(project, "globus", services), project, services)


def steps(project: Project, services: Services) -> list[tuple[str, str]]:
    return [(step.name, step.change) for step in plan(project, "globus", services).steps]


def test_a_flow_is_created_locked_and_then_unchanged(
    project: Project, services: Services, document: dict[str, Any]
) -> None:
    deploy(project, services)
    deployed = project.lock().at("globus").flows["hops"]
    assert deployed.id == document["id"]
    assert deployed.scope == document["globus_auth_scope"]
    assert steps(project, services) == [("hops", "unchanged")]


def test_what_somebody_changed_there_is_drift(
    project: Project, services: Services, document: dict[str, Any]
) -> None:
    deploy(project, services)
    changed = {
        **document,
        "subtitle": "edited in the web app",
        "user_role": "flow_owner",
        "updated_at": "2026-01-01T00:00:00Z",
    }
    responses.reset()
    page = {"flows": [changed], "limit": 100, "has_next_page": False, "marker": None}
    responses.add("GET", f"{services.flows.base_url}flows", json=page)
    assert steps(project, services) == [("hops", "update")]


def test_a_principal_that_the_service_does_not_know_is_told_in_one_line(
    project: Project, services: Services
) -> None:
    load("flows.get_flow", "flows.list_flows")
    testing.load_response("flows.create_flow", case="bad_admin_principal_error")
    with pytest.raises(globus_sdk.FlowsAPIError) as caught:
        apply(plan(project, "globus", services), project, services)
    told = str(explain(caught.value))
    assert "flow_administrators.0: Unrecognized principal string" in told
    assert "\n" not in told
    assert not project.lock().at("globus").flows


def test_a_run_is_started_listed_and_looked_at(services: Services, project: Project) -> None:
    sets = load("flows.run_flow", "flows.list_runs", "flows.get_run", "flows.get_run_logs")
    told = sets["flows.run_flow"].metadata
    prepared = PreparedRun("hops", told["flow_id"], "globus", told["request_params"]["body"])
    run = send(prepared, services, RunOptions(label="hop"), wait_for_service=True)
    sent = json.loads(responses.calls[-1].request.body)
    assert sent["label"] == "hop"
    assert sent["tags"][-1].startswith("headrace:")
    assert run["status"] == "ACTIVE"

    listed = list_runs(project, "globus", services)
    assert listed
    known = listed[0]["run_id"]
    assert find_run(services, known[:-1]) == known


def test_a_run_is_followed_through_its_log(services: Services) -> None:
    run_id = testing.load_response("flows.get_run_logs").metadata["run_id"]
    url = f"{services.flows.base_url}runs/{run_id}"
    responses.add("GET", url, json={"run_id": run_id, "status": "SUCCEEDED", "details": {}})
    view = RunPoller(run_id).poll(services)
    assert view.final
    # The fixture's answer is the same whichever order is asked for, so it reads backwards here.
    assert {state.name for state in view.states} == {"SyncHelloWorld"}


def test_a_missing_scope_says_login(services: Services) -> None:
    told = testing.load_response("flows.run_flow", case="missing_scope_error")
    flow_id = testing.get_response_set("flows.run_flow").metadata["flow_id"]
    assert told.status == 403
    with pytest.raises(globus_sdk.FlowsAPIError) as caught:
        send(PreparedRun("hops", flow_id, "globus", {}), services)
    error = explain(caught.value)
    assert error.exit_code == 4
    assert str(error).endswith("run `headrace login`")


def test_steering_reaches_the_service_s_paths(services: Services) -> None:
    for name in ("resume_run", "cancel_run", "delete_run"):
        metadata = testing.load_response(f"flows.{name}").metadata
        run_id = metadata["run_id"]
        if name == "resume_run":
            document = services.flow(metadata["flow_id"]).resume_run(run_id)
        else:
            document = getattr(services.flows, name)(run_id)
        assert document["run_id"] == run_id


def test_a_run_s_own_definition_is_read(services: Services) -> None:
    told = testing.load_response("flows.get_run_definition")
    assert "StartAt" in run_definition(services, told.metadata["run_id"])


def test_an_input_is_checked_before_anything_is_sent(project: Project, services: Services) -> None:
    from headrace.config import ProjectError

    deploy(project, services)
    before = len(responses.calls)
    with pytest.raises(ProjectError, match="is a required property"):
        prepare(project, "globus", "hops", {"source_path": "/a"})
    assert len(responses.calls) == before


def test_a_function_is_registered(tmp_path: Path, services: Services) -> None:
    told = testing.load_response(globus_sdk.ComputeClientV3.register_function)
    (tmp_path / "headrace.toml").write_text("")
    (tmp_path / "compute_functions").mkdir()
    (tmp_path / "compute_functions" / "one.py").write_text(
        'def one() -> int:\n    """One."""\n    return 1\n'
    )
    project = load_project(tmp_path)
    load("flows.list_flows")
    apply(plan(project, "globus", services), project, services)
    assert project.lock().at("globus").functions["one"].id == told.metadata["function_id"]
