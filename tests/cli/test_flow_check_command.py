"""``headrace flow check``: formats, exit codes, and what the project's files say."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from headrace.project import check_file
from tests.support.examples import examples
from tests.support.repository import REPOSITORY

Run = Callable[..., Result]
COMPUTE = "https://compute.actions.globus.org/v3"


def write(root: Path, definition: Any, schema: Any = None, name: str = "say") -> Path:
    directory = root / "flows" / name
    directory.mkdir(exist_ok=True)
    text = definition if isinstance(definition, str) else json.dumps(definition, indent=1)
    (directory / "definition.json").write_text(text, encoding="utf-8", errors="surrogatepass")
    if schema is not None:
        schema = schema if isinstance(schema, str) else json.dumps(schema, indent=1)
        (directory / "input_schema.json").write_text(schema)
    return directory / "definition.json"


def one(**state: Any) -> dict[str, Any]:
    return {"StartAt": "A", "States": {"A": {**state, "End": True}}}


WARNS = one(Type="Action", ActionUrl="http://localhost/x", Parameters={})
FAILS = one(Type="Pass", Parameters={"x.$": "$.no"})
SCHEMA = {"type": "object", "additionalProperties": False}


def test_warnings_leave_the_exit_code_alone(run: Run, root: Path) -> None:
    write(root, WARNS, SCHEMA)
    shown = run("flow", "check", "--at", "globus")
    assert shown.exit_code == 0
    assert "warning plain-http" in shown.stdout
    assert shown.stdout.endswith("\n1 warning\n")
    write(root, FAILS, SCHEMA)
    shown = run("flow", "check")
    assert shown.exit_code == 1
    assert shown.stdout.endswith("\n1 error\n")


def test_a_finding_is_one_document(run: Run, root: Path) -> None:
    path = write(root, FAILS, SCHEMA)
    (document,) = json.loads(run("flow", "check", "say", "-F", "json").stdout)
    assert document["file"] == str(path)
    assert document["code"] == "path-cannot-exist"
    assert document["loc"] == ["definition", "States", "A", "Parameters", "x.$"]
    lines = path.read_text().splitlines()
    assert lines[document["line"] - 1][document["column"] - 1 :].startswith('"x.$"')
    assert document["message"]
    assert document["fix"]
    assert document["type"] is None
    write(root, {"States": {}})
    documents = json.loads(run("flow", "check", "say", "-F", "json").stdout)
    assert documents[0]["type"].startswith("value_error")


def test_findings_in_the_schema_are_in_its_file(run: Run, root: Path) -> None:
    schema = {"type": "object", "properties": {"unused": {"type": "string"}}}
    write(root, one(Type="Pass"), schema)
    shown = run("flow", "check").stdout
    assert f"{root}/flows/say/input_schema.json:4:3: advice input-not-read" in shown


@pytest.mark.parametrize(
    ("schema", "code", "line"),
    [
        ('{"type": "object",\n "type": "object"}', "duplicate-key", 2),
        ('{"type":\n "strange"}', "invalid-schema", 1),
        ('{"properties": {\n "a": {"type": 3}}}', "invalid-schema", 2),
        ("[]", "invalid-schema", 1),
        ('{"a":\n', "not-json", 2),
    ],
)
def test_a_schema_that_cannot_be_used(
    run: Run, root: Path, schema: str, code: str, line: int
) -> None:
    write(root, one(Type="Pass"), schema)
    result = run("flow", "check")
    assert result.exit_code == 1
    (first, *_) = result.stdout.splitlines()
    assert first.startswith(f"{root}/flows/say/input_schema.json:{line}:")
    assert f"error {code}: " in first


def test_all_that_is_wrong_with_a_schema_is_told(run: Run, root: Path) -> None:
    write(root, one(Type="Pass"), '{"properties": {\n"a": {"type": 3},\n"b": {"pattern": "("}}}')
    told = [line for line in run("flow", "check").stdout.splitlines() if "invalid-schema" in line]
    assert any("input_schema.json:2:" in line for line in told)
    assert any("input_schema.json:3:" in line for line in told)


def test_a_name_that_stands_twice_in_a_definition(run: Run, root: Path) -> None:
    path = write(
        root, '{"StartAt": "A", "States": {"A": {"Type": "Pass",\n"End": true, "End": 1}}}'
    )
    assert f"{path}:2:14: error duplicate-key: 'End' is named twice" in run("flow", "check").stdout


def test_sarif_beside_the_text_and_instead_of_it(run: Run, root: Path) -> None:
    write(root, FAILS, SCHEMA, "a b")
    beside = run("flow", "check", "--sarif", "out.sarif")
    assert beside.exit_code == 1
    assert "error path-cannot-exist" in beside.stdout
    log = json.loads((root / "out.sarif").read_text())
    (result,) = [r for r in log["runs"][0]["results"] if r["level"] == "error"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "flows/a%20b/definition.json"
    instead = run("flow", "check", "--sarif", "-")
    assert instead.exit_code == 1
    assert json.loads(instead.stdout) == log


def test_sarif_of_a_project_without_findings_has_no_results(run: Run, root: Path) -> None:
    write(root, one(Type="Pass"), {"type": "object"})
    result = run("flow", "check", "--sarif", "-")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["runs"][0]["results"] == []


def test_wrong_usage(run: Run) -> None:
    assert run("flow", "check", "--sarif").exit_code == 2
    assert run("flow", "check", "--no-such-option").exit_code == 2


TRIGGER = """
[watch]
collection = "here"
path = "/"
[start]
flow = "say"
[start.input]
word = "{name}"
[start.input.compute]
endpoint = { endpoint = "batch" }
"""
TEMPLATE = """
engine:
  provider:
    type: SlurmProvider
    walltime: {{ walltime | default('"00:30:00"') }}
