"""The Transfer and Compute providers through flows, on real directories and a real endpoint."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from headrace.compute import find_functions
from tests.support.facility.live_facility import LiveFacility
from tests.support.facility.one_action_flows import TRANSFER, flow, output
from tests.support.waiting import wait_until

V2 = "https://compute.actions.globus.org"
V3 = "https://compute.actions.globus.org/v3"


@pytest.fixture
def facility(shared_facility: LiveFacility) -> LiveFacility:
    """One for all: each of these tests looks only at what it made."""
    return shared_facility


def failure(run: dict[str, Any]) -> tuple[str, Any]:
    assert run["status"] == "FAILED"
    document = run["details"]["details"]
    return document["exception"], document["cause"]


def test_every_transfer_operation(facility):
    here, there = facility.settings.collections
    source = Path(here.root, "in")
    source.mkdir()
    (source / "a.txt").write_text("a" * 1000)
    item = {"source_path": "/in/", "destination_path": "/made/copy/", "recursive": True}
    body = {"source_endpoint": here.id, "destination_endpoint": there.id, "DATA": [item]}
    run = facility.run(
        flow(
            ("mkdir", TRANSFER + "mkdir", {"endpoint_id": there.id, "path": "/made/"}),
            ("copy", TRANSFER + "transfer", body),
            ("ls", TRANSFER + "ls", {"endpoint_id": there.id, "path": "/made/copy/"}),
            ("stat", TRANSFER + "stat", {"endpoint_id": there.id, "path": "/made/copy/a.txt"}),
            (
                "delete",
                TRANSFER + "delete",
                {"endpoint": there.id, "recursive": True, "DATA": [{"path": "/made/"}]},
            ),
        ),
        {},
    )
    payload = output(run)
    assert payload["mkdir"]["details"]["code"] == "DirectoryCreated"
    assert payload["copy"]["details"]["files_transferred"] == 1
    assert [entry["name"] for entry in payload["ls"]["details"]["DATA"]] == ["a.txt"]
    assert payload["stat"]["details"]["size"] == 1000
    assert not Path(there.root, "made").exists()
    assert (source / "a.txt").exists()


@pytest.mark.parametrize(
    ("path", "code"), [("/../secret/", "PathNotAllowed"), ("/none/", "NotFound")]
)
def test_a_path_that_leads_nowhere_fails_the_state(facility, path: str, code: str):
    here, _ = facility.settings.collections
    parameters = {"endpoint_id": here.id, "path": path}
    exception, cause = failure(facility.run(flow(("ls", TRANSFER + "ls", parameters)), {}))
    assert exception == "ActionFailedException"
    told = cause["details"]
    assert code in told["code"] or ".." in told["description"]
    assert "\n" not in told["description"]


@pytest.mark.parametrize("collection", ["nowhere", None, ["nowhere"], {"id": "nowhere"}])
def test_a_collection_that_is_none_starts_nothing(facility, collection: Any):
    parameters = {"endpoint_id": collection, "path": "/"}
    exception, cause = failure(facility.run(flow(("ls", TRANSFER + "ls", parameters)), {}))
    assert exception == "ActionUnableToRun"
    assert "workstation" in cause["description"]


FUNCTIONS = {
    "add": '''def add(a: int, b: int = 1) -> int:
    """Add."""
    return a + b
''',
    "fail": '''def fail() -> None:
    """Fail."""
    raise ValueError("the detector is off")
''',
    "wait": '''def wait(marker: str) -> None:
    """Wait until it is cancelled."""
    import pathlib
    import time

    pathlib.Path(marker).touch()
    while True:
        time.sleep(0.05)
''',
}


@pytest.fixture
def functions(facility, tmp_path: Path) -> dict[str, str]:
    """Registers functions; returns their ids by name."""
    pytest.importorskip("globus_compute_endpoint", reason="needs the extra `endpoint` (Linux)")
    directory = tmp_path / "compute_functions"
    directory.mkdir()
    for name, text in FUNCTIONS.items():
        (directory / f"{name}.py").write_text(text)
    return {
        name: facility.services.compute.register_function(
            {"function_name": name, "function_code": function.code}
        )["function_uuid"]
        for name, function in find_functions(directory).items()
    }


@pytest.mark.skipif(sys.platform != "linux", reason="the Compute endpoint is Linux only")
def test_both_versions_of_compute(facility, functions: dict[str, str], tmp_path: Path):
    endpoint = facility.settings.endpoints[0].id
    add, fail = functions["add"], functions["fail"]
    several = [{"function_id": add, "args": [n], "kwargs": {"b": 10 * n}} for n in range(3)]
    started = {
        "V3": facility.start(
            facility.deploy(flow(("c", V3, {"endpoint_id": endpoint, "tasks": several}))), {}
        ),
        "V2": facility.start(
            facility.deploy(
                flow(("c", V2, {"endpoint": endpoint, "function": add, "kwargs": {"a": 1}}))
            ),
            {},
        ),
        "V2 tasks": facility.start(
            facility.deploy(
                flow(
                    (
                        "c",
                        V2 + "/fxap",
                        {"tasks": [{"endpoint": endpoint, "function": add, "payload": {"a": 5}}]},
                    )
                )
            ),
            {},
        ),
        "fails": facility.start(
            facility.deploy(
                flow(
                    (
                        "c",
                        V3,
                        {
                            "endpoint_id": endpoint,
                            "tasks": [{"function_id": fail}, {"function_id": add, "args": [1]}],
                        },
                    )
                )
            ),
            {},
        ),
    }
    runs = {name: facility.wait(run_id) for name, run_id in started.items()}
    details = output(runs["V3"])["c"]["details"]
    assert details["result"] == [0, 11, 22]
    assert [result["output"] for result in details["results"]] == [0, 11, 22]
    assert output(runs["V3"])["c"]["action_id"].startswith("tg_")
    assert output(runs["V2"])["c"]["details"]["result"] == [2]
    assert output(runs["V2 tasks"])["c"]["details"]["result"] == [6]
    exception, cause = failure(runs["fails"])
    assert exception == "ActionFailedException"
    assert "the detector is off" in cause["details"]["description"]
    assert "1 of 2 tasks failed" in cause["details"]["description"]

    marker = tmp_path / "running"
    waiting = {
        "endpoint_id": endpoint,
        "tasks": [{"function_id": functions["wait"], "kwargs": {"marker": str(marker)}}],
    }
    run_id = facility.start(facility.deploy(flow(("c", V3, waiting))), {})
    wait_until(marker.exists, "the task")

    def running() -> bool:
        statuses = facility.services.flows.get_run(run_id)["details"]["action_statuses"]
        return bool(statuses[0]["details"]["tasks"]["running"] == 1)

    wait_until(running, "the task's state")
    facility.services.flows.cancel_run(run_id)
    assert facility.wait(run_id)["details"]["code"] == "FlowCanceled"


@pytest.mark.parametrize(
    ("parameters", "word"),
    [
        ({"endpoint_id": "none", "tasks": [{"function_id": "f"}]}, "simulation"),
        ({"endpoint_id": None, "tasks": []}, "endpoint_id"),
        ({"endpoint_id": "e", "tasks": []}, "tasks"),
        ({"endpoint_id": "e", "tasks": [{}]}, "function_id"),
        ({"endpoint_id": "e", "tasks": [{"function_id": "f", "args": {}}]}, "args"),
        ({"endpoint_id": "e", "tasks": [{"function_id": "f"}], "walltime": 1}, "walltime"),
    ],
)
def test_a_request_that_no_endpoint_could_take_is_refused(facility, parameters, word: str):
    exception, cause = failure(facility.run(flow(("c", V3, parameters)), {}))
    assert exception == "ActionUnableToRun"
    assert word in cause["description"]


def test_a_function_that_is_not_registered_is_named(facility):
    endpoint = facility.settings.endpoints[0].id
    parameters = {"endpoint_id": endpoint, "tasks": [{"function_id": "unheard-of"}]}
    _, cause = failure(facility.run(flow(("c", V3, parameters)), {}))
    assert "unheard-of" in cause["description"]
    assert "headrace deploy" in cause["description"]
