"""Names by a regular expression, and templates that make numbers of its groups."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from headrace.triggers import (
    Arrival,
    Started,
    StartRefused,
    Trigger,
    TriggerError,
    load_trigger,
    render_input,
)
from tests.support.triggers.trigger_watch import (
    MemoryRunClient,
    make_event,
    make_trigger,
    watching,
)

GOOD = """
[watch]
collection = "workstation"
path = "incoming"
regex = 'run(?P<run>\\d+)_(?P<kind>[a-z]+)'
[start]
flow = "note"
label = "run {run}"
input = { run = "{run:int}", share = "{run:float}", text = "{kind} of {run}", whole = "{name}" }
"""
ARRIVAL = Arrival(
    "t", "c", "run0283_calib", "/in/run0283_calib/", Path("/"), texts=(("run", "0283"),)
)


def load(root: Path, text: str) -> Trigger:
    (root / "data" / "incoming").mkdir(parents=True, exist_ok=True)
    (root / "triggers").mkdir(exist_ok=True)
    file = root / "triggers" / "note.toml"
    file.write_text(text)
    return load_trigger(file, {"workstation": root / "data"})


@pytest.mark.parametrize("observer", ["inotify", "poll"])
def test_only_what_matches_wholly_arrives_and_its_groups_fill_the_input(
    tmp_path: Path, observer: str
) -> None:
    trigger = replace(load(tmp_path, GOOD), settle=0.2, interval=0.2, observer=observer)
    client = MemoryRunClient()
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        for name in ("run12", "xrun0012_calib", "run0012_calib_old", "run0283_calib"):
            make_event(trigger.directory / name)
        watch.wait_for(Started)
    assert client.names == ["run0283_calib"]
    (arrival,) = client.runs.values()
    assert render_input(trigger.input, arrival) == {
        "run": 283,
        "share": 283.0,
        "text": "calib of 0283",
        "whole": "run0283_calib",
    }
    assert render_input(trigger.label, arrival) == "run 0283"


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("{run:int}", "{rum:int}", "unknown placeholder {rum:int}; did you mean 'run'?"),
        ("{kind} of", "{kinds} of", "unknown placeholder {kinds}; did you mean 'kind'?"),
        ("{run:int}", "{run:integer}", "no type 'integer'; did you mean 'int'?"),
        ("{run:int}", "no. {run:int}", "as a text of its own, it makes a number"),
        ("run {run}", "{run:int}", "only in an input"),
        ("\\d+", "\\d+(", "watch.regex: not a regular expression: missing )"),
        ("\\d+", "(?=a)", "but for look-around"),
        ("(?P<run>", "(?P<path>", "{path} is a placeholder already"),
        ("regex =", "pattern = 'run*'\nregex =", "is instead of watch.pattern"),
    ],
)
def test_a_mistake_is_told_in_one_line(
    tmp_path: Path, before: str, after: str, message: str
) -> None:
    with pytest.raises(TriggerError) as told:
        load(tmp_path, GOOD.replace(before, after, 1))
    assert message in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("text", "type_", "number"),
    [("0283", "int", 283), ("-1", "int", -1), ("1.5", "float", 1.5), ("2", "float", 2.0)],
)
def test_a_group_becomes_a_number(text: str, type_: str, number: float) -> None:
    found = render_input(f"{{run:{type_}}}", replace(ARRIVAL, texts=(("run", text),)))
    assert (found, type(found)) == (number, type(number))


@pytest.mark.parametrize("text", ["", "1_0", "٣", " 1", "1.5", "nan", "0x1", "one"])
def test_what_is_no_number_is_refused_for_good(text: str) -> None:
    with pytest.raises(StartRefused, match="is not a whole number"):
        render_input({"run": "{run:int}"}, replace(ARRIVAL, texts=(("run", text),)))


@pytest.mark.parametrize("text", ["inf", "1e999", "", "1,5"])
def test_what_is_not_finite_is_refused_for_good(text: str) -> None:
    with pytest.raises(StartRefused, match="is not a number"):
        render_input("{run:float}", replace(ARRIVAL, texts=(("run", text),)))


def test_a_group_that_takes_no_part_is_empty(tmp_path: Path) -> None:
    trigger = make_trigger(tmp_path, regex=r"(?P<run>\d+)(_(?P<part>\w+))?")
    assert trigger.texts_of("12") == (("run", "12"), ("part", ""))


def test_an_expression_that_backtracks_for_ever_elsewhere_holds_nothing_up(tmp_path: Path) -> None:
    trigger = make_trigger(tmp_path, what="file", regex=r"(?P<all>(a+)+(a|aa)+)")
    client = MemoryRunClient()
    with watching([trigger], tmp_path / "ledger.db", client) as watch:
        for end in "bcd":
            (trigger.directory / ("a" * 200 + end)).touch()
        (trigger.directory / ("a" * 200)).touch()
        watch.wait_for(Started)
    assert client.names == ["a" * 200]


def test_names_that_are_not_utf8_match_nothing_unseen(tmp_path: Path) -> None:
    trigger = make_trigger(tmp_path, regex=r".*")
    assert trigger.texts_of("odd\udc80") == ()


def test_without_re2_the_way_out_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "re2", None)
    (tmp_path / "incoming").mkdir()
    for number, watch in enumerate(
        ("regex = 'without_re2_(?P<run>.+)'", 'what = "set"\nmembers = ["{no2}.a", "{no2}.b"]')
    ):
        file = tmp_path / f"t{number}.toml"
        file.write_text(
            f'[watch]\ncollection = "w"\npath = "/incoming/"\n{watch}\n[start]\nflow = "f"\n'
        )
        with pytest.raises(TriggerError, match="needs the package google-re2"):
            load_trigger(file, {"w": tmp_path})
