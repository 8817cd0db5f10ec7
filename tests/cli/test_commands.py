from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

import headrace.facility
from headrace.facility import FacilityError
from tests.support.flows_service import Service
from tests.support.ids import an_id

Run = Callable[..., Result]


def start(run: Run) -> str:
    result = run("start", "say", "--set", "word=hello", "-F", "unix")
    assert result.exit_code == 0, result.stderr
    return str(result.stdout.strip())


def test_deploy_says_what_it_did_and_then_that_nothing_is_left(run: Run, service: Service) -> None:
    dry = run("deploy", "--dry-run")
    assert "2 changes at local, none made" in dry.stdout
    assert service.changes() == []
    first = run("deploy")
    assert "register  function  double  new" in first.stdout
    assert "create    flow      say     new" in first.stdout
    second = run("deploy", "-F", "json")
    assert json.loads(second.stdout)["changes"] == 0


def test_start_prints_the_run(run: Run, deployed: Service) -> None:
    run_id = start(run)
    stored = deployed.runs[run_id]
    assert stored["label"] == "say"
    assert stored["details"]["details"]["input"] == {"word": "hello"}


def test_an_input_comes_from_a_file_standard_input_and_settings(
    run: Run, deployed: Service, tmp_path: Path
) -> None:
    (tmp_path / "in.json").write_text('{"word": "file", "count": 1}')
    run("start", "say", "--input", "in.json", "--set", "count=2", "-l", "one", "-t", "tag")
    run("start", "say", "-i", "-", stdin='{"word": "pipe"}')
    run("start", "say", "-s", "word=3 words", "-s", "place.path=/x")
    inputs = [stored["details"]["details"]["input"] for stored in deployed.runs.values()]
    assert inputs == [
        {"word": "file", "count": 2},
        {"word": "pipe"},
        {"word": "3 words", "place": {"path": "/x"}},
    ]
    assert next(iter(deployed.runs.values()))["tags"] == ["tag"]


def test_a_log_says_what_it_leaves_out(run: Run, deployed: Service) -> None:
    run_id = start(run)
    words = "x" * 5000
    deployed.log(run_id, "ActionStarted", state_name="S", input={"word": words})
    shown = run("run", "log", run_id)
    assert "... (4,892 more characters)" in shown.stdout
    assert f"in full: headrace run log {run_id} -F json" in shown.stderr
    assert words in run("run", "log", run_id, "-F", "json").stdout
    assert run("run", "log", run_id, "-F", "json").stderr == ""


@pytest.mark.parametrize(
    ("arguments", "line", "exit_code"),
    [
        (["start", "sey"], "no flow 'sey' in", 1),
        (["start", "say"], "input of flow 'say': $: 'word' is a required property", 1),
        (["start", "say", "-s", "word"], "expected KEY=VALUE", 2),
        (["start", "say", "-i", "none.json"], "none.json: No such file or directory", 1),
        (
            ["start", "say", "-s", "word=1", "-s", "word.x=1"],
            "--set word.x: word is not an object",
            2,
        ),
        (["start"], "Missing argument 'FLOW|PATH'; see `headrace start --help`", 2),
        (["start", "say", "--colour"], "No such option: --colour", 2),
        (["begin"], "No such command 'begin'", 2),
        (["run", "list", "--at", "moon"], "'moon' is not one of local, globus", 2),
        (["run", "list", "-C", "/nowhere"], "/nowhere: no such directory", 1),
        (["run", "list", "--jmespath", "[["], "--jmespath '[[':", 2),
        (["run", "show", "zz"], "no run begins with 'zz': see `headrace run list`", 1),
        (["run", "show", an_id("nothing")], "answered 404 NOT_FOUND", 1),
        (["flow", "check", "sey"], "no flow 'sey'", 1),
        (["watch", "nothing"], "no trigger 'nothing' in", 1),
        (["whoami"], "GLOBUS_CLIENT_ID is not set", 4),
        (["deploy", "--at", "globus"], "GLOBUS_CLIENT_ID is not set", 4),
        (["init"], "headrace.toml: is there already", 1),
    ],
)
def test_what_goes_wrong_is_one_line_with_an_exit_code(
    run: Run, deployed: Service, arguments: list[str], line: str, exit_code: int
) -> None:
    result = run(*arguments)
    assert line in result.stderr
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert result.exit_code == exit_code
    assert result.stdout == ""


