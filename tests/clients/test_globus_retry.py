"""`run retry` at `globus`, pointed at a facility: on from the failed state, as at a facility."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from headrace.facility import stop_facility
from headrace.hosted import Services, services_at
from headrace.project import load_project
from headrace.runs.query import retry_run
from tests.support.hosted_developer import Developer
from tests.support.hosted_retry_flow import FLOW, SCHEMA
from tests.support.installed_program import headrace


def write_project(root: Path) -> Path:
    flow = root / "flows" / "look"
    flow.mkdir(parents=True)
    (root / "headrace.toml").write_text('name = "looking"\n')
    (flow / "definition.json").write_text(json.dumps(FLOW))
    (flow / "input_schema.json").write_text(json.dumps(SCHEMA))
    (flow / "flow.toml").write_text('title = "Look"\n')
    return root


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The directory of the facility that stands for the hosted services."""
    root = tmp_path_factory.mktemp("service")
    (root / "disk").mkdir()
    (root / "headrace.toml").write_text('[collections.disk]\nroot = "disk"\n')
    assert headrace("-C", str(root), "facility", "up").returncode == 0
    yield root
    stop_facility(root)


@pytest.fixture
def developer(tmp_path: Path, service: Path) -> Developer:
    developer = Developer(write_project(tmp_path / "project"), service, tmp_path / "home")
    developer("deploy")
    return developer


@pytest.fixture
def started(developer: Developer, service: Path) -> list[str]:
    collection = load_project(service).collection_id("disk", "local")
    return ["start", "look", "-s", "who=you", "-s", f"collection={collection}", "--wait"]


def states_of(developer: Developer, run: str) -> list[str]:
    entries = developer.document("run", "log", run)
    return [
        entry["details"]["state_name"]
        for entry in entries
        if entry["code"].endswith("Started") and entry["code"] != "FlowStarted"
    ]


