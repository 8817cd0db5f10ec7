"""A trigger that asks a program whether an arrival is complete."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from triggers.trigger_files import Memory, make_trigger, watching

from headrace.triggers import Problem, Settling, Started, Trigger, TriggerError, load_trigger
from headrace.triggers.checks import Check, ask

PROGRAM = """
import pathlib, sys
place = pathlib.Path(sys.argv[-1])
with pathlib.Path("asked").open("a") as file:
    file.write(place.name + "\\n")
if (place / "broken").exists():
    sys.exit("no such module")
if not (place / "end").exists():
    print("the end")
    sys.exit(1)
"""


@pytest.fixture
def trigger(tmp_path: Path) -> Trigger:
    program = tmp_path / "check.py"
    program.write_text(textwrap.dedent(PROGRAM))
    (tmp_path / "triggers").mkdir()
    return make_trigger(
        tmp_path, file=tmp_path / "triggers" / "new_event.toml", check=("python", "check.py")
    )


def test_a_run_starts_at_the_end_and_only_then(tmp_path: Path, trigger: Trigger) -> None:
    starter = Memory()
    with watching([trigger], tmp_path / "ledger.db", starter) as watch:
        place = trigger.directory / "event"
        place.mkdir()
        (place / "first").write_text("1")
        told = 1
        while not any(e.waiting_for == "the end" for e in watch.wait_for(Settling, told)):
            told += 1
        assert starter.runs == {}
        (place / "end").touch()
        watch.wait_for(Started)
    assert starter.names == ["event"]
    assert starter.files["event"] == 2


def test_a_program_that_fails_is_a_problem_and_asked_again(
    tmp_path: Path, trigger: Trigger
) -> None:
    starter = Memory()
    with watching([trigger], tmp_path / "ledger.db", starter) as watch:
        place = trigger.directory / "event"
        place.mkdir()
        for name in ("end", "broken"):
            (place / name).touch()
        [problem] = watch.wait_for(Problem)
        assert "watch.check: ended with 1" in problem.message
        assert "no such module" in problem.message
        assert starter.runs == {}
        (place / "broken").unlink()
        watch.wait_for(Started)


def test_what_has_not_changed_is_asked_about_once_an_interval(
    tmp_path: Path, trigger: Trigger
) -> None:
    check = Check(trigger, trigger.directory)
    asked = tmp_path / "asked"
    for now in (0.0, 0.1, 0.19):
        assert check.lack((1, 10), now) == "the end"
    assert asked.read_text().count("\n") == 1
    check.lack((2, 10), 0.19)
    assert asked.read_text().count("\n") == 2
    check.lack((2, 10), 0.4)
    assert asked.read_text().count("\n") == 3


def test_a_mistake_is_never_taken_for_complete(tmp_path: Path, trigger: Trigger) -> None:
    check = Check(trigger, trigger.directory)
    (trigger.directory / "broken").touch()
    for _ in range(2):
        with pytest.raises(TriggerError, match="must end with 0"):
            check.lack((1, 10), 0.0)


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "triggers").mkdir()
    file = tmp_path / "triggers" / "new_event.toml"
    trigger = make_trigger(tmp_path, file=file, check=("no-such-program",))
    with pytest.raises(TriggerError, match="no-such-program: No such file"):
        ask(trigger, trigger.directory)


def test_without_a_check_everything_is_complete(tmp_path: Path) -> None:
    assert Check(make_trigger(tmp_path), tmp_path).lack((1, 1), 0.0) == ""


def test_the_file_gives_the_command_as_one_writes_it(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    file = tmp_path / "one.toml"
    text = '[watch]\ncollection = "c"\npath = "/data/"\ncheck = {check}\n[start]\nflow = "f"\n'
    file.write_text(text.format(check="\"python check.py 'two words'\""))
    assert load_trigger(file, {"c": tmp_path}).check == ("python", "check.py", "two words")
    file.write_text(text.format(check='"python \'"'))
    with pytest.raises(TriggerError, match=r"watch\.check: not a command"):
        load_trigger(file, {"c": tmp_path})
