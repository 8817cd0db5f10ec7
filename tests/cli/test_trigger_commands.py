"""Triggers through the installed program: checked whole, asked about what lies there, retried."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headrace.facility import stop_facility
from headrace.triggers import read_ledger
from tests.support.waiting import wait_until

# Each test runs several commands, each in a process of its own.
pytestmark = pytest.mark.timeout(900)

SCHEMA = {
    "type": "object",
    "required": ["name", "path"],
    "properties": {
        "name": {"type": "string", "pattern": "^[a-z0-9 ]+$"},
        "path": {"type": "string"},
        "ranks": {"type": "integer"},
        "endpoint": {"type": "string"},
        "data": {"type": "object"},
    },
}
DEFINITION = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
TRIGGER = """\
[watch]
collection = "disk"
path = "/incoming/"
what = "file"
settle = 0.2
interval = 0.5

[start]
flow = "note"
label = "note of {name}"
tags = ["note {name}"]

[start.input]
name = "{stem}"
path = "{path}"
"""


class Program:
    """``headrace`` in a project of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.incoming = root / "data" / "incoming"
        self.trigger = root / "triggers" / "notes.toml"
        self.ledger = root / ".headrace" / "triggers.local.db"
        self.command = [str(Path(sys.executable).with_name("headrace"))]

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.command, *arguments],
            cwd=self.root,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def ok(self, *arguments: str) -> str:
        done = self(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def fails(self, *arguments: str) -> list[str]:
        done = self(*arguments)
        assert done.returncode == 1, (done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
        return done.stderr.splitlines()

    def watch(self, *arguments: str) -> subprocess.Popen[bytes]:
        log = (self.root / "watch.log").open("wb")
        return subprocess.Popen(
            [*self.command, "watch", *arguments], cwd=self.root, stdout=log, stderr=log
        )

    def schema(self, **changes: Any) -> None:
        text = json.dumps({**SCHEMA, **changes})
        (self.root / "flows" / "note" / "input_schema.json").write_text(text)

    def check(self, file: str) -> None:
        check = f'interval = 0.5\ncheck = "python {file}"'
        self.trigger.write_text(TRIGGER.replace("interval = 0.5", check))

    def labels(self) -> list[str]:
        return sorted(run["label"] for run in json.loads(self.ok("run", "list", "-F", "json")))

    def states(self) -> dict[str, str]:
        return {record.path: record.state for record in read_ledger(self.ledger)}


def deploy_project(root: Path) -> Program:
    flow = root / "flows" / "note"
    flow.mkdir(parents=True)
    (root / "headrace.toml").write_text('[collections.disk]\nroot = "data"\n')
    (flow / "definition.json").write_text(json.dumps(DEFINITION))
    (flow / "flow.toml").write_text('title = "Note"\n')
    program = Program(root)
    program.schema()
    program.incoming.mkdir(parents=True)
    program.trigger.parent.mkdir()
    program.trigger.write_text(TRIGGER)
    program.ok("deploy")
    return program


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    program = deploy_project(tmp_path / "project")
    yield program
    stop_facility(program.root)


@pytest.fixture(scope="module")
def shared_program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A project for tests that write its schema and start nothing."""
    program = deploy_project(tmp_path_factory.mktemp("deployed") / "project")
    yield program
    stop_facility(program.root)


def test_what_lies_there_is_asked_about_once(program: Program) -> None:
    for name in ("one.txt", "two.txt"):
        (program.incoming / name).write_text("1")
    (line,) = program.fails("watch", "--once")
    assert "2 files lie in" in line
    assert "--existing run" in line
    assert "--existing skip" in line
    assert program.labels() == []
    program.ok("watch", "--once", "--existing", "skip")
    assert set(program.states().values()) == {"skipped"}
    (program.incoming / "three.txt").write_text("1")
    program.ok("watch", "--once")
    assert program.labels() == ["note of three.txt"]


def test_the_trigger_may_say_what_becomes_of_what_lies_there(program: Program) -> None:
    (program.incoming / "one.txt").write_text("1")
    program.trigger.write_text(TRIGGER.replace("[start]", 'existing = "run"\n[start]'))
    program.ok("watch", "notes", "--until-idle", "0.5")
    assert program.labels() == ["note of one.txt"]
    program.trigger.write_text(TRIGGER.replace("[start]", 'existing = "later"\n[start]'))
    (line,) = program.fails("trigger", "check")
    assert 'watch.existing: "later" must be "run" or "skip"' in line


def test_a_trigger_is_checked_whole_before_anything_is_watched(program: Program) -> None:
    assert "Nothing is wrong with notes" in program.ok("trigger", "check", "notes")
    inputs = """\
ranks = "four"
endpoint = { endpoint = "none" }
data = { collection = "disc", path = "/in/" }
"""
    program.trigger.write_text(TRIGGER + inputs)
    check = 'check = "no-such-program"\n[start]'
    (program.root / "triggers" / "other.toml").write_text(
        TRIGGER.replace("/incoming/", "/outgoing/")
        .replace('"note"', '"noted"')
        .replace("[start]", check)
    )
    for command in (("watch", "--once"), ("trigger", "check")):
        lines = program.fails(*command)
        told = "\n".join(lines)
        assert "notes.toml: start.input.endpoint" in told
        assert "notes.toml: start.input.data" in told
        assert "other.toml: watch.path" in told
        assert "other.toml: watch.check: there is no program 'no-such-program'" in told
        assert "other.toml: start.flow: no flow 'noted'" in told
        assert len(lines) == 6
    program.trigger.write_text(TRIGGER + 'ranks = "four"\n')
    (line,) = program.fails("watch", "notes", "--once")
    assert "start.input.ranks: 'four' is not of type 'integer'" in line
    assert not program.ledger.exists(), "nothing was watched"


def test_a_number_of_the_name_fits_the_schema_where_it_is_asked_for(program: Program) -> None:
    text = TRIGGER.replace("[start]", "regex = 'run(?P<ranks>[0-9]+)'\n[start]")
    program.trigger.write_text(text + 'ranks = "{ranks}"\n')
    (line,) = program.fails("trigger", "check")
    assert "start.input.ranks: '1' is not of type 'integer'" in line
    assert '"{ranks:int}" and "{ranks:float}" make a number of it' in line
    program.trigger.write_text(text + 'ranks = "{ranks:int}"\n')
    assert "Nothing is wrong with notes" in program.ok("trigger", "check", "notes")


@pytest.mark.parametrize(
    "name", [{"$ref": "http://127.0.0.1:1/x"}, {"$ref": "#/properties/name"}, {"pattern": "("}]
)
def test_a_schema_that_cannot_be_applied_is_one_line(
    shared_program: Program, name: dict[str, str]
) -> None:
    shared_program.schema(properties={**SCHEMA["properties"], "name": name})  # type: ignore[dict-item]
    (line,) = shared_program.fails("trigger", "check")
    assert "notes.toml: start.input: the schema is wrong at " in line
    assert "see flows/note/input_schema.json" in line


def test_a_watched_folder_that_transfers_cannot_reach_is_refused(program: Program) -> None:
    program.incoming.rmdir()
    (program.root / "elsewhere").mkdir()
    program.incoming.symlink_to(program.root / "elsewhere")
    program.ok("trigger", "check")
    program.trigger.write_text(TRIGGER + 'data = { collection = "disk", path = "{path}" }\n')
    lines = program.fails("watch", "--once")
    assert "leads out of the collection" in lines[0]
    (program.root / "elsewhere").rename(program.root / "data" / "inside")
    program.incoming.unlink()
    program.incoming.symlink_to("inside")
    program.ok("trigger", "check")


def test_the_list_shows_a_regular_expression(program: Program) -> None:
    program.trigger.write_text(TRIGGER.replace("[start]", "regex = 'run(?P<n>[0-9]+)'\n[start]"))
    assert "file run(?P<n>[0-9]+) " in program.ok("trigger", "list")


def test_the_list_goes_on_after_a_directory_that_is_missing(program: Program) -> None:
    (program.root / "triggers" / "other.toml").write_text(TRIGGER.replace("/incoming/", "/gone/"))
    (program.root / "triggers" / "broken.toml").write_text("[watch\n")
    done = program("trigger", "list")
    assert done.returncode == 0
    assert "notes" in done.stdout
    assert "other" in done.stdout
    assert "other.toml: watch.path" in done.stderr
    assert "broken.toml: not valid TOML" in done.stderr
    listed = json.loads(program.ok("trigger", "list", "-F", "json"))
    assert [bool(one["problem"]) for one in listed] == [False, True]


def test_a_refused_arrival_is_shown_and_tried_again(program: Program) -> None:
    """The schema takes other names than what arrives: only the service can say so."""
    (program.incoming / "Upper.txt").write_text("1")
    (program.incoming / "lower.txt").write_text("1")
    done = program("watch", "--once", "--existing", "run")
    assert done.returncode == 1
    assert "Upper.txt: refused: input of flow 'note': $.name" in done.stderr
    (shown,) = json.loads(program.ok("trigger", "arrivals", "--state", "refused", "-F", "json"))
    assert shown["name"] == "Upper.txt"
    assert "does not match" in shown["reason"]
    program.schema(properties={**SCHEMA["properties"], "name": {"type": "string"}})  # type: ignore[dict-item]
    program.ok("deploy")
    watch = program.watch()
    try:
        log = program.root / "watch.log"
        wait_until(lambda: b"watching" in log.read_bytes(), "the watch")
        assert "1 will be started" in program.ok("trigger", "retry", "notes", "Upper*")
        wait_until(lambda: "started" in program.states()["/incoming/Upper.txt"], "the run")
    finally:
        watch.terminate()
        watch.wait()
    assert program.labels() == ["note of Upper.txt", "note of lower.txt"]


def test_a_ledger_that_is_deleted_under_a_watch_ends_it(program: Program) -> None:
    (program.incoming / "one.txt").write_text("1")
    program.ok("watch", "--once", "--existing", "run")
    watch = program.watch()
    log = program.root / "watch.log"
    try:
        wait_until(lambda: b"watching" in log.read_bytes(), "the watch")
        program.ledger.unlink()
        assert watch.wait() == 1
    finally:
        watch.kill()
        watch.wait()
    told = log.read_text()
    assert "was deleted while it was in use" in told
    assert "--existing skip" in told
    (line,) = program.fails("watch", "--once")
    assert "is gone" in line
    kept = program.ledger.with_name(f"{program.ledger.name}.kept")
    for file in program.ledger.parent.glob(f"{program.ledger.name}-*"):
        file.unlink()
    kept.rename(program.ledger)
    (program.incoming / "two.txt").write_text("1")
    program.ok("watch", "--once")
    assert program.labels() == ["note of one.txt", "note of two.txt"]


def test_names_and_texts_that_are_odd_start_their_runs_or_are_told(program: Program) -> None:
    """One arrival that cannot be run stops no other."""
    program.schema(properties={**SCHEMA["properties"], "name": {"type": "string"}})  # type: ignore[dict-item]
    program.ok("deploy")
    good = ["100%.txt", "a $HOME `id`.txt", "{braces}.txt", 'it\'s "quoted".txt', "ü.txt", "z.txt"]
    long = ["n" * 180 + end for end in ("1.txt", "2.txt")]
    bad = [os.fsdecode(b"bad\xff.txt"), "new\nline.txt", "esc\x1b[31m.txt"]
    for name in (*good, *long, *bad):
        (program.incoming / name).write_text("1")
    done = program("watch", "--once", "--existing", "run")
    assert done.returncode == 1, "three files have no run"
    assert done.stderr.count("is left alone; rename it") == 3
    assert "\x1b[31m" not in done.stderr
    runs = json.loads(program.ok("run", "list", "-F", "json"))
    assert len(runs) == len(good) + len(long)
    assert len({run["label"] for run in runs}) == len(runs), "cut labels stay different"
    assert all(len(run["label"]) <= 64 for run in runs)


SLOW_CHECK = """
import sys, time
time.sleep(9)
"""
TALKATIVE_CHECK = """
import sys, time
print(f"looked at {time.time_ns()}")
sys.exit(1)
"""


def test_a_watch_once_waits_for_a_slow_check(program: Program) -> None:
    """It takes longer than a watch waits for an arrival on which nothing happens."""
    (program.root / "slow.py").write_text(SLOW_CHECK)
    program.check("slow.py")
    (program.incoming / "one.txt").write_text("1")
    program.ok("watch", "--once", "--existing", "run")
    assert program.labels() == ["note of one.txt"]


def test_a_watch_once_ends_although_a_check_says_something_else_each_time(
    program: Program,
) -> None:
    (program.root / "talk.py").write_text(TALKATIVE_CHECK)
    program.check("talk.py")
    (program.incoming / "one.txt").write_text("1")
    assert program("watch", "--once", "--existing", "run").returncode == 1
    assert program.labels() == []