def ended(developer: Developer, run: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = developer.document("run", "wait", run["run_id"])
    return found


def test_a_failed_run_goes_on_at_its_state(
    developer: Developer, started: list[str], service: Path
) -> None:
    developer(*started, code=1)
    failed = developer.document("run", "list")[0]
    (service / "disk" / "later").mkdir()
    (service / "disk" / "later" / "a").touch()
    again = developer.document("run", "retry", "last")
    assert again["retry_of"] == {"run_id": failed["run_id"], "state": "Look"}
    output = ended(developer, again)["details"]["output"]
    assert output["count"] == {"files": 1}
    assert output["greeting"]["details"]["hello"] == "you"
    assert "_headrace_resume" not in output
    own = [name for name in states_of(developer, "last") if not name.startswith("Headrace")]
    assert own == ["Look", "Count"]
    shown = developer.document("run", "show", again["run_id"])
    assert [each["state"] for each in shown["states"]] == ["Look", "Count"]

    # From an earlier state, from the start, and from a run that was itself taken up.
    for state, visited in (("Look", ["Look", "Count"]), ("Greet", ["Greet", "Look", "Count"])):
        run = developer.document("run", "retry", failed["run_id"], "--from", state, "--again")
        assert ended(developer, run)["status"] == "SUCCEEDED"
        names = states_of(developer, run["run_id"])
        assert [name for name in names if not name.startswith("Headrace")] == visited
    last = developer.document("run", "retry", again["run_id"], "--from", "Count", "--again")
    assert ended(developer, last)["details"]["output"] == output


def test_a_person_gives_the_result_of_a_state(
    developer: Developer, started: list[str], service: Path
) -> None:
    if (service / "disk" / "later").exists():
        for path in (service / "disk" / "later").iterdir():
            path.unlink()
        (service / "disk" / "later").rmdir()
    developer(*started, code=1)
    failed = developer.document("run", "list")[0]["run_id"]
    given = developer.root / "listing.json"
    given.write_text('{"DATA": [{"name": "a"}, {"name": "b"}]}')
    told = developer("run", "retry", "last", "--result", "listing.json")
    assert "after Look" in told
    assert ended(developer, {"run_id": "last"})["details"]["output"]["count"] == {"files": 2}
    given.write_text("7")
    run = developer.document("run", "retry", "last", "--from", "Count", "--result", "listing.json")
    assert ended(developer, run)["details"]["output"]["count"] == 7
    words = "never in a state 'Sing'; it was in: Greet, Look"
    assert words in developer("run", "retry", failed, "--from", "Sing", "--again", code=1)


def test_nothing_is_changed_by_a_second_deployment(developer: Developer) -> None:
    assert developer.document("deploy")["changes"] == 0
    path = developer.root / "flows" / "look" / "definition.json"
    path.write_text(json.dumps({**FLOW, "Comment": "other"}))
    [step] = developer.document("deploy", "--dry-run")["steps"]
    text = "\n".join(step["diff"])
    assert "other" in text
    assert "Headrace" not in text
    assert "_headrace" not in text
    developer("deploy")
    assert developer.document("deploy")["changes"] == 0


def hosted(service: Path) -> Services:
    from headrace.facility import find_address

    address = find_address(service)
    assert address is not None
    return services_at(address.url, address.token)


def test_a_payload_that_is_too_large_begins_at_the_start(
    developer: Developer, started: list[str], service: Path
) -> None:
    started[2:2] = ["-s", f"ballast={'x' * 120_000}"]
    developer(*started, code=1)
    told = developer("run", "retry", "last", "--from", "Look", code=1)
    assert "the service takes 200000" in told
    assert "--from Greet --at globus` begins at its start" in told
    assert len(told.strip().splitlines()) == 1
    run = developer.document("run", "retry", "last", "--from", "Greet")
    assert run["retry_of"]["state"] == "Greet"


def test_a_flow_that_was_deployed_before_begins_at_its_start(
    developer: Developer, started: list[str], service: Path
) -> None:
    lock = json.loads((developer.root / "headrace.lock").read_text())
    flow_id = lock["targets"]["globus"]["flows"]["look"]["id"]
    services = hosted(service)
    services.flows.update_flow(flow_id, definition=FLOW, input_schema=SCHEMA)
    developer(*started, code=1)
    told = developer("run", "retry", "last", "--from", "Look", code=1)
    assert "begins a flow at its start only, and the flow was deployed without" in told
    [failed] = services.read("/runs", {"per_page": 1})["runs"]
    again = retry_run(services, "globus", failed["run_id"])
    assert again["retry_of"]["state"] is None
    assert "without an entry for retries" in again["retry_of"]["note"]


SOMEBODY = f"urn:globus:auth:identity:{UUID(int=17)}"


def test_whoever_may_only_start_a_flow_begins_at_its_start(
    developer: Developer, started: list[str], service: Path
) -> None:
    path = developer.root / "flows" / "look" / "flow.toml"
    roles = f'[roles]\nstarters = ["{SOMEBODY}"]\n'
    path.write_text(f'title = "Look"\n{roles}')
    developer("deploy")
    lock = json.loads((developer.root / "headrace.lock").read_text())
    flow_id = lock["targets"]["globus"]["flows"]["look"]["id"]
    services = hosted(service)
    flow = services.read(f"/flows/{flow_id}")
    assert (flow["definition"], flow["input_schema"]) == (FLOW, SCHEMA)
    developer(*started, code=1)
    [failed] = services.read("/runs", {"per_page": 1})["runs"]
    told = developer("run", "retry", failed["run_id"], "--from", "Look", code=1)
    assert "as others may start it: set `starters_may_resume` in its flow.toml and deploy" in told
    path.write_text(f'title = "Look"\nstarters_may_resume = true\n{roles}')
    assert developer.document("deploy")["changes"] == 1
    definition = services.read(f"/flows/{flow_id}")["definition"]
    assert definition["StartAt"] == "HeadraceResume"
    assert developer.document("deploy")["changes"] == 0


def test_who_manages_and_sees_a_run_does_so_of_its_retry(
    developer: Developer, started: list[str], service: Path
) -> None:
    developer(*started, "--manager", SOMEBODY, "--monitor", SOMEBODY, code=1)
    services = hosted(service)
    [failed] = services.read("/runs", {"per_page": 1})["runs"]
    again = retry_run(services, "globus", failed["run_id"])
    assert (again["run_managers"], again["run_monitors"]) == ([SOMEBODY], [SOMEBODY])