def test_other_errors_are_told_in_one_line_too(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    import sqlite3

    troubles: list[Exception] = [
        FacilityError("broken: mend it"),
        OSError(28, "No space left on device", "/x/y"),
        sqlite3.OperationalError("disk I/O error"),
    ]
    lines = ["broken: mend it", "/x/y: No space left on device", "the store: disk I/O error"]
    for trouble, line in zip(troubles, lines, strict=True):

        def fail(root: Path, trouble: Exception = trouble) -> None:
            raise trouble

        monkeypatch.setattr(headrace.facility, "facility_status", fail)
        result = run("facility", "status")
        assert result.exit_code == 1
        assert result.stderr.startswith(f"error: {line}")
        assert result.stderr.count("\n") == 1


def test_the_traceback_is_shown_when_it_is_asked_for(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADRACE_DEBUG", "1")
    result = run("run", "list", "-C", "/nowhere")
    assert "Traceback" in result.stderr
    assert result.exit_code == 1


def test_an_interrupt_ends_with_its_own_code(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(root: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(headrace.facility, "facility_status", interrupt)
    result = run("facility", "status")
    assert result.exit_code == 130
    assert "Traceback" not in result.stderr


def test_runs_are_listed_and_shown(run: Run, deployed: Service) -> None:
    run_id = start(run)
    deployed.log(run_id, "FlowStarted", input={"word": "hello"})
    deployed.log(run_id, "ActionStarted", state_name="Move", state_type="Action", input={})
    deployed.runs[run_id]["details"]["action_statuses"] = [
        {"details": {"files": 4, "files_transferred": 1, "bytes_transferred": 2000}}
    ]
    listed = run("run", "list").stdout
    assert run_id in listed
    assert "ACTIVE" in listed
    shown = run("run", "show", "last").stdout
    assert "Now:     Move: 1 of 4 files, 2.0 kB" in shown
    log = run("run", "log", run_id[:8]).stdout.splitlines()
    assert [line.split()[2] for line in log[1:]] == ["FlowStarted", "ActionStarted"]
    newest = run("run", "log", run_id, "-n", "1", "--reverse", "-F", "json").stdout
    assert json.loads(newest)[0]["code"] == "ActionStarted"
    assert run("run", "cancel", run_id).exit_code == 0
    assert run("run", "resume", run_id).exit_code == 0
    assert deployed.changes()[-2:] == [
        f"POST /runs/{run_id}/{word}" for word in ("cancel", "resume")
    ]


def test_without_runs_there_is_a_sentence(run: Run, deployed: Service) -> None:
    assert run("run", "list").stdout == "No runs.\n"
    assert "there are no runs yet" in run("run", "show", "last").stderr


def test_flows_and_functions_tell_whether_they_are_deployed(run: Run, service: Service) -> None:
    assert json.loads(run("flow", "list", "-F", "json").stdout)[0]["state"] == "not deployed"
    run("deploy")
    assert json.loads(run("flow", "list", "-F", "json").stdout)[0]["state"] == "deployed"
    Path("flows/say/flow.toml").write_text('title = "Other"')
    assert run("flow", "list", "--jmespath", "[0].state", "-F", "unix").stdout == "changed\n"
    assert "Doubles a number." in run("function", "list").stdout
    assert run("trigger", "list").stdout == "The project has no triggers.\n"


def test_flow_check_prints_place_code_and_way_out(run: Run, root: Path) -> None:
    assert run("flow", "check").exit_code == 0
    path = root / "flows" / "say" / "definition.json"
    definition = json.loads(path.read_text())
    path.write_text(json.dumps({**definition, "StartAt": "Sai"}, indent=1))
    text = run("flow", "check", "say")
    assert text.exit_code == 1
    assert text.stdout.startswith(f"{path}:")
    assert ": error " in text.stdout
    found = run("flow", "check", "flows/say/definition.json", "-F", "json")
    assert json.loads(found.stdout)[0]["severity"] == "error"
    path.write_text("{,}")
    broken = run("flow", "check")
    assert f"{path}:1:2: error not-json" in broken.stdout
    assert broken.exit_code == 1


def test_the_facility_tells_how_it_is(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("facility", "status").exit_code == 1
    assert json.loads(run("facility", "status", "-F", "json").stdout) == {"running": False}
    assert run("facility", "down").stdout == "No facility was running.\n"
    assert "no facility is running: run `headrace facility up`" in run("facility", "env").stderr


def test_the_facilitys_address_is_for_other_clients_too(run: Run, service: Service) -> None:
    lines = run("facility", "env").stdout.splitlines()
    assert f"export GLOBUS_SDK_SERVICE_URL_FLOWS={service.url}/" in lines
    assert "export HEADRACE_FACILITY_TOKEN=the-token" in lines


def test_init_makes_a_project_and_says_what_next(run: Run, tmp_path: Path) -> None:
    result = run("init", "fresh")
    assert "headrace watch" in result.stdout
    assert "cd fresh" in result.stdout
    assert (tmp_path / "fresh" / "headrace.toml").is_file()
    listed = json.loads(run("flow", "list", "-C", "fresh", "-F", "json").stdout)
    assert "adjoint_sources" in [flow["name"] for flow in listed]


JSON_COMMANDS = [
    "deploy",
    "deploy --dry-run",
    "start say -s word=a",
    "run list",
    "run show last",
    "run log last",
    "run cancel last",
    "flow list",
    "flow check",
    "function list",
    "trigger list",
    "facility env",
    "facility status",
    "completion bash",
    "init another",
]


@pytest.mark.parametrize("command", JSON_COMMANDS)
def test_json_is_all_there_is_on_stdout(run: Run, deployed: Service, command: str) -> None:
    start(run)
    result = run(*command.split(), "-F", "json")
    json.loads(result.stdout)
    first = run("-F", "json", *command.replace("another", "third").split())
    assert type(json.loads(first.stdout)) is type(json.loads(result.stdout))


def test_an_expression_selects_from_the_document(run: Run, deployed: Service) -> None:
    start(run)
    selected: Any = run("run", "list", "--jmespath", "[].status")
    assert json.loads(selected.stdout) == ["ACTIVE"]
    assert run("run", "list", "--jmespath", "[].status", "-F", "unix").stdout == "ACTIVE\n"
