"""Requests about arrivals: carried out by the watcher that runs, or the next one, and once."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest

from headrace.triggers import (
    Identity,
    Ledger,
    LedgerUnusable,
    Record,
    Refused,
    Seen,
    Started,
    StartFailed,
    StartRefused,
    Trigger,
    TriggerError,
    Watching,
    find_arrival,
    pause_triggers,
    read_ledger,
    read_paused,
    replay_arrivals,
    request_runs,
    resume_triggers,
    skip_arrivals,
    start_by_hand,
)
from headrace.triggers.launcher import RunLauncher
from headrace.triggers.ledger_schema import VERSION
from headrace.triggers.start_gate import Held
from tests.support.triggers.trigger_watch import (
    MemoryRunClient,
    make_event,
    make_trigger,
    watching,
)
from tests.support.waiting import wait_until

PLACE = ("new_event", "workstation", "ext4:7")


def only_record(path: Path) -> Record:
    (record,) = read_ledger(path)
    return record


def marked_trigger(root: Path) -> Trigger:
    """A trigger whose arrivals are complete with a marker that never comes by itself."""
    return make_trigger(root, marker="COMPLETE")


def test_a_run_that_is_asked_for_is_started_before_its_arrival_is_complete(tmp_path: Path) -> None:
    trigger, path, client = marked_trigger(tmp_path), tmp_path / "ledger.db", MemoryRunClient()
    with watching([trigger], path, client) as watch:
        watch.wait_for(Watching)
        event = make_event(trigger.directory / "a")
        watch.wait_for(Seen)
        (asked,) = request_runs(path, [only_record(path).id])
        assert asked.state == "seen"
        watch.wait_for(Started)
        (event / "COMPLETE").touch()
        assert request_runs(path, [asked.id]) == []
        make_event(trigger.directory / "b").joinpath("COMPLETE").touch()
        watch.wait_for(Started, 2)
    assert client.names == ["a", "b"]


def test_what_is_skipped_has_no_run_until_it_is_asked_for(tmp_path: Path) -> None:
    trigger, path, client = marked_trigger(tmp_path), tmp_path / "ledger.db", MemoryRunClient()
    with watching([trigger], path, client) as watch:
        watch.wait_for(Watching)
        event = make_event(trigger.directory / "a")
        watch.wait_for(Seen)
        (skipped,) = skip_arrivals(path, [only_record(path).id])
        (event / "COMPLETE").touch()
        make_event(trigger.directory / "b").joinpath("COMPLETE").touch()
        watch.wait_for(Started)
        assert client.names == ["b"]
        assert read_ledger(path)[0].state == "skipped"
        request_runs(path, [skipped.id])
        watch.wait_for(Started, 2)
        assert skip_arrivals(path, [skipped.id]) == []
    assert client.names == ["a", "b"]


def test_a_replay_is_another_arrival_at_the_same_path(tmp_path: Path) -> None:
    trigger, path, client = make_trigger(tmp_path), tmp_path / "ledger.db", MemoryRunClient()
    make_event(trigger.directory / "a")
    with watching([trigger], path, client) as watch:
        watch.wait_for(Started)
        first = only_record(path)
        (again,) = replay_arrivals(path, [first.id])
        assert (again.generation, again.identity, again.root) == (2, first.identity, first.root)
        assert replay_arrivals(path, [first.id]) == [], "the first is not the present one any more"
        watch.wait_for(Started, 2)
    with watching([trigger], path, client) as watch:
        watch.wait_for(Watching)
        make_event(trigger.directory / "b")
        watch.wait_for(Started)
    assert client.names == ["a", "a", "b"]
    states = [(record.state, record.present) for record in read_ledger(path, "new_event")]
    assert states == [("started", False), ("started", True), ("started", True)]


def test_a_paused_trigger_records_and_starts_nothing_until_it_is_resumed(tmp_path: Path) -> None:
    trigger, path, client = make_trigger(tmp_path), tmp_path / "ledger.db", MemoryRunClient()
    other = make_trigger(tmp_path, name="other", path="/elsewhere/")
    other.directory.mkdir()
    with watching([trigger, other], path, client) as watch:
        watch.wait_for(Watching, 2)
        pause_triggers(path, ["new_event"])
        pause_triggers(path, ["new_event"])
        assert read_paused(path) == ["new_event"]
        make_event(trigger.directory / "held")
        watch.wait_for(Seen, name="held")
        make_event(other.directory / "free")
        watch.wait_for(Started)
    with watching([trigger, other], path, client) as watch:
        watch.wait_for(Watching, 2)
        make_event(other.directory / "later")
        watch.wait_for(Started)
        assert client.names == ["free", "later"], "a pause outlives the watcher"
        resume_triggers(path, ["new_event"])
        watch.wait_for(Started, name="held")
    assert client.names == ["free", "held", "later"]
    assert read_paused(path) == []


def test_an_attempt_whose_outcome_is_not_known_cannot_be_skipped(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with Ledger(path) as ledger:
        (seen,) = ledger.record_seen(*PLACE, [("/incoming/a/", Identity(5, 50))])
        ledger.mark_starting(seen.id)
        assert skip_arrivals(path, [seen.id]) == []
        ledger.mark_failed(seen.id, "the answer was lost")
        assert skip_arrivals(path, [seen.id]) == []
        ledger.mark_starting(seen.id)
        ledger.mark_refused(seen.id, "no")
        assert [record.id for record in skip_arrivals(path, [seen.id])] == [seen.id]
        assert ledger.get(seen.id).state == "skipped"


def test_a_pause_before_the_first_watch_holds_and_hides_no_loss(tmp_path: Path) -> None:
    trigger, path, client = make_trigger(tmp_path), tmp_path / "ledger.db", MemoryRunClient()
    resume_triggers(path, [trigger.name])
    assert not path.exists()
    pause_triggers(path, [trigger.name])
    with watching([trigger], path, client) as watch:
        watch.wait_for(Watching)
        make_event(trigger.directory / "a")
        watch.wait_for(Seen)
        resume_triggers(path, [trigger.name])
        watch.wait_for(Started)
    for file in tmp_path.glob("ledger.db*"):
        file.unlink()
    with pytest.raises(LedgerUnusable, match="is gone"):
        pause_triggers(path, [trigger.name])


def test_what_had_its_run_meanwhile_is_refused_by_hand(tmp_path: Path) -> None:
    trigger, path, client = make_trigger(tmp_path), tmp_path / "ledger.db", MemoryRunClient()
    event = make_event(trigger.directory / "a")
    early = find_arrival(trigger, event, path)
    started = start_by_hand(find_arrival(trigger, event, path), path, client)
    with pytest.raises(TriggerError, match=f"had its run already: {started.run_id}"):
        start_by_hand(early, path, client)
    assert client.names == ["a"]


def test_a_replayed_arrival_that_goes_and_comes_back_is_a_new_one(tmp_path: Path) -> None:
    trigger, path, client = make_trigger(tmp_path), tmp_path / "ledger.db", MemoryRunClient()
    event = make_event(trigger.directory / "a")
    with watching([trigger], path, client) as watch:
        watch.wait_for(Started)
        replay_arrivals(path, [only_record(path).id])
        watch.wait_for(Started, 2)
        event.rename(tmp_path / "aside")
        wait_until(lambda: not any(record.present for record in read_ledger(path)), "its departure")
        (tmp_path / "aside").rename(event)
        watch.wait_for(Started, 3)


def test_a_replay_of_one_of_two_at_a_path_is_the_newest(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with Ledger(path) as ledger:
        for number in (7, 8):
            entry = ("/incoming/a/", Identity(5, number))
            (seen,) = ledger.record_seen(*PLACE[:2], f"ext4:{number}", [entry])
            ledger.mark_starting(seen.id)
            ledger.mark_started(seen.id, f"run {number}")
        (again,) = replay_arrivals(path, [1])
        assert (again.generation, again.root) == (3, "ext4:7")


def test_a_refused_arrival_is_started_by_a_watch_that_is_asked(tmp_path: Path) -> None:
    trigger, path, client = make_trigger(tmp_path), tmp_path / "ledger.db", MemoryRunClient()
    client.fail = lambda moment: StartRefused("no") if moment == "before" else None
    event = make_event(trigger.directory / "a")
    with watching([trigger], path, client) as watch:
        watch.wait_for(Refused)
        client.fail = lambda moment: None
        started = start_by_hand(find_arrival(trigger, event, path), path, client)
        assert started.by_watcher
    assert client.names == ["a"]


def test_a_pause_holds_what_was_tried_before(tmp_path: Path) -> None:
    trigger, path, client = make_trigger(tmp_path), tmp_path / "ledger.db", MemoryRunClient()
    client.fail = lambda moment: OSError("down") if moment == "before" else None
    make_event(trigger.directory / "a")
    with watching([trigger], path, client, initial_delay=0.05) as watch:
        watch.wait_for(StartFailed)
        pause_triggers(path, [trigger.name])
    client.fail = lambda moment: None
    with watching([trigger], path, client) as watch:
        watch.wait_for(Watching)
        make_event(trigger.directory / "b")
        watch.wait_for(Seen, name="b")
        assert client.names == []
        resume_triggers(path, [trigger.name])
        watch.wait_for(Started, 2)


def test_a_request_in_a_ledger_of_the_version_before_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with Ledger(path):
        pass
    database = sqlite3.connect(path)
    database.executescript("DROP TABLE pauses; PRAGMA user_version = 2;")
    database.close()
    assert read_paused(path) == []
    pause_triggers(path, ["new_event"])
    with Ledger(path) as ledger:
        assert ledger.is_paused("new_event")
    database = sqlite3.connect(path)
    assert database.execute("PRAGMA user_version").fetchone() == (VERSION,)
    database.close()


def test_a_run_by_hand_is_the_one_of_the_watch_that_comes(tmp_path: Path) -> None:
    trigger, path, client = marked_trigger(tmp_path), tmp_path / "ledger.db", MemoryRunClient()
    event = make_event(trigger.directory / "a")
    named = find_arrival(trigger, event, path)
    assert named.record is None
    assert named.missing_reason() == "the marker COMPLETE"
    started = start_by_hand(named, path, client)
    assert not started.by_watcher
    named = find_arrival(trigger, event, path)
    with pytest.raises(TriggerError, match=f"had its run already: {started.run_id}"):
        start_by_hand(named, path, client)
    (event / "COMPLETE").touch()
    assert named.missing_reason() == ""
    with watching([trigger], path, client) as watch:
        watch.wait_for(Watching)
        make_event(trigger.directory / "b").joinpath("COMPLETE").touch()
        watch.wait_for(Started)
    assert client.names == ["a", "b"]
    again = start_by_hand(find_arrival(trigger, event, path), path, client, again=True)
    assert again.run_id != started.run_id
    assert client.names == ["a", "a", "b"]


def test_a_watch_that_runs_is_asked_to_start_a_run_by_hand(tmp_path: Path) -> None:
    trigger, path, client = marked_trigger(tmp_path), tmp_path / "ledger.db", MemoryRunClient()
    with watching([trigger], path, client) as watch:
        watch.wait_for(Watching)
        event = make_event(trigger.directory / "a")
        watch.wait_for(Seen)
        pause_triggers(path, [trigger.name])
        with pytest.raises(TriggerError, match=r"is paused.*trigger resume new_event"):
            start_by_hand(find_arrival(trigger, event, path), path, client)
        resume_triggers(path, [trigger.name])
        started = start_by_hand(find_arrival(trigger, event, path), path, client)
        assert started.by_watcher
        assert started.run_id in {f"run of {tag}" for tag in client.runs}
        again = start_by_hand(find_arrival(trigger, event, path), path, client, again=True)
        assert again.run_id != started.run_id
    assert client.names == ["a", "a"]


def test_a_run_by_hand_whose_answer_was_lost_is_found_by_its_tag(tmp_path: Path) -> None:
    trigger, path, client = make_trigger(tmp_path), tmp_path / "ledger.db", MemoryRunClient()
    event = make_event(trigger.directory / "a")
    client.fail = lambda moment: OSError("no answer") if moment == "after" else None
    with pytest.raises(TriggerError, match="could not be started: no answer"):
        start_by_hand(find_arrival(trigger, event, path), path, client)
    client.fail = lambda moment: None
    (tag,) = client.runs
    started = start_by_hand(find_arrival(trigger, event, path), path, client)
    assert started.run_id == f"run of {tag}"
    assert client.names == ["a"]


def test_an_arrival_that_was_begun_by_a_process_that_died_is_looked_up(tmp_path: Path) -> None:
    trigger, path, client = make_trigger(tmp_path), tmp_path / "ledger.db", MemoryRunClient()
    event = make_event(trigger.directory / "a")
    named = find_arrival(trigger, event, path)
    with Ledger(path) as ledger:
        entry = (named.arrival.path, named.identity)
        (record,) = ledger.record_seen(trigger.name, trigger.collection, named.root, [entry])
        ledger.mark_starting(record.id)
        client.start(trigger, named.arrival, record.tag)
    started = start_by_hand(find_arrival(trigger, event, path), path, client)
    assert started.run_id == f"run of {record.tag}"


def test_what_settles_is_looked_at_until_it_has(tmp_path: Path) -> None:
    trigger = make_trigger(tmp_path, settle=0.2)
    named = find_arrival(trigger, make_event(trigger.directory / "a"), tmp_path / "ledger.db")
    assert named.missing_reason() == ""
    (trigger.directory / "b").mkdir()
    named = find_arrival(trigger, trigger.directory / "b", tmp_path / "ledger.db")
    assert named.missing_reason() == "a first file"
    slow = make_trigger(tmp_path, settle=3600.0)
    named = find_arrival(slow, trigger.directory / "a", tmp_path / "ledger.db")
    assert named.missing_reason() == "3600 s without change"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("gone", "no such file"),
        ("file", "is no directory"),
        (".hidden", "hidden, temporary"),
        ("other_run", "does not match watch.pattern 'run*'"),
        ("run\n1", "control characters"),
        ("run_link", "is no directory"),
    ],
)
def test_what_is_no_arrival_is_refused_with_its_reason(
    tmp_path: Path, name: str, reason: str
) -> None:
    trigger = make_trigger(tmp_path, pattern="run*")
    for directory in (".hidden", "other_run", "run\n1", "run1"):
        (trigger.directory / directory).mkdir()
    (trigger.directory / "file").touch()
    (trigger.directory / "run_link").symlink_to("run1")
    with pytest.raises(TriggerError, match=re.escape(reason)):
        find_arrival(trigger, trigger.directory / name, tmp_path / "ledger.db")


def test_what_lies_elsewhere_is_no_arrival(tmp_path: Path) -> None:
    trigger = make_trigger(tmp_path)
    (trigger.directory / "a" / "deeper").mkdir(parents=True)
    for place in (tmp_path, trigger.directory, trigger.directory / "a" / "deeper"):
        with pytest.raises(TriggerError, match="does not lie in"):
            find_arrival(trigger, place, tmp_path / "ledger.db")


def test_the_launcher_leaves_what_is_paused_for_later(tmp_path: Path) -> None:
    trigger, path, client = make_trigger(tmp_path), tmp_path / "ledger.db", MemoryRunClient()
    named = find_arrival(trigger, make_event(trigger.directory / "a"), path)
    with Ledger(path) as ledger:
        entry = (named.arrival.path, named.identity)
        (record,) = ledger.record_seen(trigger.name, trigger.collection, named.root, [entry])
        launcher = RunLauncher(
            ledger, client, lambda event: None, initial_delay=1.0, maximum_delay=1.0
        )
        pause_triggers(path, [trigger.name])
        reason = "the trigger is paused; `headrace trigger resume new_event`"
        assert launcher.launch(trigger, record.id) == Held(reason, trigger.interval)
        assert client.names == []
        resume_triggers(path, [trigger.name])
        assert launcher.launch(trigger, record.id) is None
    wait_until(lambda: client.names == ["a"], "the run")
