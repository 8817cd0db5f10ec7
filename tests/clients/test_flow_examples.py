"""The flows of globus/globus-flows-examples, from a clone that HEADRACE_FLOW_EXAMPLES names.

Each is checked, and runs to its end at a facility with data, functions and groups of ours. Nothing
of that repository is in this one.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import globus_sdk
import pytest

from headrace.facility import stop_facility
from tests.support.flow_examples import (
    ADA,
    ALL,
    GROUP,
    INDEX,
    TAR,
    TRANSFER,
    VARIABLE,
    WEB,
    ExamplesLab,
    files,
)
from tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        not Path(os.environ.get(VARIABLE, "/nonexistent")).is_dir(),
        reason=f"{VARIABLE} names no clone of globus/globus-flows-examples",
    ),
]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Iterator[ExamplesLab]:
    lab = ExamplesLab(tmp_path_factory.mktemp("lab"), repository)
    yield lab
    stop_facility(lab.root)


@pytest.fixture(scope="module")
def globus(lab: ExamplesLab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unmodified `globus` command, in an environment of its own."""
    environment = tmp_path_factory.mktemp("globus") / "cli"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    pip = [environment / "bin" / "python", "-m", "pip", "install", "-q", "globus-cli"]
    subprocess.run(pip, check=True)
    return environment / "bin" / "globus"


@pytest.mark.parametrize("name", ALL)
def test_each_is_checked_clean(lab: ExamplesLab, name: str) -> None:
    definition, schema = files(name)
    folder = lab.root / "flows" / name.replace("/", "_")
    folder.mkdir(parents=True)
    (folder / "definition.json").write_text(definition.read_text())
    (folder / "input_schema.json").write_text(schema.read_text())
    (folder / "flow.toml").write_text('title = "An example"\n')
    findings = lab.document("flow", "check", folder.name)
    # True of some: a transfer without a WaitTime is cancelled after five minutes; a source that is
    # not there has no type; a schema does not require what the flow needs.
    true = {"default-wait-time", "missing-text", "path-may-be-missing", "missing-parameter"}
    assert {one["code"] for one in findings} <= true, findings
    assert [one for one in findings if one["severity"] == "error"] == []


@pytest.mark.parametrize("there", ["", "already"])
def test_simple(lab: ExamplesLab, there: str) -> None:
    lab.put("here", "simple/a/one")
    if there:
        lab.put("there", f"simple{there}/a/old")
    lab.run(
        f"{TRANSFER}/simple",
        {"source": lab.at("here", "/simple/"), "destination": lab.at("there", f"/simple{there}/")},
    )
    assert (lab.directory / "there" / f"simple{there}" / "a" / "one").read_text() == "1"


@pytest.mark.parametrize("exists", [False, True])
@pytest.mark.parametrize("kind", ["file", "directory", "file into directory"])
def test_move(lab: ExamplesLab, kind: str, exists: bool) -> None:
    stem = f"move-{kind.replace(' ', '-')}-{exists}"
    source = lab.put("here", f"{stem}/one")
    target = lab.directory / "there" / stem
    whole = kind == "directory"
    path, where = (f"/{stem}/", f"/{stem}/") if whole else (f"/{stem}/one", f"/{stem}/new")
    if kind == "file into directory":
        (target / "folder").mkdir(parents=True)
        where = f"/{stem}/folder/"
    elif exists:
        lab.put("there", f"{stem}/{'other' if whole else 'new'}", "0")
    output = lab.run(
        f"{TRANSFER}/move", {"source": lab.at("here", path), "destination": lab.at("there", where)}
    )
    assert output["FlowResult"] == {"message": "Move operation complete"}
    moved = {"file": "new", "directory": "one", "file into directory": "folder/one"}[kind]
    assert (target / moved).read_text() == "1"
    assert not source.exists()


@pytest.mark.parametrize("exists", [False, True])
@pytest.mark.parametrize("kind", ["file", "directory"])
def test_two_hop(lab: ExamplesLab, kind: str, exists: bool) -> None:
    stem = f"hop-{kind}-{exists}"
    lab.put("here", f"{stem}/one")
    (lab.directory / "middle" / "passing").mkdir(exist_ok=True)
    end = "/" if kind == "directory" else "/one"
    if exists:
        lab.put("there", f"{stem}/one", "0")
    lab.run(
        f"{TRANSFER}/two_hop",
        {
            "source": lab.at("here", f"/{stem}{end}"),
            "intermediate": lab.at("middle", "/passing/"),
            "destination": lab.at("there", f"/{stem}{end}"),
        },
    )
    assert (lab.directory / "there" / stem / "one").read_text() == "1"
    assert list((lab.directory / "middle" / "passing").iterdir()) == []


