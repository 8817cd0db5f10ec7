"""Looks before a run at `--at globus`, pointed at a facility: Transfer, endpoints, login."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from headrace.config import local_id
from headrace.facility import stop_facility
from tests.support.hosted_developer import Developer

MOVE = {
    "StartAt": "Move",
    "States": {
        "Move": {
            "Type": "Action",
            "ActionUrl": "https://transfer.actions.globus.org/transfer",
            "Parameters": {
                "source_endpoint.$": "$.data.id",
                "destination_endpoint.$": "$.results.id",
                "DATA": [
                    {
                        "source_path.$": "$.data.path",
                        "destination_path.$": "$.results.path",
                        "recursive": True,
                    }
                ],
            },
            "ResultPath": "$.moved",
            "WaitTime": 86400,
            "End": True,
        }
    },
}
INPUT = {
    "data": {"collection": "lab", "path": "/in/"},
    "results": {"collection": "lab", "path": "/out/new/"},
}


@pytest.fixture
def service(tmp_path: Path, repository: Path) -> Iterator[Path]:
    root = tmp_path / "service"
    (root / "lab" / "in").mkdir(parents=True)
    (root / "lab" / "in" / "a.txt").write_text("a")
    shutil.copytree(repository / "endpoint_configs" / "local", root / "endpoint_configs" / "local")
    (root / "headrace.toml").write_text(
        '[collections.lab]\nroot = "lab"\n[endpoints.machine]\ntemplate = "local"\n'
    )
    command = [sys.executable, "-m", "headrace.cli", "-C", str(root), "facility", "up"]
    subprocess.run(command, check=True, capture_output=True)
    yield root
    stop_facility(root)


@pytest.fixture
def developer(tmp_path: Path, service: Path) -> Developer:
    root = tmp_path / "project"
    flow = root / "flows" / "move"
    flow.mkdir(parents=True)
    (flow / "definition.json").write_text(json.dumps(MOVE))
    (flow / "input_schema.json").write_text('{"type": "object"}')
    (root / "headrace.toml").write_text(
        f'[collections.lab]\nroot = "/nowhere"\nid = "{local_id("collection", "lab")}"\n'
        f'[collections.gone]\nroot = "/nowhere"\nid = "{uuid.uuid4()}"\n'
        f'[endpoints.machine]\nid = "{local_id("endpoint", "machine")}"\n'
        f'[endpoints.away]\nid = "{uuid.uuid4()}"\n'
    )
    (root / "input.json").write_text(json.dumps(INPUT))
    developer = Developer(root, service, tmp_path / "home")
    developer("deploy")
    return developer


def change(developer: Developer, **members: object) -> None:
    (developer.root / "input.json").write_text(json.dumps({**INPUT, **members}))


def doctor(developer: Developer, code: int = 0) -> dict[str, tuple[str, str]]:
    done = subprocess.run(
        [sys.executable, "-m", "headrace.cli", "doctor", "move", "-i", "input.json", "-F", "json"],
        cwd=developer.root,
        env=developer.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return {row["what"]: (row["health"], row["words"]) for row in json.loads(done.stdout)}


def test_a_run_that_nothing_stands_in_the_way_of(developer: Developer) -> None:
    change(developer, runs={"endpoint": "machine"})
    told = doctor(developer)
    assert told["lab:/in/"] == ("good", "is there, 1 entries")
    assert told["lab:/out/new/"] == ("good", "is not there yet; / is")
    assert told["login"] == ("good", "it renews itself; the flow's actions may take 1 d 00:00:00")
    assert told["endpoint machine"][0] == "good"
    started = developer.document("start", "move", "-i", "input.json", "--wait")
    assert started["status"] == "SUCCEEDED"


def test_what_would_fail_first_is_told_before_anything_is_sent(developer: Developer) -> None:
    change(
        developer,
        data={"collection": "lab", "path": "/missing/"},
        results={"collection": "gone", "path": "/x/"},
        runs={"endpoint": "away"},
    )
    told = developer("start", "move", "-i", "input.json", code=1)
    assert len(told.strip().splitlines()) == 1
    for words in (
        "flow 'move' is not started",
        "endpoint away: the service calls it not registered",
        "lab:/missing/: 404 ClientError.NotFound",
        "gone:/x/: 404 EndpointNotFound",
        "--no-preflight",
    ):
        assert words in told
    assert developer.document("run", "list") == []
    bad = [what for what, (health, _) in doctor(developer, code=1).items() if health == "bad"]
    assert sorted(bad) == ["endpoint away", "gone:/x/", "lab:/missing/"]


def test_without_the_looks_the_run_is_started_anyway(developer: Developer) -> None:
    change(developer, data={"collection": "lab", "path": "/missing/"})
    run_id = developer.document("start", "move", "-i", "input.json", "--no-preflight")["run_id"]
    assert "Failure" in developer("run", "show", run_id) or developer.document("run", "list")


def test_the_transfer_api_answers_unmodified_clients(developer: Developer, service: Path) -> None:
    program = """
import json, sys, globus_sdk
from headrace.hosted import hosted_services
transfer, lab = hosted_services().transfer, sys.argv[1]
told = {"name": transfer.get_endpoint(lab)["display_name"]}
transfer.operation_mkdir(lab, "/made")
told["names"] = [entry["name"] for entry in transfer.operation_ls(lab, path="/")]
told["kind"] = transfer.operation_stat(lab, "/in/a.txt")["type"]
told["errors"] = []
for path in ("/made", "/in/../../x", "/in/a.txt/b"):
    try:
        transfer.operation_mkdir(lab, path)
    except globus_sdk.TransferAPIError as error:
        told["errors"].append([error.http_status, error.code])
print(json.dumps(told))
"""
    done = subprocess.run(
        [sys.executable, "-c", program, local_id("collection", "lab")],
        env={**os.environ, **developer.environment},
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(done.stdout)
    assert told["name"] == "lab"
    assert told["names"] == ["in", "made"]
    assert told["kind"] == "file"
    assert [status for status, _ in told["errors"]] == [502, 400, 502]
    assert told["errors"][0][1] == "ExternalError.MkdirFailed.Exists"
    assert (service / "lab" / "made").is_dir()