"""
CALLS = {
    "Type": "Action",
    "ActionUrl": COMPUTE,
    "Parameters": {"endpoint_id.$": "$.compute.endpoint", "tasks": [{"function_id": "x"}]},
    "ResultPath": "$.r",
}


@pytest.mark.parametrize(
    ("options", "wait_time", "seconds"),
    [
        ("", 1800, None),
        ("", 1799, "1800"),
        ('walltime = "02:00:00"', 1800, "7200"),
        ('walltime = "1-00:00:00"', 1800, "86400"),
        ('walltime = "90"', 1800, "5400"),
        ('walltime = "soon"', 1800, None),
        ('walltime = "UNLIMITED"', 1800, None),
    ],
)
def test_the_walltime_is_that_of_the_endpoint_that_a_trigger_names(
    run: Run, root: Path, options: str, wait_time: int, seconds: str | None
) -> None:
    config = root / "headrace.toml"
    more = f'\n[endpoints.batch]\ntemplate = "slurm"\n[endpoints.batch.options]\n{options}\n'
    config.write_text(config.read_text() + more)
    template = root / "endpoint_configs" / "slurm"
    template.mkdir()
    (template / "user_config_template.yaml.j2").write_text(TEMPLATE)
    (root / "triggers" / "new.toml").write_text(TRIGGER)
    (root / "triggers" / "broken.toml").write_text("=")
    write(root, one(**CALLS, WaitTime=wait_time), {"type": "object"})
    shown = run("flow", "check").stdout
    if seconds is None:
        assert shown == "No findings.\n"
    else:
        assert f"jobs of $.compute.endpoint may take {seconds} s" in shown


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(max_size=3)
            | st.sampled_from(
                ["StartAt", "States", "Type", "type", "properties", "$ref", "pattern", "required"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)
TEXTS = JSON.map(json.dumps) | st.text(max_size=40) | st.sampled_from(["[" * 9_999, "9" * 9_999])


@examples(150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXTS, TEXTS)
def test_whatever_the_files_say_findings_come_out(root: Path, text: str, schema: str) -> None:
    path = write(root, text.encode("utf-8", "replace").decode(), "{}")
    path.with_name("input_schema.json").write_bytes(schema.encode("utf-8", "replace"))
    for finding in check_file(path):
        assert "\n" not in str(finding)
        str(finding).encode()
        json.dumps(finding.document())


def test_a_provider_that_the_place_lacks(root: Path, run: Run) -> None:
    url = "https://actions.globus.org/notification/notify"
    write(root, one(Type="Action", ActionUrl=url, Parameters={}, ResultPath="$.r"))
    result = run("flow", "check", "say")
    assert "provider-not-served" in result.stdout
    assert result.exit_code == 0
    assert "provider-not-served" not in run("flow", "check", "say", "--at", "globus").stdout
    allowed = '\n[action_providers.mail]\nurl = "https://actions.globus.org/notification/"\n'
    (root / "headrace.toml").write_text((root / "headrace.toml").read_text() + allowed)
    assert "provider-not-served" not in run("flow", "check", "say").stdout


def test_every_provider_of_the_project_s_own_flows_is_served() -> None:
    from headrace.facility.providers.available import is_served

    flows = REPOSITORY / "flows"
    texts = [file.read_text() for file in flows.glob("*/definition.json")]
    urls = {
        state["ActionUrl"]
        for text in texts
        for state in json.loads(text)["States"].values()
        if "ActionUrl" in state
    }
    assert urls
    assert all(is_served(url) for url in urls)
    assert is_served("https://flows.globus.org/flows/some-flow")
    assert not is_served("https://actions.globus.org/search/delete")
