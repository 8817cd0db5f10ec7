"""Arrivals whose runs have succeeded: moved or marked, once, and never over something."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from headrace._internal import renaming
from headrace._internal.renaming import rename_without_replacing
from headrace.runs.run_outcomes import RunOutcome
from headrace.triggers import (
    ArrivalFinished,
    Problem,
    Started,
    Trigger,
    TriggerError,
    Watching,
    load_trigger,
    read_ledger,
    replay_arrivals,
)
from headrace.triggers import arrival_finisher as finisher
from headrace.triggers.tables.afterwards import AfterwardsTable
from headrace.triggers.trigger_cycles import move_cycles
from tests.support.triggers.launches import Launches
from tests.support.triggers.run_service import MemoryRunService
from tests.support.triggers.trigger_watch import make_event, make_trigger, watching
from tests.support.waiting import wait_until


def finishing(root: Path, **afterwards: Any) -> Trigger:
    return make_trigger(root, afterwards=AfterwardsTable(**afterwards), existing="run")


def succeed(world: Launches, name: str = "a") -> None:
    world.arrive(name)
    world.launch_due()
    world.service.end(name)


def reasons(world: Launches) -> list[tuple[str, str]]:
    return [(one.afterwards, one.afterwards_reason) for one in read_ledger(world.path)]


def test_what_succeeded_is_moved_once(tmp_path: Path) -> None:
    world = Launches(finishing(tmp_path, move="/done/"))
    succeed(world)
    files = sorted(path.name for path in (tmp_path / "incoming/a").rglob("*"))
    world.follow()
    world.follow()
    assert not (tmp_path / "incoming/a").exists()
    assert sorted(path.name for path in (tmp_path / "done/a").rglob("*")) == files
    (event,) = world.of(ArrivalFinished)
    assert (event.action, event.path) == ("moved", tmp_path / "done/a")
    assert reasons(world) == [("done", "")]


@pytest.mark.parametrize("status", ["FAILED", "ENDED", "GONE"])
def test_what_did_not_succeed_stays(tmp_path: Path, status: str) -> None:
    world = Launches(finishing(tmp_path, move="/done/"))
    world.arrive("a")
    world.launch_due()
    world.service.end("a", status)
    world.follow()
    assert (tmp_path / "incoming/a").exists()
    assert reasons(world) == [("", "")]


def test_nothing_is_written_over(tmp_path: Path) -> None:
    world = Launches(finishing(tmp_path, move="/done/"))
    succeed(world)
    (tmp_path / "done/a").mkdir(parents=True)
    world.follow()
    assert (tmp_path / "incoming/a/syn").exists()
    assert list((tmp_path / "done/a").iterdir()) == []
    ((state, reason),) = reasons(world)
    assert (state, reason) == (
        "failed",
        f"not moved: {tmp_path}/done/a exists, and nothing is written over",
    )
    assert len(world.of(Problem)) == 1


def test_what_changed_since_its_start_is_not_moved(tmp_path: Path) -> None:
    """What came later was not worked on."""
    world = Launches(finishing(tmp_path, move="/done/"))
    succeed(world)
    (tmp_path / "incoming/a/late").write_text("more")
    world.follow()
    assert (tmp_path / "incoming/a/late").exists()
    assert not (tmp_path / "done/a").exists()
    assert "has changed since its run was started" in reasons(world)[0][1]


def test_what_has_gone_is_told(tmp_path: Path) -> None:
    world = Launches(finishing(tmp_path, move="/done/"))
    succeed(world)
    (tmp_path / "incoming/a").rename(tmp_path / "elsewhere")
    world.follow()
    assert reasons(world) == [("failed", "not moved: it has gone")]


def test_a_directory_that_is_away_is_waited_for(tmp_path: Path) -> None:
    world = Launches(finishing(tmp_path, move="/done/"))
    succeed(world)
    (tmp_path / "incoming").rename(tmp_path / "away")
    world.follow()
    assert reasons(world) == [("due", "")]
    (tmp_path / "away").rename(tmp_path / "incoming")
    world.follow()
    assert reasons(world) == [("done", "")]


class Killed(BaseException):
    """Stands for SIGKILL."""


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("action", ["move", "mark"])
def test_a_kill_repeats_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str, action: str
) -> None:
    value = "/done/" if action == "move" else "PROCESSED"
    world = Launches(finishing(tmp_path, **{action: value}))
    succeed(world)

    def be_killed(source: Path, target: Path) -> None:
        if moment == "after":
            rename_without_replacing(source, target)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(finisher, "rename_without_replacing", be_killed)
        with pytest.raises(Killed):
            world.follow()
    world.restart()
    world.follow()
    assert reasons(world) == [("done", "")]
    assert len(world.of(ArrivalFinished)) == 1
    there = tmp_path / ("done/a/syn" if action == "move" else "incoming/a/PROCESSED")
    assert there.exists()
    world.follow()
    assert len(world.of(ArrivalFinished)) == 1


def test_marks_are_neither_arrivals_nor_changes(tmp_path: Path) -> None:
    (tmp_path / "incoming").mkdir()
    file = tmp_path / "new_event.toml"
    file.write_text(
        '[watch]\ncollection = "disk"\npath = "/incoming/"\nwhat = "file"\nsettle = 0.1\n'
        'interval = 0.1\nexisting = "run"\n[start]\nflow = "f"\n[afterwards]\nmark = "PROCESSED"\n'
    )
    trigger = load_trigger(file, {"disk": tmp_path})
    path, service = tmp_path / "ledger.db", MemoryRunService()
    (tmp_path / "incoming/run1").write_text("1")
    with watching([trigger], path, service, service=service, follow_interval=0.02) as watch:
        watch.wait_for(Started)
        service.end("run1")
        (event,) = watch.wait_for(ArrivalFinished)
        assert event.path == tmp_path / "incoming/run1.PROCESSED"
        (tmp_path / "incoming/run2").write_text("2")
        watch.wait_for(Started, 2)
    assert service.started == ["run1", "run2"]
    assert [record.path for record in read_ledger(path)] == ["/incoming/run1", "/incoming/run2"]


def test_a_mark_that_is_there_already_is_left_alone(tmp_path: Path) -> None:
    world = Launches(finishing(tmp_path, mark="PROCESSED"))
    succeed(world)
    (tmp_path / "incoming/a/PROCESSED").write_text("somebody's")
    world.follow()
    assert (tmp_path / "incoming/a/PROCESSED").read_text() == "somebody's"
    assert "exists, and nothing is written over" in reasons(world)[0][1]
    assert sorted(path.name for path in (tmp_path / "incoming/a").iterdir()) == [
        *("PROCESSED", "obs", "syn")
    ]


@pytest.mark.parametrize(("arrives", "expected"), [(False, ["a"]), (True, ["a", "a"])])
def test_what_was_moved_arrives_elsewhere_only_where_that_is_wanted(
    tmp_path: Path, arrives: bool, expected: list[str]
) -> None:
    first = finishing(tmp_path, move="/second/", arrives=arrives)
    (tmp_path / "second").mkdir()
    second = replace(make_trigger(tmp_path), name="second", path="/second/", existing="run")
    path, service = tmp_path / "ledger.db", MemoryRunService()
    make_event(tmp_path / "incoming/a")
    with watching([first, second], path, service, service=service, follow_interval=0.02) as watch:
        watch.wait_for(Watching, 2)
        watch.wait_for(Started)
        service.end("a")
        watch.wait_for(ArrivalFinished)
        if arrives:
            watch.wait_for(Started, 2)
        else:
            wait_until(lambda: len(read_ledger(path)) == 2, "the look at the other directory")
            (_, moved) = read_ledger(path)
            assert (moved.trigger, moved.state) == ("second", "skipped")
            assert moved.reason == "moved here by trigger new_event, after its run"
    assert service.started == expected


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ('move = "/incoming/done/"', "is in the watched directory, where what is moved would"),
        ('move = "/incoming/"', "is in the watched directory"),
        ('move = "/done/"\nmark = "X"', "moved or marked, not both"),
        ('mark = "a/b"', "must be a name without"),
        ('mark = "COMPLETE"', "is the marker by which an arrival is complete"),
        ('move = "../x"', "may not contain"),
    ],
)
def test_wrong_tables_are_refused_when_the_file_is_read(
    tmp_path: Path, lines: str, message: str
) -> None:
    file = tmp_path / "new_event.toml"
    (tmp_path / "incoming").mkdir()
    head = '[watch]\ncollection = "disk"\npath = "/incoming/"\nmarker = "COMPLETE"\n'
    file.write_text(f'{head}[start]\nflow = "f"\n[afterwards]\n{lines}\n')
    with pytest.raises(TriggerError) as refused:
        load_trigger(file, {"disk": tmp_path})
    assert message in str(refused.value)


def test_a_hidden_directory_of_the_watched_one_may_be_the_target(tmp_path: Path) -> None:
    file = tmp_path / "new_event.toml"
    (tmp_path / "incoming").mkdir()
    head = '[watch]\ncollection = "disk"\npath = "/incoming/"\n[start]\nflow = "f"\n'
    file.write_text(f'{head}[afterwards]\nmove = "/incoming/.done/"\n')
    assert load_trigger(file, {"disk": tmp_path}).afterwards.move == "/incoming/.done/"


@pytest.mark.parametrize("directory", [True, False])
@pytest.mark.parametrize("known", [True, False])
def test_renaming_never_replaces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, directory: bool, known: bool
) -> None:
    if not known:
        monkeypatch.setattr(renaming, "_renameat2", lambda: None)
    source, target = tmp_path / "a", tmp_path / "b"
    make = (lambda path: path.mkdir()) if directory else (lambda path: path.write_text("x"))
    make(source)
    make(target)
    with pytest.raises(FileExistsError):
        rename_without_replacing(source, target)
    rename_without_replacing(source, tmp_path / "c")
    assert not source.exists()
    assert (tmp_path / "c").exists()


def test_an_arrival_stays_while_the_run_of_its_replay_may_read_it(tmp_path: Path) -> None:
    world = Launches(finishing(tmp_path, move="/done/"))
    record = world.arrive("a")
    world.launch_due()
    first = world.service.run_of("a")
    replay_arrivals(world.path, [record.id])
    world.launch_due()
    world.service.ended[first] = RunOutcome("SUCCEEDED")
    world.follow()
    assert (tmp_path / "incoming/a").exists()
    world.service.end("a")
    world.follow()
    assert (tmp_path / "done/a").exists()
    assert [state for state, _ in reasons(world)] == ["failed", "done"]


def test_a_circle_by_deeper_directories_or_another_collection_is_found(tmp_path: Path) -> None:
    deep = replace(
        make_trigger(tmp_path, name="deep", path="/done/", depth=2),
        afterwards=AfterwardsTable(move="/incoming/", arrives=True),
    )
    first = finishing(tmp_path, move="/done/station/", arrives=True)
    assert [[one.name for one in circle] for circle in move_cycles([first, deep])]
    assert not move_cycles([first, replace(deep, depth=1)])
    # By its path in another collection the ledger does not know what was moved.
    other = replace(deep, collection="disk", root=tmp_path / "done", path="/", depth=1)
    other = replace(other, afterwards=AfterwardsTable(move="/back/"))
    back = replace(first, name="back", collection="disk", root=tmp_path / "done", path="/back/")
    back = replace(back, afterwards=AfterwardsTable(move="/"))
    assert not move_cycles([finishing(tmp_path, move="/done/"), other])
    third = replace(finishing(tmp_path, move="/done/"), path="/done/back/")
    assert move_cycles([third, other])


def test_a_set_is_not_moved_in_part(tmp_path: Path) -> None:
    (tmp_path / "incoming").mkdir()
    file = tmp_path / "shots.toml"
    file.write_text(
        '[watch]\ncollection = "w"\npath = "/incoming/"\nwhat = "set"\n'
        'members = ["{shot}.segy", "{shot}.json"]\n[start]\nflow = "f"\n'
        '[afterwards]\nmove = "/done/"\n'
    )
    with pytest.raises(TriggerError, match="moves one file or directory at once"):
        load_trigger(file, {"w": tmp_path})


def test_triggers_that_move_to_each_other_in_a_circle_are_found(tmp_path: Path) -> None:
    def moving(name: str, path: str, to: str, *, arrives: bool = True) -> Trigger:
        afterwards = AfterwardsTable(move=to, arrives=arrives)
        return replace(finishing(tmp_path), name=name, path=path, afterwards=afterwards)

    one, two = moving("one", "/a/", "/b/"), moving("two", "/b/", "/c/")
    three = moving("three", "/c/", "/a/")
    assert move_cycles([one, two]) == []
    assert [[each.name for each in cycle] for cycle in move_cycles([three, one, two])] == [
        ["three", "one", "two"]
    ]
    assert move_cycles([one, two, moving("three", "/c/", "/a/", arrives=False)]) == []