def test_looping_batched_move(lab: ExamplesLab) -> None:
    for number in range(250):
        lab.put("here", f"batches/{number:03}")
    (lab.directory / "there" / "batched").mkdir()
    flow_id = lab.deploy(f"{TRANSFER}/looping_batched_move")
    body = {"source": lab.at("here", "/batches/"), "destination": lab.at("there", "/batched/")}
    lab.succeeded(lab.start(flow_id, body))
    assert len(list((lab.directory / "there" / "batched").iterdir())) == 250
    assert list((lab.directory / "here" / "batches").iterdir()) == []


@pytest.mark.parametrize("kind", ["identity", "group"])
def test_transfer_share(lab: ExamplesLab, kind: str) -> None:
    lab.put("here", "shared/one")
    who = ADA if kind == "identity" else GROUP
    domain = "auth:identity" if kind == "identity" else "groups:id"
    body = {
        "source": lab.at("here", "/shared/"),
        "destination": lab.at("there", f"/shared-{kind}/"),
        "principal": {"id": who, "type": kind, "urn": f"urn:globus:{domain}:{who}"},
    }
    lab.run(f"{TRANSFER}/transfer_share", body)
    assert (lab.directory / "there" / f"shared-{kind}" / "one").read_text() == "1"
    token = globus_sdk.AccessTokenAuthorizer(lab.led["HEADRACE_FACILITY_TOKEN"])
    client = globus_sdk.TransferClient(base_url=lab.led["HEADRACE_FACILITY_URL"], authorizer=token)
    rules = {rule["path"]: rule for rule in client.endpoint_acl_list(lab.collections["there"])}
    assert rules[f"/shared-{kind}/"]["principal"] == who


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("named", [False, True])
def test_tar_and_transfer(lab: ExamplesLab, number: int, named: bool) -> None:
    where = "middle" if number == 1 else "here"
    lab.put(where, f"tar{number}/a/one")
    lab.put(where, f"tar{number}/two")
    body = {
        "source_paths": [f"/tar{number}/a/", f"/tar{number}/two"],
        "destination_endpoint_id": lab.collections["there"],
        **({"source_endpoint": lab.collections["here"]} if number == 2 else {}),
        **({"destination_path": f"/named{number}.tar.gz"} if named else {}),
    }
    lab.run(f"{TAR}/{number}", body)
    target = lab.directory / "there" / (f"named{number}.tar.gz" if named else "packed.tar.gz")
    with tarfile.open(target) as archive:
        assert {"a/one", "two"} <= set(archive.getnames())
    target.unlink()
    bad = lab.ended(lab.start(lab.deploy(f"{TAR}/{number}"), {**body, "source_paths": ["/"]}))
    assert bad["details"]["details"]["exception"] == "InvalidInputData"


def signoff(lab: ExamplesLab, name: str) -> dict[str, Any]:
    lab.put("here", f"{name}/one")
    item = {"source_path": f"/{name}/one", "destination_path": f"/{name}/one"}
    settings = {
        "source_endpoint": lab.collections["here"],
        "destination_endpoint": lab.collections["there"],
        "DATA": [{"DATA_TYPE": "transfer_item", **item, "recursive": False}],
        "label": "into the enclave",
        "delete_destination_extra": False,
        "encrypt_data": False,
        "fail_on_quota_errors": False,
        "preserve_timestamp": False,
        "skip_source_errors": False,
        "verify_checksum": True,
        "notify_on_succeeded": True,
        "notify_on_failed": True,
        "notify_on_inactive": True,
        "store_base_path_info": True,
    }
    return {"file_manager_settings": settings}


