"""The walk through the commands of campaigns, with members that run at the facility."""

from __future__ import annotations

from tests.support.command_walk.installed_program import Program
from tests.support.command_walk.projects import World
from tests.support.command_walk.registry import scenario

_WORDS = """\
title = "Words"
[members]
table = "words.csv"
key = "{name}"
group = "{kind}"
[start]
flow = "say"
[start.input]
word = "{name}"
[lanes.desk]
endpoint = "machine"
[lanes.local]
endpoint = "machine"
[keep.results]
collection = "here"
"""
_DIRECTORIES = """\
[members.directories]
collection = "here"
path = "/sims/"
find = ["input"]
[start]
flow = "say"
[start.input]
word = "{name}"
[results]
directory = "here:/back/{key}/"
[lanes.local]
endpoint = "machine"
"""


def _campaign(headrace: Program, name: str, text: str, *rows: str) -> None:
    folder = headrace.directory / "campaigns"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.toml").write_text(text)
    if rows:
        (folder / f"{name}.csv").write_text("\n".join(("name,kind", *rows, "")))


@scenario
def making_campaigns(world: World) -> None:
    headrace = world.project
    (headrace.directory / "runs.csv").write_text("name,word\na,b\n")
    made = headrace.document("campaign", "init", "made", "--flow", "say", "--table", "runs.csv")
    assert made["files"] == ["campaigns/made.toml"]
    (headrace.directory / "fw.json").write_text(
        '{"spec": {"_tasks": [{"_fw_name": "ScriptTask", "script": "echo hello"}]}}'
    )
    taken = headrace.document("campaign", "import", "fireworks", "fw.json", "--output", "old")
    assert (taken["members"], taken["refused"]) == (1, [])
    (headrace.directory / "campaigns" / "old.toml").unlink()
    copied = headrace.document("campaign", "init", "springs", "--example", "sweep")
    assert copied["flow"] == "sweep"
    assert "is there already" in headrace.refused(
        "campaign", "init", "springs", "--example", "sweep"
    )
    (headrace.directory / "campaigns" / "springs.toml").unlink()


@scenario
def steering_a_campaign(world: World) -> None:
    headrace = world.project
    _campaign(
        headrace, "words", _WORDS, *(f"w{n},{'even' if n % 2 == 0 else 'odd'}" for n in range(6))
    )
    assert headrace.document("campaign", "start", "words", "--no-driver")["members"] == 6
    (headrace.directory / "more.csv").write_text("name,kind\nw6,odd\n")
    added = headrace.document(
        *("campaign", "add", "words", "--table", "more.csv"),
        *("--priority", "3", "--group", "late", "--local"),
    )
    assert added["added"] == 1
    status = headrace.document("campaign", "status", "words")
    assert status["counts"]["ready"] == 7
    assert headrace.document("campaign", "status", "words", "--by", "group")[0] == {
        "group": "even",
        "ready": 3,
    }
    assert "words" in [each["name"] for each in headrace.document("campaign", "status")]
    conditions = (
        *("--state", "ready", "--group", "ev*", "--lane", "*", "--step", "run"),
        *("--cause", "none", "--where", "name == 'w0'"),
    )
    for verb, options in {
        "hold": ("--reason", "beam"),
        "release": (),
        "drop": ("--reason", "wrong"),
        "retry": ("--from", "run"),
        "move": ("--to", "desk"),
        "priority": ("--to", "5"),
    }.items():
        changed = headrace.document("campaign", verb, "words", *conditions, *options, "--yes")
        assert changed["count"] == 0
    assert headrace.document("campaign", "why", "words", *conditions) == []
    assert (
        headrace.document("campaign", "get", "words", *conditions, "--to", "out", "--force") == []
    )
    listed = headrace.document(
        *("campaign", "list", "words", *conditions[:4], "--limit", "2", "--page", "1"),
        *("--columns", "key"),
    )
    assert [row["key"] for row in listed] == ["w0", "w2"]
    assert headrace.document("campaign", "list", "words", *conditions, "--count") == {"members": 0}
    assert headrace.document("campaign", "hold", "words", "w1")["changed"] == ["w1"]
    shown = headrace.document("campaign", "show", "words", "w1")
    assert shown["next_command"] == "headrace campaign release words w1"
    assert headrace.document("campaign", "undo", "words")["changed"] == ["w1"]
    assert headrace.document("campaign", "pause", "words", "--reason", "dinner")["changed"] is True
    assert headrace.document("campaign", "resume", "words")["changed"] is True
    assert headrace.document("campaign", "drain", "words", "desk", "--reason", "repair")["changed"]
    assert headrace.document("campaign", "undrain", "words", "desk")["changed"] is True
    assert headrace.document("campaign", "limit", "words", "desk", "3")["changed"] is True
    table = headrace.document("campaign", "table", "words", *conditions, "--output", "t.csv")
    assert table == {"file": "t.csv", "members": 0}
    report = headrace.document("campaign", "report", "words", "--output", "r.html")
    assert (headrace.directory / report["file"]).is_file()
    cleaned = headrace.document(
        *("campaign", "clean", "words", "--older", "1h", "--attempts", "--orphans"),
        *("--dry-run", "--yes"),
    )
    assert cleaned == []


@scenario
def directories_of_a_campaign(world: World) -> None:
    headrace = world.project
    _campaign(headrace, "places", _DIRECTORIES)
    home = world.base / "simulations" / "one"
    home.mkdir(parents=True)
    (home / "input").write_text("1\n")
    [added] = headrace.document("campaign", "add", "places", str(home.parent), "--local")
    assert (added["outcome"], added["member"]) == ("added", "one")
    [again] = headrace.document("campaign", "add", "places", str(home))
    assert again["outcome"] == "there"
    assert "no such directory" in headrace.refused("campaign", "add", "places", "nowhere")
    assert headrace.document("campaign", "get", "places", "one")[0]["outcome"] == "nothing"


@scenario
def running_a_campaign(world: World) -> None:
    headrace = world.project
    _campaign(headrace, "quick", _WORDS.replace("words.csv", "quick.csv"), "q0,even", "q1,odd")
    checked = headrace.document("campaign", "check", "quick", "--table", "campaigns/quick.csv")
    assert (checked["members"], checked["problems"]) == (2, [])
    headrace("campaign", "start", "quick", "--no-driver")
    waited = headrace(
        *("campaign", "wait", "quick", "--quiet", "--timeout", "0.1"),
        *("--timeout-exit-code", "7"),
        code=7,
    )
    assert "it goes on" in waited.stderr
    assert headrace("campaign", "drive", "--until-done", *headrace.common("campaign", "drive"))
    assert headrace("campaign", "drive", "--until-done", "--start-over"), "it is the one of before"
    ended = headrace.document("campaign", "wait", "quick")
    assert (ended["state"], ended["counts"]) == ("ended", {"done": 2})
    (headrace.directory / "graft.json").write_text('{"word": "{key}"}')
    grafted = headrace.document(
        *("campaign", "graft", "quick", "say", "--after", "member", "--input", "graft.json"),
        *("--label", "after {key}", "--tag", "grafted", "--when", "kind == 'odd'"),
    )
    assert grafted["due"] == 2
    assert headrace.document("campaign", "run", "quick", "--quiet")["state"] == "ended"
    assert [run["label"] for run in headrace.document("run", "list", "--tag", "grafted")] == [
        "after q1"
    ]
