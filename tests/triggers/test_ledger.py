"""The ledger: durable, one watcher at a time, and exactly one run per arrival whatever happens."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from triggers.trigger_files import make_trigger

from headrace.triggers import (
    Arrival,
    Identity,
    Ledger,
    LedgerBusy,
    Started,
    Trigger,
    TriggerError,
    read_ledger,
)
from headrace.triggers.arrival import identify
from headrace.triggers.starter import Starts

PLACE = ("new_event", "workstation", "ext4:7")


def test_an_arrival_goes_its_way(tmp_path: Path) -> None:
    path = tmp_path / "state" / "ledger.db"
    with Ledger(path) as ledger:
        (seen,) = ledger.see(*PLACE, [("/incoming/a/", Identity(5, 50))])
        assert (seen.state, seen.attempts, seen.generation) == ("seen", 0, 1)
        starting = ledger.begin(seen.id)
        assert (starting.state, starting.attempts, starting.tag) == ("starting", 1, seen.tag)
        assert ledger.failed(seen.id, "down").reason == "down"
        again = ledger.begin(seen.id)
        assert again.attempts == 2
        assert again.first_attempt_at == starting.first_attempt_at
        assert ledger.started(seen.id, "run-1").run_id == "run-1"
        assert ledger.open("new_event", "workstation") == []
    (record,) = read_ledger(path, "new_event")
    assert (record.state, record.run_id) == ("started", "run-1")
    assert read_ledger(path, "other") == []


def test_a_second_watcher_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with Ledger(path):
        with pytest.raises(LedgerBusy, match="another watcher") as refused:
            Ledger(path)
        assert "\n" not in str(refused.value)
        assert read_ledger(path) == []
    with Ledger(path):
        pass


def test_states_only_follow_the_arrows(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.db") as ledger:
        (seen,) = ledger.see(*PLACE, [("/incoming/a/", Identity(5, 50))])
        for step in (
            lambda: ledger.started(seen.id, "run"),
            lambda: ledger.failed(seen.id, "x"),
            lambda: ledger.removed(seen.id),
        ):
            with pytest.raises(TriggerError, match="is not starting"):
                step()
        ledger.begin(seen.id)
        ledger.started(seen.id, "run")
        with pytest.raises(TriggerError, match="is not seen or starting or failed"):
            ledger.begin(seen.id)


@pytest.mark.parametrize(
    ("identity", "generation"),
    [
        (Identity(5, 50), 1),
        (Identity(5, 0), 1),  # this time the file system does not tell its birth
        (Identity(0, 0), 1),
        (Identity(6, 50), 2),
        (Identity(5, 51), 2),  # the inode number was used again
    ],
)
def test_another_identity_is_another_arrival(
    tmp_path: Path, identity: Identity, generation: int
) -> None:
    with Ledger(tmp_path / "ledger.db") as ledger:
        (first,) = ledger.see(*PLACE, [("/incoming/a/", Identity(5, 50))])
        ledger.begin(first.id)
        ledger.started(first.id, "run")
        (second,) = ledger.see(*PLACE, [("/incoming/a/", identity)])
    assert second.generation == generation
    assert (second.tag == first.tag) == (generation == 1)


def test_tags_differ_between_triggers_paths_and_ledgers(tmp_path: Path) -> None:
    tags = set()
    for name in ("one.db", "two.db"):
        with Ledger(tmp_path / name) as ledger:
            for trigger in ("a", "b"):
                sightings = [(f"/incoming/{path}/", Identity(1, 1)) for path in "xyz"]
                for record in ledger.see(trigger, "workstation", "ext4:7", sightings):
                    assert record.tag.startswith(f"arrival:{trigger}:")
                    tags.add(record.tag)
    assert len(tags) == 12


def test_what_no_ledger_is_and_what_is_too_new_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with Ledger(path):
        pass
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 9")
    database.close()
    with pytest.raises(TriggerError, match="newer headrace"):
        Ledger(path)
    path = tmp_path / "other.db"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(TriggerError, match="cannot use the ledger"):
        Ledger(path)


def test_a_wrong_clock_does_not_hide_the_run(tmp_path: Path) -> None:
    """The intent was written with the clock a day ahead; the run is searched from before that."""
    asked = []

    class Searching:
        def start(self, trigger: Trigger, arrival: Arrival, tag: str) -> str:
            raise AssertionError("started again")

        def find(self, tag: str, since: datetime) -> str:
            asked.append(since)
            return "run"

    trigger = make_trigger(tmp_path)
    ahead = datetime(2026, 3, 2, tzinfo=UTC)
    with Ledger(tmp_path / "ledger.db", now=lambda: ahead) as ledger:
        (record,) = ledger.see(*PLACE, [("/incoming/a/", Identity(5, 50))])
        ledger.begin(record.id)
        starts = Starts(ledger, Searching(), lambda event: None, first_wait=1, longest_wait=1)
        assert starts.attempt(trigger, record, inodes=True) is None
    assert asked[0] < datetime(2026, 3, 1, tzinfo=UTC)


class Killed(BaseException):
    """Stands for SIGKILL: nothing that handles errors may handle it."""


class ExactlyOnce(RuleBasedStateMachine):
    """Arrivals come, go and are replaced; attempts fail and are killed; runs are counted.

    The model is what a person sees: the directories by name, and the number of the one that lies
    there. The ledger may only learn of it by looking.
    """

    def __init__(self) -> None:
        super().__init__()
        self.place = Path(tempfile.mkdtemp())
        self.trigger = make_trigger(self.place)
        self.ledger = Ledger(self.place / "ledger.db")
        self.there: dict[str, int] = {}  # name -> number of the arrival
        self.seen: dict[str, int] = {}  # as the watcher knows it
        self.away: dict[str, tuple[Path, int, int]] = {}  # name -> where, number, looks until then
        self.looks = 0
        self.count = 0
        self.runs: dict[str, tuple[str, int]] = {}  # tag -> (name, number of the arrival)
        self.moment = ""
        self.kill = False

    def teardown(self) -> None:
        self.ledger.close()
        shutil.rmtree(self.place)

    def start(self, trigger: Trigger, arrival: Arrival, tag: str) -> str:
        self.maybe("before")
        assert tag not in self.runs
        self.runs[tag] = (arrival.name, self.there[arrival.name])
        self.maybe("after")
        return tag

    def find(self, tag: str, since: datetime) -> str | None:
        self.maybe("find")
        return tag if tag in self.runs else None

    def maybe(self, moment: str) -> None:
        if moment == self.moment:
            self.moment = ""
            raise Killed if self.kill else ConnectionError(moment)

    def look(self) -> None:
        sightings = [
            (f"/incoming/{name}/", identify(self.trigger.directory / name))
            for name in sorted(self.there)
        ]
        gone = {f"/incoming/{name}/" for name in self.seen.keys() - self.there.keys()}
        self.ledger.vanish(
            record.id for record in self.ledger.records() if record.present and record.path in gone
        )
        self.ledger.see(*PLACE, sightings)
        self.seen = dict(self.there)
        self.looks += 1

    @rule(name=st.sampled_from("abc"))
    def put(self, name: str) -> None:
        """A directory is put there, in place of the last one if there is one."""
        target = self.trigger.directory / name
        new = self.place / f"new_{self.count}"
        new.mkdir()
        if name in self.there:
            # Kept aside, so that its inode number is not used again where births are not told.
            target.rename(self.place / f"old_{self.count}")
        new.rename(target)
        self.count += 1
        self.there[name] = self.count

    @precondition(lambda self: self.there)
    @rule(data=st.data())
    def take_away(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.there)))
        away = self.place / f"away_{self.count}_{name}"
        (self.trigger.directory / name).rename(away)
        self.count += 1
        self.away[name] = (away, self.there.pop(name), self.looks)

    @precondition(lambda self: self.away.keys() - self.there.keys())
    @rule(data=st.data())
    def bring_back(self, data: st.DataObject) -> None:
        """The same directory returns: a new arrival if a look found it gone, else none."""
        name = data.draw(st.sampled_from(sorted(self.away.keys() - self.there.keys())))
        away, number, looks = self.away.pop(name)
        away.rename(self.trigger.directory / name)
        if looks != self.looks:
            self.count += 1
            number = self.count
        self.there[name] = number

    @rule()
    def see(self) -> None:
        self.look()

    @rule(moment=st.sampled_from(["", "before", "after", "find", "begin", "begun", "started"]))
    def killed(self, moment: str) -> None:
        self.moment, self.kill = moment, True
        self.work()

    @rule(moment=st.sampled_from(["", "before", "after", "find"]))
    def failing(self, moment: str) -> None:
        self.moment, self.kill = moment, False
        self.work()

    def work(self) -> None:
        """One look and one round of attempts, ended early by a kill."""
        self.look()
        starts = Starts(
            self.ledger,
            self,
            lambda event: self.maybe("started") if isinstance(event, Started) else None,
            first_wait=1.0,
            longest_wait=1.0,
        )
        try:
            for record in self.ledger.open("new_event", "workstation"):
                self.maybe("begin")
                if self.moment == "begun":
                    self.ledger.begin(record.id)
                    self.maybe("begun")
                starts.attempt(self.trigger, record, inodes=True)
        except Killed:
            self.ledger.close()
            self.ledger = Ledger(self.place / "ledger.db")
        self.moment = ""

    @invariant()
    def no_arrival_has_two_runs(self) -> None:
        runs = list(self.runs.values())
        assert len(runs) == len(set(runs))

    @invariant()
    def every_arrival_that_is_there_gets_its_run(self) -> None:
        if self.moment or not self.there:
            return
        self.kill = False
        self.work()
        assert {(name, number) for name, number in self.there.items()} <= set(self.runs.values())


class ExactlyOnceUndisturbed(ExactlyOnce):
    """As above, but failed attempts are left lying for many rounds before one succeeds."""

    @invariant()
    def every_arrival_that_is_there_gets_its_run(self) -> None:
        return

    def teardown(self) -> None:
        self.work()
        assert set(self.there.items()) <= set(self.runs.values())
        assert all(
            record.run_id == record.tag
            for record in self.ledger.records()
            if record.tag in self.runs
        )
        super().teardown()


TestEager = ExactlyOnce.TestCase
TestPatient = ExactlyOnceUndisturbed.TestCase
TestEager.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
TestPatient.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)
