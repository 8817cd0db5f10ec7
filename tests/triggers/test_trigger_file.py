"""Trigger files: what they may say, and what is said about their mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.triggers import Arrival, TriggerError, load_triggers, render_input

GOOD = """
[watch]
collection = "workstation"
path = "incoming"
[start]
flow = "adjoint_sources"
"""
ARRIVAL = Arrival(
    trigger="adjoint_sources",
    collection="workstation",
    name="event.001",
    path="/incoming/event.001/",
    location=Path("/data/incoming/event.001"),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data" / "incoming").mkdir(parents=True)
    (tmp_path / "triggers").mkdir()
    return tmp_path / "triggers"


def load(folder: Path, text: str, name: str = "adjoint_sources.toml"):  # type: ignore[no-untyped-def]
    (folder / name).write_text(text)
    return load_triggers(folder, {"workstation": folder.parent / "data"})


def test_the_repository_s_triggers_are_read(repository: Path, tmp_path: Path) -> None:
    for place in ("incoming", "runs", "inversion/iterations"):
        (tmp_path / place).mkdir(parents=True)
    triggers = load_triggers(
        repository / "triggers", {"workstation": tmp_path, "hpc": tmp_path / "scratch"}
    )
    found = {trigger.name: trigger for trigger in triggers}
    assert set(found) == {"adjoint_sources", "data_run", "inversion"}
    trigger = found["adjoint_sources"]
    assert (trigger.name, trigger.title, trigger.flow) == (
        "adjoint_sources",
        "New event",
        "adjoint_sources",
    )
    assert trigger.directory == tmp_path / "incoming"
    assert (trigger.what, trigger.settle, trigger.marker) == ("directory", 5.0, None)
    document = render_input(trigger.input, ARRIVAL)
    assert document["waveforms"] == {"collection": "workstation", "path": "/incoming/event.001/"}
    assert document["processing"]["ranks"] == 2
    assert render_input(trigger.label, ARRIVAL) == "adjoint sources of event.001"


def test_what_is_left_out_has_defaults(folder: Path) -> None:
    (trigger,) = load(folder, GOOD)
    assert (trigger.path, trigger.what, trigger.pattern) == ("/incoming/", "directory", "*")
    assert (trigger.settle, trigger.interval, trigger.observer) == (5.0, 10.0, "auto")
    assert (trigger.title, trigger.label, trigger.tags) == ("adjoint_sources", "{name}", ())


def test_a_directory_without_triggers_has_none(folder: Path) -> None:
    assert load_triggers(folder, {}) == []
    assert load_triggers(folder / "missing", {}) == []


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("[watch]", "[watch", "not valid TOML"),
        ("[watch]", "titel = 'x'\n[watch]", "titel: unknown key; did you mean 'title'?"),
        ("path =", "settel = 1\npath =", "watch.settel: unknown key; did you mean 'settle'?"),
        (
            "flow =",
            "xyz = 1\nflow =",
            "start.xyz: unknown key; known: flow, input, label, preflight, tags",
        ),
        ('"workstation"', '"work"', 'no collection "work" in headrace.toml; known: workstation'),
        ("collection =", "# ", "watch.collection: missing"),
        ("flow =", "# ", "start.flow: missing"),
        ('"incoming"', '"/outgoing/"', "is not a directory; make it, or correct the root"),
        ('"incoming"', '"../incoming"', 'may not contain ".." or "~"'),
        (
            "path =",
            'what = "dir"\npath =',
            'watch.what: "dir" must be "directory", "file" or "set"',
        ),
        ("path =", 'observer = "x"\npath =', '"auto", "both", "inotify" or "poll"'),
        ("path =", "settle = -1\npath =", "watch.settle: must be a number of seconds from 0"),
        ("path =", "settle = nan\npath =", "watch.settle: must be a number of seconds from 0"),
        ("path =", "settle = true\npath =", "watch.settle: must be a number of seconds from 0"),
        ("path =", "interval = 0\npath =", "watch.interval: must be a number of seconds"),
        ("path =", "pattern = 1\npath =", "watch.pattern: must be a text"),
        ("path =", 'marker = "a/b"\npath =', 'must be a name without "/"'),
        ("path =", 'ignore = "*.x"\npath =', "watch.ignore: must be a list of texts"),
        ("[start]", "[start]\ninput = 1", "start.input: must be a table"),
        (
            "flow =",
            'label = "{nam}"\nflow =',
            "start.label: unknown placeholder {nam}; did you mean 'name'? known:",
        ),
        ("flow =", 'tags = ["{"]\nflow =', 'start.tags[0]: lone "{"'),
        ("flow =", 'input.a.b = ["{x.y}"]\nflow =', "start.input.a.b[0]: unknown placeholder"),
        ("flow =", "input.day = 2026-01-01\nflow =", "start.input.day: 2026-01-01 is not a JSON"),
        ("flow =", "input.big = inf\nflow =", "start.input.big: inf is not a JSON value"),
    ],
)
def test_a_mistake_is_told_in_one_line(folder: Path, before: str, after: str, message: str) -> None:
    with pytest.raises(TriggerError) as told:
        load(folder, GOOD.replace(before, after, 1))
    text = str(told.value)
    assert message in text
    assert text.startswith(str(folder / "adjoint_sources.toml: "))
    assert "\n" not in text


@pytest.mark.parametrize("text", ["watch = 1", "[watch]\ncollection = 1"])
def test_a_value_of_the_wrong_kind_is_told(folder: Path, text: str) -> None:
    with pytest.raises(TriggerError, match="must be a"):
        load(folder, text)


def test_a_file_s_name_must_do_for_a_tag(folder: Path) -> None:
    with pytest.raises(TriggerError, match="the file's name names the trigger"):
        load(folder, GOOD, "new  event.toml")


def test_templates_know_placeholders_and_nothing_else() -> None:
    template = {
        "{name}": "{name} {stem} {path} {folder} {collection} {trigger}",
        "braces": "{{name}} }}{{",
        "others": [1, 2.5, True, None, ["{name}"]],
    }
    assert render_input(template, ARRIVAL) == {
        "{name}": "event.001 event /incoming/event.001/ /incoming/ workstation adjoint_sources",
        "braces": "{name} }{",
        "others": [1, 2.5, True, None, ["event.001"]],
    }
    for text in ("{0}", "{}", "{name!r}", "{name:>9}", "{name.__class__}", "{name[0]}", "{ name }"):
        with pytest.raises(TriggerError, match="unknown placeholder"):
            render_input(text, ARRIVAL)


@given(st.text())
def test_a_name_is_put_in_as_it_is(name: str) -> None:
    arrival = Arrival("t", "c", name, f"/{name}/", Path("/"))
    assert render_input("<{name}>", arrival) == f"<{name}>"


@given(st.text())
def test_any_text_can_be_written_with_doubled_braces(text: str) -> None:
    assert render_input(text.replace("{", "{{").replace("}", "}}"), ARRIVAL) == text
