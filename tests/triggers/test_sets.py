"""Sets of files that belong together: one arrival, once all of them are there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from headrace.triggers import (
    Incomplete,
    Started,
    Trigger,
    TriggerError,
    Watching,
    load_trigger,
    read_ledger,
    render_input,
)
from tests.support.triggers.trigger_watch import MemoryRunClient, Watch, watching

HOURS = 10_000.0
SET = """
[watch]
collection = "c"
path = "incoming"
what = "set"
members = ["{shot}.segy", "{shot}.json", "{shot}_log.txt"]
[start]
flow = "f"
label = "shot {shot}"
input = { shot = "{shot:int}", files = "{members}", data = "{path}" }
"""


def load(root: Path, text: str = SET) -> Trigger:
    (root / "incoming").mkdir(exist_ok=True)
    (root / "t.toml").write_text(text)
    return load_trigger(root / "t.toml", {"c": root})


@pytest.fixture(params=["inotify", "poll"])
def observer(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def wait_for_reason(watch: Watch, name: str, reason: str) -> None:
    count = 1
    while watch.wait_for(Incomplete, count, name=name)[-1].missing != reason:
        count += 1


def test_a_set_is_one_arrival_once_all_its_files_are_there(tmp_path: Path, observer: str) -> None:
    trigger = replace(load(tmp_path), observer=observer, settle=0.3, interval=0.2)
    client = MemoryRunClient()
    place = trigger.directory
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        (place / "0007_log.txt").touch()
        (place / "0007.segy").touch()
        wait_for_reason(watch, "0007.segy", "0007.json")
        (place / "0008.segy").touch()
        wait_for_reason(watch, "0008.segy", "0008.json and 1 more")
        assert client.runs == {}
        (place / "0007.json").write_text("{}")
        watch.wait_for(Started)
        (place / "0007.json").write_text("{} ")
        (place / "0008_log.txt").touch()
        (place / "0008.json").touch()
        watch.wait_for(Started, 2)
    assert client.names == ["0007.segy", "0008.segy"]
    assert render_input(trigger.input, min(client.runs.values(), key=lambda one: one.name)) == {
        "shot": 7,
        "files": ["/incoming/0007.segy", "/incoming/0007.json", "/incoming/0007_log.txt"],
        "data": "/incoming/0007.segy",
    }
    records = read_ledger(tmp_path / "ledger.db")
    assert [record.path for record in records] == ["/incoming/0007.segy", "/incoming/0008.segy"]


def test_a_member_that_comes_or_grows_late_is_reported(tmp_path: Path) -> None:
    """The next scan, and the next look without a report, are hours away."""
    trigger = replace(load(tmp_path), observer="inotify", settle=0.2, interval=HOURS)
    client = MemoryRunClient()
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        watch.wait_for(Watching)
        (trigger.directory / "1.segy").touch()
        wait_for_reason(watch, "1.segy", "1.json and 1 more")
        (trigger.directory / "1_log.txt").touch()
        (trigger.directory / "new").touch()
        (trigger.directory / "new").rename(trigger.directory / "1.json")
        watch.wait_for(Started)


def test_a_regular_expression_says_which_file_stands_for_the_set(tmp_path: Path) -> None:
    text = SET.replace(
        'members = ["{shot}.segy", "{shot}.json", "{shot}_log.txt"]',
        "regex = '(?P<shot>[0-9]+)\\.(?P<kind>segy|sgy)'\n"
        'members = ["{shot}.json", "{stem}.{kind}.md5"]',
    )
    trigger = replace(load(tmp_path, text), settle=0.2, interval=0.2)
    assert trigger.member_names("7.sgy") == ("7.sgy", "7.json", "7.sgy.md5")
    client = MemoryRunClient()
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        for name in ("7.json", "7.sgy", "7.sgy.md5", "x.segy"):
            (trigger.directory / name).touch()
        watch.wait_for(Started)
    assert client.names == ["7.sgy"]


def test_a_set_may_lie_deeper(tmp_path: Path, observer: str) -> None:
    text = SET.replace('what = "set"', 'what = "set"\ndepth = 2')
    trigger = replace(load(tmp_path, text), settle=0.2, interval=0.2, observer=observer)
    client = MemoryRunClient()
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        (trigger.directory / "line").mkdir()
        for name in ("1.segy", "1.json", "1_log.txt"):
            (trigger.directory / "line" / name).touch()
        watch.wait_for(Started)
    (arrival,) = client.runs.values()
    assert arrival.members[1] == "/incoming/line/1.json"


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('"set"', '"file"', 'watch.members: needs what = "set"'),
        ('"{shot}.segy", "{shot}.json", ', "", "the names of two files at least"),
        ("{shot}.segy", "a.segy", "has no placeholder, such as {stem}"),
        ("{shot}.segy", "{name}.segy", "the placeholders of the first name say which part"),
        ("{shot}.segy", "{shot}{shot}.segy", "the placeholders of the first name say which part"),
        ("{shot}.segy", "{shot.segy", 'lone "{" in "{shot.segy"'),
        ("{shot}.json", "{shop}.json", "unknown placeholder {shop}; did you mean 'shot'?"),
        ("{shot}.json", "a/{shot}.json", 'must be a name without "/"'),
        ("shot {shot}", "{members}", "is a list; it stands in an input alone"),
        ('"{path}"', '"x {members}"', "is a list; it stands in an input alone"),
        ("{shot:int}", "{shots:int}", "unknown placeholder {shots:int}; did you mean 'shot'?"),
    ],
)
def test_mistakes_are_told_in_one_line(
    tmp_path: Path, before: str, after: str, message: str
) -> None:
    with pytest.raises(TriggerError) as told:
        load(tmp_path, SET.replace(before, after, 1))
    assert message in str(told.value)
    assert "\n" not in str(told.value)