def by_globus(lab: ExamplesLab, globus: Path, question: dict[str, Any], label: str) -> None:
    chosen = next(one for one in question["options"] if label in one["label"])
    done = subprocess.run(
        [globus, "flows", "web-input", "respond", question["id"], chosen["option_id"]],
        env={**lab.environment, **lab.led},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def by_headrace(lab: ExamplesLab, globus: Path, question: dict[str, Any], label: str) -> None:
    del globus
    chosen = next(one for one in question["options"] if label in one["label"])
    lab.headrace("web-input", "respond", question["id"], chosen["label"])


ANSWERS = [by_globus, by_headrace]


@pytest.mark.parametrize("answer", ANSWERS)
def test_admin_signoff(lab: ExamplesLab, globus: Path, answer: Any) -> None:
    flow_id = lab.deploy(f"{WEB}/admin_signoff")
    run_id = lab.start(flow_id, signoff(lab, answer.__name__))
    question = lab.question(run_id)
    rows = {row["field"]: row["value"] for row in question["context"]["rows"]}
    assert rows["Total data item count"] == "1"
    assert rows["First data item"] == f"/{answer.__name__}/one -> /{answer.__name__}/one"
    assert rows["Source collection"].startswith("here (")
    answer(lab, globus, question, "Approve")
    lab.succeeded(run_id)
    assert (lab.directory / "there" / answer.__name__ / "one").read_text() == "1"
    denied = lab.start(flow_id, signoff(lab, "denied"))
    answer(lab, globus, lab.question(denied), "Deny")
    assert lab.ended(denied)["status"] == "FAILED"
    assert not (lab.directory / "there" / "denied").exists()


def published(lab: ExamplesLab, subject: str) -> Any:
    token = globus_sdk.AccessTokenAuthorizer(lab.led["HEADRACE_FACILITY_TOKEN"])
    base = lab.led["HEADRACE_FACILITY_URL"]
    client = globus_sdk.SearchClient(base_url=base, authorizer=token)
    [entry] = client.get_subject(INDEX, subject)["entries"]
    return entry["content"]


@pytest.mark.parametrize("answer", ANSWERS)
def test_approved_publishing(lab: ExamplesLab, globus: Path, answer: Any) -> None:
    flow_id = lab.deploy(f"{WEB}/approved_publishing")
    for label, visible in (("Publish", ["public"]), ("Store", [f"urn:globus:group:id:{GROUP}"])):
        path = f"/{answer.__name__}-{label}"
        run_id = lab.start(flow_id, {"location": lab.at("here", path)})
        question = lab.question(run_id)
        rows = {row["field"]: row["value"] for row in question["context"]["rows"]}
        assert rows["Result range and std dev"] == "[2, 7.5], 1"
        answer(lab, globus, question, label)
        lab.succeeded(run_id)
        log = list(lab.services.flows.paginated.get_run_logs(run_id, limit=100).items())
        [ingest] = [
            entry["details"]["input"]
            for entry in log
            if entry["code"] == "ActionStarted" and entry["details"]["state_name"] == "Ingest"
        ]
        assert ingest["visible_to"] == visible
        assert published(lab, f"Noise of {path}")["report_path"] == f"{path}/r"


@pytest.mark.parametrize("answer", ANSWERS)
def test_evaluate_preliminary_results(lab: ExamplesLab, globus: Path, answer: Any) -> None:
    name = f"{WEB}/evaluate_preliminary_results"
    flow_id = lab.deploy(name, lambda text: text.replace('"Seconds": 1800', '"Seconds": 1'))
    again = lab.start(flow_id, {"experiment_id": "k3"})
    first = lab.question(again)
    assert len(first["options"]) == 3
    answer(lab, globus, first, "Re-evaluate")

    def asked_anew() -> bool:
        found = lab.services.flows.get_run(again)["blocking_web_input_id"]
        return found not in (None, first["id"])

    wait_until(asked_anew, "the second question", 120)
    second = lab.question(again)
    assert len(second["options"]) == 2
    answer(lab, globus, second, "Continue")
    assert lab.succeeded(again)["response_info"] == {"response": "continue"}
    halted = lab.start(flow_id, {"experiment_id": "k4"})
    answer(lab, globus, lab.question(halted), "Stop")
    assert lab.ended(halted)["status"] == "FAILED"


def test_nobody_answers_in_time(lab: ExamplesLab) -> None:
    """The last of this module: the facility's questions expire after it."""
    lab.headrace("facility", "down")
    lab.up(HEADRACE_WEB_INPUT_LIFETIME="3")
    flows = {name: lab.deploy(f"{WEB}/{name}") for name in ("admin_signoff", "approved_publishing")}
    evaluate = lab.deploy(f"{WEB}/evaluate_preliminary_results")
    enclave = lab.start(flows["admin_signoff"], signoff(lab, "late"))
    publishing = lab.start(flows["approved_publishing"], {"location": lab.at("here", "/late")})
    looking = lab.start(evaluate, {"experiment_id": "late"})
    # No Catch there: the run fails with the name of the failure.
    assert lab.ended(enclave)["details"]["details"]["exception"] == "Flows.WebInputExpired"
    halted = lab.ended(looking)["details"]["details"]
    assert halted["cause"] == "The user halted the experiment."
    # The default: stored, and not published.
    lab.succeeded(publishing)
    assert published(lab, "Noise of /late")["report_path"] == "/late/r"
