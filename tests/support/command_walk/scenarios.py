"""What the walk does with the commands of projects, flows and runs."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.command_walk.projects import World
from tests.support.command_walk.registry import scenario
from tests.support.waiting import wait_until


@scenario
def a_new_project(world: World) -> None:
    headrace = world.program("empty")
    told = headrace.document("init", "fresh")
    assert "headrace.toml" in told["files"]
    assert "is there already" in headrace.refused("init", "fresh")
    headrace.directory /= "fresh"
    listed = json.loads(headrace("flow", "list", "-F", "json").stdout)
    assert {flow["state"] for flow in listed} == {"not deployed"}
    assert headrace("completion", "bash").stdout.startswith("_headrace_completion()")
    assert "_HEADRACE_COMPLETE" in headrace.document("completion", "fish")["script"]


@scenario
def the_smallest_project(world: World) -> None:
    """It deploys and runs at once, and so does a flow that is made in it."""
    headrace = world.program("smallest")
    made = headrace("init", "--for", "minimal").stdout
    assert "headrace start minimal -s name=world --follow" in made
    with (headrace.directory / "headrace.toml").open("a") as file:
        file.write("[profiles.day]\n")
    assert "did you mean 'data_run'?" in headrace.refused("init", "other", "--for", "datarun")
    assert headrace.document("flow", "check") == []
    assert headrace.document("deploy", "--dry-run")["changes"] == 1
    told = headrace.document("flow", "new", "greet", "--with", "function", "--with", "trigger")
    assert "compute_functions/greet.py" in told["files"]
    assert Path(told["watched"]).is_dir()
    assert "headrace deploy greet" in told["next"]
    assert "Made the flow copy" in headrace("flow", "new", "copy", "--from", "greet").stdout
    assert "such as 'my_flow'" in headrace.refused("flow", "new", "my-flow")
    assert "is there already" in headrace.refused("flow", "new", "copy")
    assert headrace.document("flow", "check") == []
    deployed = headrace.document("deploy")
    assert (deployed["target"], deployed["changes"]) == ("local", 4)
    run = headrace.document("start", "minimal", "-s", "name=world", "--wait")
    assert run["details"]["output"]["result"] == {"greeting": "Hello, world!"}
    assert headrace.document("trigger", "check") == [{"name": "greet", "problems": []}]
    listed = headrace.document("pipeline", "list", "--at", "globus")
    assert [row["name"] for row in listed] == ["copy", "greet", "minimal"]
    assert {len(row["missing"]) for row in listed} == {0}
    (headrace.directory / "compute_functions" / "greet.py").unlink()
    rows = headrace("pipeline", "list", "--at", "globus").stdout.splitlines()
    assert rows[0].split()[-1] == "missing"
    assert rows[2].split()[-1] == "compute_functions/greet.py"
    shown = headrace.document("pipeline", "show", "greet")
    assert (shown["triggers"], shown["functions"]) == (["greet"], [])
    assert "no pipeline 'gret'" in headrace.refused("pipeline", "show", "gret")


@scenario
def options_before_the_command(world: World) -> None:
    headrace = world.project
    assert headrace("--version").stdout.startswith("headrace, version ")
    before = ["--project", str(headrace.directory), "--at", "local", "--profile", "day"]
    done = headrace(*before, "--format", "json", "--jmespath", "[].name", "flow", "list")
    assert json.loads(done.stdout) == ["ask", "compute", "fail", "later", "say"]


@scenario
def deploying(world: World) -> None:
    headrace = world.bare
    planned = headrace.document("deploy", "--dry-run", "--diff")
    assert (planned["dry_run"], planned["changes"]) == (True, 6)
    assert headrace.document("deploy", "say", "--no-diff")["changes"] == 1
    flow_id = headrace.document("flow", "list")[-1]["id"]
    (headrace.directory / "headrace.lock").unlink()
    adopted = headrace.document("deploy", "say", "--adopt", flow_id)
    assert [step["change"] for step in adopted["steps"]] == ["adopt"]
    (headrace.directory / "flows" / "say" / "definition.json").unlink()
    pruned = headrace.document("deploy", "say", "--prune")
    assert [step["change"] for step in pruned["steps"]] == ["delete"]
    assert "did you mean 'later'?" in headrace.refused("deploy", "latr")


@scenario
def starting_and_looking(world: World) -> None:
    headrace = world.project
    (headrace.directory / "in.json").write_text('{"word": "file"}')
    urn = "urn:globus:auth:identity:" + "-".join(["0" * n for n in (8, 4, 4, 4, 12)])
    run = headrace.document(
        *("start", "say", "--input", "in.json", "--set", "word=1", "--label", "one"),
        *("--tag", "walk", "--monitor", urn, "--manager", urn, "--notify-on", "FAILED"),
        *("--preflight", "--wait"),
    )
    assert run["status"] == "SUCCEEDED"
    assert run["details"]["output"]["said"]["details"]["hello"] == "1"
    followed = headrace("start", "say", "-s", "word=x", "--no-preflight", "--follow")
    assert followed.stdout.startswith("SUCCEEDED say in ")
    listed = headrace.document(
        "run", "list", "--limit", "1000", "--flow", "say", "--status", "succeeded"
    )
    assert run["run_id"] in [each["run_id"] for each in listed]
    shown = headrace.document("run", "show", run["run_id"])
    assert (shown["label"], shown["failure"]) == ("one", None)
    assert [(each["state"], each["status"]) for each in shown["states"]] == [("Say", "done")]
    assert headrace.document("run", "show", run["run_id"], "--input") == {"word": "1"}
    ended = headrace.document("run", "show", run["run_id"], "--output")
    assert ended == run["details"]["output"]
    last = headrace.document("run", "log", run["run_id"], "--limit", "1", "--reverse")
    assert [entry["code"] for entry in last] == ["FlowSucceeded"]
    assert headrace.document("run", "watch", run["run_id"])["status"] == "SUCCEEDED"
    assert headrace.document("run", "wait", run["run_id"])["status"] == "SUCCEEDED"
    assert headrace.document("run", "delete", run["run_id"], "--yes")["run_id"] == run["run_id"]
    assert "404" in headrace.refused("run", "show", run["run_id"])
    assert "expected KEY=VALUE" in headrace("start", "say", "-s", "word", code=2).error


@scenario
def cancelling_and_resuming(world: World) -> None:
    headrace = world.project
    run_id = world.run_of("later")
    assert headrace.document("run", "hold", run_id)["counts"] == {"changed": 1}
    assert [run["run_id"] for run in headrace.document("run", "list", "--held")] == [run_id]
    assert headrace.document("run", "release", run_id)["counts"] == {"changed": 1}
    waited = headrace("run", "wait", run_id, "--timeout", "0.1", "--timeout-exit-code", "7", code=7)
    assert "it goes on" in waited.stderr
    assert headrace.document("run", "resume", run_id)["run_id"] == run_id
    assert headrace.document("run", "cancel", run_id)["run_id"] == run_id
    assert headrace.document("run", "wait", run_id, code=1)["status"] == "FAILED"


@scenario
def cleaning_up(world: World) -> None:
    """Where no run has left anything; ``tests/cli/test_gc_command.py`` has one that did."""
    headrace = world.project
    assert "--keep 30d" in headrace.refused("gc")
    assert headrace.document("gc", "--dry-run", "--keep", "30d", "--orphans", "--yes") == []


@scenario
def choosing_and_changing(world: World) -> None:
    headrace = world.project
    with (headrace.directory / "headrace.toml").open("a") as config:
        config.write('[selections.stopped]\nstatus = ["FAILED"]\ncause = ["there is no beam*"]\n')
    others = ("--tag", "nowhere", "--since", "2h", "--until", "2099-01-01", "--label", "none*")
    conditions = (
        *("--selection", "stopped", "--flow", "fail", "--status", "failed", "--unmended"),
        *("--held", "--cause", "*no beam*", "--endpoint", "machine", *others),
    )
    changes: dict[str, tuple[str, ...]] = {
        "cancel": (),
        "resume": (),
        "delete": (),
        "tag": ("--add", "seen", "--remove", "new"),
        "retry": ("--again", "--new-label", "once more"),
        "hold": (),
        "release": (),
    }
    for verb, options in changes.items():
        changed = headrace.document("run", verb, *conditions, *options, "--yes")
        assert changed == {"runs": [], "counts": {}}
    counted = headrace.document("run", "list", *conditions, "--count", "--page", "2")
    assert counted == {"runs": 0}
    assert headrace.document("run", "why", *conditions) == []
    run_id = world.run_of("fail")
    headrace("run", "wait", run_id, code=1)
    [cluster] = headrace.document("run", "why", run_id)
    assert (cluster["count"], cluster["example"]) == (1, run_id)
    columns = headrace("run", "list", run_id, "--columns", "run_id,cause", "-F", "unix").stdout
    assert columns.startswith(f"{run_id}\tthere is no beam")
    assert headrace.document("run", "tag", run_id, "--add", "seen")["counts"] == {"changed": 1}
    assert [run["tags"] for run in headrace.document("run", "list", "--tag", "seen")] == [["seen"]]
    assert headrace.document("run", "undo", "--yes")["counts"] == {"changed": 1}
    assert headrace.document("run", "undo")["counts"] == {"changed": 1}
    assert headrace.document("run", "retry", "--tag", "seen")["counts"] == {"changed": 1}


@scenario
def failing_and_taking_up(world: World) -> None:
    headrace = world.project
    run_id = world.run_of("fail")
    ended = headrace("run", "watch", run_id, code=1)
    whole = " ".join(("there is no beam " * 40).split())
    assert f"{whole} (NoBeam in state Stop)" in ended.stdout
    assert f"{whole} (NoBeam in state Stop); see `headrace run log {run_id}`" in ended.stderr
    shown = headrace("run", "show", run_id).stdout
    lines = [line.split() for line in shown.splitlines()]
    assert ["Done:", "Look"] in lines
    assert ["Failed:", "Stop"] in lines
    assert f"headrace run retry {run_id}" in shown
    assert f"{whole} (NoBeam)" in headrace("run", "log", run_id).stdout
    again = headrace.document(
        *("run", "retry", run_id, "--from", "Look", "--latest", "--label", "again")
    )
    assert (again["retry_of"]["state"], again["label"]) == ("Look", "again")
    (headrace.directory / "result.json").write_text("{}")
    given = headrace.document("run", "retry", run_id, "--from", "Look", "--result", "result.json")
    assert given["retry_of"]["run_id"] == run_id
    assert "no Compute task" in headrace.refused("run", "output", run_id)


@scenario
def computing(world: World) -> None:
    headrace = world.project
    (headrace.directory / "kwargs.json").write_text('{"word": "hello"}')
    listed = headrace.document("function", "list")
    assert [(row["name"], row["state"]) for row in listed] == [("shout", "deployed")]
    assert headrace.document("function", "show", "shout")["arguments"]["required"] == ["word"]
    source = headrace("function", "show", "shout", "--source").stdout
    assert source.startswith("# Compute function shout of the project ")
    assert "\ndef shout(" in source
    loud = headrace.document(
        *("function", "run", "shout", "--endpoint", "machine", "--kwargs", "kwargs.json"),
        *("--set", "word=1", "--set", "times=2", "--wait-time", "600"),
    )
    assert loud == "11"
    checked = headrace.document(
        *("doctor", "compute", "--input", "-", "--set", "word=1", "--canary", "--deadline", "300"),
        stdin='{"endpoint": {"endpoint": "machine"}, "function": {"function": "shout"}}',
    )
    assert {row["health"] for row in checked} <= {"good", "warning", "not checked"}
    names = ['endpoint={"endpoint": "machine"}', 'function={"function": "shout"}']
    settings = [part for name in names for part in ("-s", name)]
    run_id = world.run_of("compute", *settings, "-s", "word=nothing")
    ended = headrace("run", "wait", run_id, code=1)
    assert "  failed: ValueError: there is nothing to shout" in ended.stdout
    assert f"what it printed: headrace run output {run_id} --state Compute" in ended.stdout
    told = headrace.document(
        *("run", "output", run_id, "--state", "Compute", "--tail", "50", "--deadline", "120")
    )
    assert (told[0]["state"], told[0]["endpoint"]) == ("Compute", "machine")
    assert "ValueError: there is nothing to shout" in told[0]["traceback"]
    followed = headrace("run", "output", run_id, "--follow").stdout
    assert "==> Compute: traceback of task" in followed
    assert "was never in state 'Nowhere'" in headrace.refused(
        "run", "output", run_id, "--state", "Nowhere"
    )


@scenario
def asking(world: World) -> None:
    headrace = world.project
    run_id = world.run_of("ask")

    def questions() -> list[dict[str, str]]:
        found: list[dict[str, str]] = headrace.document("web-input", "list", "--run", run_id)
        return found

    [found] = wait_until(questions, "the question")
    shown = headrace.document("web-input", "show", found["id"])
    assert len(shown["options"]) == 2
    answered = headrace.document("web-input", "respond", found["id"], "Accept")
    assert answered["id"] == found["id"]
    assert headrace.document("run", "wait", run_id)["status"] == "SUCCEEDED"
    everything = headrace.document("web-input", "list", "--all", "--flow", "ask")
    assert found["id"] in [each["id"] for each in everything]


@scenario
def checking_and_drawing(world: World) -> None:
    headrace = world.project
    assert headrace.document("flow", "check", "say") == []
    sarif = headrace.directory / "say.sarif"
    headrace("flow", "check", "say", "--sarif", str(sarif))
    assert json.loads(sarif.read_text())["version"] == "2.1.0"
    run_id = world.run_of("say", "-s", "word=x", "-w")
    picture = headrace.directory / "say.svg"
    common = headrace.common("flow", "draw")
    drawn = headrace("flow", "draw", "say", "--output", str(picture), "--run", run_id, *common)
    assert drawn.stderr == f"{picture}: drawn\n"
    assert "<svg" in picture.read_text()
    assert "Say" in headrace("flow", "draw", "say").stdout


@scenario
def settings(world: World) -> None:
    headrace = world.project
    rows = {row["key"]: row["value"] for row in headrace.document("config", "show")}
    assert (rows["name"], rows["profile"]) == ("walk", "day")
    assert headrace.document("config", "schema")["title"] == "headrace.toml"
    assert headrace.document("config", "schema", "flow.toml")["title"] == "flow.toml"
    refused = headrace.refused("config", "schema", "flow.tml", code=2)
    assert "did you mean 'flow.toml'?" in refused
    keys = {
        (row["table"], row["key"]) for row in headrace.document("config", "keys", "trigger.toml")
    }
    assert {("", "title"), ("[watch]", "settle"), ("[start]", "flow")} <= keys
    assert {row["file"] for row in headrace.document("config", "keys")} >= {
        "headrace.toml",
        "flow.toml",
    }
    assert {row["kind"] for row in headrace.document("config", "check")} >= {"headrace.toml"}
    wrong = headrace.directory / "wrong.toml"
    wrong.write_text("titel = 1\nkeywords = 2\n")
    [row] = headrace.document("config", "check", "wrong.toml", "--kind", "flow.toml", code=1)
    assert len(row["faults"]) == 2
    assert "name one with --kind" in headrace.refused("config", "check", "wrong.toml", code=2)
    wrong.unlink()


@scenario
def an_account(world: World) -> None:
    """With a facility that stands for the hosted services."""
    headrace = world.developer
    at = ("--at", "globus")
    scope = "urn:globus:auth:scope:transfer.api.globus.org:all"
    told = headrace.document("login", "--force", "--consent", scope, *at)
    assert told["logged_in"] is True
    assert headrace.document("whoami")["sub"]
    assert headrace.document("deploy", "say", *at)["changes"] == 1
    run = headrace.document("start", "say", "-s", "word=hello", "--wait", *at)
    assert run["status"] == "SUCCEEDED"
    tokens = Path(told["tokens"])
    assert tokens.stat().st_mode & 0o777 == 0o600
    assert headrace.document("logout") == {"logged_out": True}
    done = headrace("deploy", *at, code=4, GLOBUS_CLIENT_ID="", GLOBUS_CLIENT_SECRET="")
    assert "GLOBUS_CLIENT_ID" in done.error


@scenario
def a_report_of_runs(world: World) -> None:
    rows = world.project.document("run", "report", "--by", "month", "--number", "2")
    assert all(row["started"] >= row["succeeded"] + row["failed"] for row in rows)
    shown = world.project("run", "report", "-n", "1", "--core-hours").stdout
    assert shown.startswith(("from ", "No run was started"))


@scenario
def the_status_of_a_project(world: World) -> None:
    """It is asked where a facility serves the project, and where the hosted services do."""
    headrace = world.project
    told = headrace.document("status", "--fail-on", "never")
    assert told["word"] in ("well", "look", "act")
    assert told["runs"]["counts"]["ACTIVE"] is not None
    word = headrace("status", "--fail-on", "never").stdout.partition(":")[0]
    assert word in ("well", "look", "act")
    told = world.developer.document("status", "--fail-on", "never", "--at", "globus")
    assert (told["target"], told["runs"]["counts"]["SUCCEEDED"]) == ("globus", None)
    shown = world.developer("status", "--fail-on", "never", "--at", "globus").stdout
    assert "not told at globus" in shown
