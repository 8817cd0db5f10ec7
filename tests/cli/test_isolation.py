"""One faulty thing in a project does not stop the commands about others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command_line import Run
from tests.support.flows_service import Service


@pytest.fixture
def faulty(root: Path) -> Path:
    """A project with a sound flow and a sound function, and others that are not."""
    functions = root / "compute_functions"
    (functions / "broken.py").write_text("def broken(:\n")
    (functions / "latin.py").write_bytes("def latin():\n    'é'\n".encode("utf-16"))
    for name, files in {
        "no_json": {"definition.json": "{,}"},
        "no_toml": {"definition.json": "{}", "flow.toml": "title = "},
        "odd_key": {"definition.json": "{}", "flow.toml": 'titel = "x"'},
    }.items():
        (root / "flows" / name).mkdir()
        for file, text in files.items():
            (root / "flows" / name / file).write_text(text)
    return root


def test_lists_name_what_is_faulty(faulty: Path, run: Run, service: Service) -> None:
    functions = {
        row["name"]: row for row in json.loads(run("function", "list", "-F", "json").stdout)
    }
    assert functions["double"]["state"] == "not deployed"
    assert (functions["broken"]["state"], functions["latin"]["state"]) == ("faulty", "faulty")
    assert "broken.py:1: cannot be read as Python" in functions["broken"]["problem"]
    flows = {row["name"]: row for row in json.loads(run("flow", "list", "-F", "json").stdout)}
    assert flows["say"]["state"] == "not deployed"
    assert "definition.json:1:2: not JSON" in flows["no_json"]["problem"]
    assert "flow.toml:1" in flows["no_toml"]["problem"]
    assert "did you mean 'title'?" in flows["odd_key"]["problem"]
    shown = run("flow", "list").stdout
    assert "faulty" in shown
    assert flows["no_json"]["problem"] in shown


@pytest.mark.parametrize("schema", ["true", '{"$ref": "#"}', '{"$ref": "http://127.0.0.1:1/"}'])
def test_a_bad_template_hides_no_other_endpoint(
    root: Path,
    run: Run,
    service: Service,
    schema: str,
) -> None:
    folder = root / "endpoint_configs" / "odd"
    folder.mkdir(parents=True)
    (folder / "user_config_template.yaml.j2").write_text("")
    (folder / "user_config_schema.json").write_text(schema)
    with (root / "headrace.toml").open("a") as stream:
        stream.write('[endpoints.odd]\ntemplate = "odd"\n[endpoints.elsewhere]\n')
    rows = json.loads(run("endpoint", "list", "-F", "json").stdout)
    told = {row["name"]: row["warning"] for row in rows}
    assert set(told) == {"machine", "odd", "elsewhere"}
    assert "user_config_schema.json: " in told["odd"]
    assert told["elsewhere"] == ""
    shown = run("config", "show")
    assert shown.exit_code == 0
    assert "user_config_schema.json: " in shown.stderr
    assert "endpoints.elsewhere" in shown.stdout


def test_a_damaged_endpoint_hides_no_other(
    root: Path,
    run: Run,
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = root / "endpoints"
    monkeypatch.setenv("GLOBUS_COMPUTE_USER_DIR", str(home))
    (home / "machine").mkdir(parents=True)
    for name in ("config.yaml", "daemon.pid", "host", "user_config_template.yaml.j2"):
        (home / "machine" / name).write_bytes(b"\xff\xfe")
    with (root / "headrace.toml").open("a") as stream:
        stream.write("[endpoints.elsewhere]\n")
    rows = json.loads(run("endpoint", "list", "--at", "globus", "-F", "json").stdout)
    states = {row["name"]: (row["kind"], row["pid"]) for row in rows}
    assert states == {"machine": ("installed", None), "elsewhere": ("elsewhere", None)}


def test_the_sound_ones_are_deployed_shown_and_started(
    faulty: Path,
    run: Run,
    service: Service,
) -> None:
    assert run("deploy", "say", "double").exit_code == 0
    assert run("function", "show", "double").exit_code == 0
    assert run("flow", "check", "say").exit_code == 0
    assert run("flow", "draw", "say").exit_code == 0
    assert run("start", "say", "-s", "word=x").exit_code == 0
    assert run("run", "list", "--flow", "say").exit_code == 0


def test_the_faulty_ones_say_what_is_wrong(
    faulty: Path,
    run: Run,
    service: Service,
) -> None:
    checked = run("flow", "check").stdout
    for words in (
        "no_json/definition.json:1:2: error",
        "no_toml/flow.toml:1:",
        "odd_key/flow.toml:1",
    ):
        assert words in checked
    assert run("deploy").exit_code == 1
    assert service.changes() == []
    for command in (["function", "show", "broken"], ["start", "no_json"]):
        result = run(*command)
        assert result.exit_code == 1
        assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("command", "near"),
    [
        (["start", "sya"], "say"),
        (["doctor", "sya"], "say"),
        (["flow", "check", "sya"], "say"),
        (["flow", "draw", "sya"], "say"),
        (["deploy", "doubel"], "double"),
        (["function", "show", "doubel"], "double"),
        (["function", "run", "double", "-e", "heer", "-s", "x=1"], "here"),
        (["endpoint", "status", "heer"], "here"),
        (["--profile", "dya", "flow", "list"], "day"),
        (["statr", "say"], "start"),
        (["run", "shwo"], "show"),
        (["start", "say", "--lable", "x"], "--label"),
    ],
)
def test_the_nearest_name_is_suggested(
    root: Path,
    run: Run,
    service: Service,
    command: list[str],
    near: str,
) -> None:
    config = root / "headrace.toml"
    config.write_text(
        f'{config.read_text()}\n[profiles.day]\n[endpoints.here]\ntemplate = "local"\n'
    )
    assert run("deploy").exit_code == 0
    result = run(*command)
    assert result.exit_code in (1, 2)
    assert "did you mean" in result.stderr.lower()
    assert near in result.stderr
    assert result.stderr.count("\n") == 1
