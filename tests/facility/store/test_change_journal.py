"""The journal names what changed, whatever was killed, removed, exported or restored since."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.facility.errors import StateConflict
from headrace.facility.identity import Identity
from headrace.facility.store import change_journal
from headrace.facility.store.change_journal import SUBJECTS_OF_A_ROW
from headrace.facility.store.change_pages import ChangePage
from headrace.facility.store.check import check_store
from headrace.facility.store.database import Store
from headrace.facility.store.ended_runs import EndedRuns
from headrace.facility.store.flows import FlowTable
from headrace.facility.store.runs import RunTable
from headrace.facility.store.tasks import DONE, PENDING, Task, TaskTable
from headrace.facility.store.web_inputs import WebInputTable
from tests.support.examples import examples
from tests.support.facility.scripted_engine import Bench, action_state

PASS = {"A": {"Type": "Pass", "End": True}}
ME = Identity("me", "me@here")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "state" / "facility.db")
    yield made
    made.close()


def changes(bench: Bench, since: int, limit: int = 500) -> ChangePage:
    page = bench.store.changes.read(bench.store.reader(), since, limit)
    assert page is not None
    return page


def is_unknown(bench: Bench, since: int) -> bool:
    return bench.store.changes.read(bench.store.reader(), since, 500) is None


def newest_row(bench: Bench) -> int:
    return int(bench.store.reader().execute("SELECT max(number) FROM changes").fetchone()[0])


def kill(bench: Bench) -> None:
    """Has the bench go on with what a kill at this moment leaves on the disk."""
    left = bench.path.parent.with_name(f"{bench.path.parent.name}k")
    with bench.store.transaction():  # nothing is written meanwhile
        shutil.copytree(bench.path.parent, left)
    bench.close()
    bench.path = left / bench.path.name
    bench.provider.begun.clear()
    bench.open()


def statuses(page: ChangePage) -> dict[str, str]:
    return {run.run_id: run.status for run in page.runs}


def test_each_step_of_a_run_is_a_change_with_its_status_of_now(bench: Bench) -> None:
    begun = bench.store.changes.sequence
    run_id = bench.start({"A": action_state()})
    action = bench.action()
    started = changes(bench, begun)
    assert statuses(started) == {run_id: "ACTIVE"}
    assert started.flow_ids == [bench.run(run_id).flow_id]
    bench.engine.block_action(action.id, {"code": "Wait", "description": "no login"})
    blocked = changes(bench, started.sequence)
    assert statuses(blocked) == {run_id: "INACTIVE"}
    bench.engine.finish_action(action.id, "SUCCEEDED", {})
    bench.ended(run_id)
    assert statuses(changes(bench, blocked.sequence)) == {run_id: "SUCCEEDED"}
    # Each run once, as it is now, however often it changed.
    whole = changes(bench, begun)
    assert [(run.run_id, run.status) for run in whole.runs] == [(run_id, "SUCCEEDED")]
    assert whole.sequence == bench.store.changes.sequence
    assert not changes(bench, whole.sequence).runs


def test_what_people_change_is_a_change(bench: Bench) -> None:
    run_id = bench.start({"A": action_state()})
    action = bench.action()
    runs = RunTable(bench.store)

    def changed_by(since: int) -> tuple[list[str], int]:
        page = changes(bench, since)
        return [run.run_id for run in page.runs], page.sequence

    _, now = changed_by(bench.store.changes.sequence)
    runs.update(run_id, {"label": "new"})
    found, now = changed_by(now)
    assert found == [run_id]
    for held in (True, False):
        bench.engine.changes.set_held([run_id], held)
        found, now = changed_by(now)
        assert found == [run_id]
    tasks = TaskTable(bench.store)
    with bench.store.transaction() as db:
        tasks.insert(db, [Task("task", action.id, 0, "f", [], {}, PENDING, None, None)])
    _, now = changed_by(now)
    tasks.set_status("task", DONE, 1)
    found, now = changed_by(now)
    assert found == [run_id]
    tasks.set_status("task", DONE, 2)  # it has ended already
    assert changed_by(now) == ([], now)
    bench.engine.changes.cancel_run(run_id)
    page = changes(bench, now)
    assert statuses(page) == {run_id: "FAILED"}
    EndedRuns(bench.store, runs).delete(run_id)
    removed = changes(bench, page.sequence)
    assert (removed.runs, removed.removed_run_ids) == ([], [run_id])


def test_a_question_and_its_answer_are_changes_of_its_run(bench: Bench) -> None:
    run_id = bench.start({"A": action_state()})
    bench.action()
    web_inputs = WebInputTable(bench.store, ME)
    begun = bench.store.changes.sequence
    context = {"Title": "Go on?", "PresentationStyle": "Text", "Text": "?"}
    body = {"Context": context, "Options": [{"Label": "yes", "Value": "y"}]}
    with bench.store.transaction() as db:
        asked = web_inputs.create(db, run_id, body)
    page = changes(bench, begun)
    assert [(one.id, one.run_id, one.status) for one in page.web_inputs] == [
        (asked.id, run_id, "open")
    ]
    assert statuses(page) == {run_id: "ACTIVE"}
    web_inputs.respond(asked.id, asked.document["options"][0]["option_id"])
    assert [one.status for one in changes(bench, page.sequence).web_inputs] == ["closed"]


def test_flows_are_changes(bench: Bench) -> None:
    flows = FlowTable(bench.store)
    definition = {"StartAt": "A", "States": PASS}
    flow = flows.create({"title": "t", "definition": definition})
    now = bench.store.changes.sequence
    flows.update(flow.id, {"title": "u"})
    page = changes(bench, now)
    assert page.flow_ids == [flow.id]
    flows.delete(flow.id)
    assert changes(bench, page.sequence).flow_ids == [flow.id]


def test_a_transaction_that_is_undone_is_no_change(bench: Bench) -> None:
    run_id = bench.start({"A": action_state()})
    bench.action()
    now = bench.store.changes.sequence
    number = bench.run(run_id).number

    def fail() -> None:
        with bench.store.transaction() as db:
            RunTable(bench.store).set_status(db, number, "FAILED", None)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with bench.store.transaction():
        pass
    assert bench.store.changes.sequence == now
    assert changes(bench, now).runs == []


def test_numbers_go_on_after_a_restart_and_what_was_missed_is_there(bench: Bench) -> None:
    seen = bench.store.changes.sequence
    run_id = bench.start(PASS)
    bench.ended(run_id)
    last = bench.store.changes.sequence
    bench.close()
    bench.open()
    assert bench.store.changes.sequence > last
    assert statuses(changes(bench, seen)) == {run_id: "SUCCEEDED"}
    assert changes(bench, last).runs == []
    another = bench.start(PASS)
    bench.ended(another)
    assert statuses(changes(bench, last)) == {another: "SUCCEEDED"}


def test_steps_in_quick_succession_share_a_row_and_a_kill_hides_none(bench: Bench) -> None:
    run_id = bench.start({"A": action_state()})
    action = bench.action()
    row, seen = newest_row(bench), list[int]()
    for blocked in (True, False, True):
        details = {"code": "Wait", "description": "no login"}
        bench.engine.block_action(action.id, details, blocked)
        seen.append(bench.store.changes.sequence)
    assert len({*seen}) == 3
    # All but perhaps one of them, if this took more than a second.
    unwritten = [number for number in seen if number > newest_row(bench)]
    assert unwritten
    assert newest_row(bench) >= row
    kill(bench)
    assert bench.store.changes.sequence > seen[-1]
    for number in [row, *seen]:
        assert run_id in statuses(changes(bench, number))
    assert not changes(bench, bench.store.changes.sequence).runs


def test_a_run_that_ended_just_before_a_kill_is_named(bench: Bench) -> None:
    bench.ended(bench.start(PASS))
    seen = bench.store.changes.sequence
    run_id = bench.start(PASS)
    bench.ended(run_id)
    kill(bench)
    assert statuses(changes(bench, seen))[run_id] == "SUCCEEDED"


def test_two_kills_in_a_row_hide_nothing(bench: Bench) -> None:
    run_id = bench.start({"A": action_state()})
    bench.action()
    seen = bench.store.changes.sequence
    kill(bench)
    kill(bench)
    assert run_id in statuses(changes(bench, seen))


def test_a_change_of_a_run_that_ended_long_ago_is_written_with_its_commit(bench: Bench) -> None:
    run_id = bench.start(PASS)
    bench.ended(run_id)
    long_ago = "2001-01-01T00:00:00.000000+00:00"
    with bench.store.transaction() as db:
        db.execute("UPDATE runs SET completion_time = ?", (long_ago,))
    seen = bench.store.changes.sequence
    RunTable(bench.store).update(run_id, {"label": "new"})
    kill(bench)
    assert list(statuses(changes(bench, seen))) == [run_id]


def test_a_clock_that_is_set_back_hides_no_end(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.ended(bench.start(PASS))
    past = time.time() - 100_000
    monkeypatch.setattr(time, "time", lambda: past)
    seen = bench.store.changes.sequence
    ended = [bench.start(PASS) for _ in range(2)]
    for run_id in ended:
        bench.ended(run_id)
    monkeypatch.undo()
    kill(bench)
    assert {*ended} <= {*statuses(changes(bench, seen))}


def test_a_number_that_was_not_given_is_unknown(bench: Bench) -> None:
    bench.ended(bench.start(PASS))
    last = bench.store.changes.sequence
    for since in (0, 1, last + 1, last ^ 1, 10**18):
        assert is_unknown(bench, since)


def test_a_store_that_was_restored_from_a_copy_knows_no_number_given_since(
    bench: Bench, tmp_path: Path
) -> None:
    bench.ended(bench.start(PASS))
    common = bench.store.changes.sequence
    bench.close()
    copy = tmp_path / "copy.db"
    shutil.copy(bench.path, copy)
    bench.open()
    bench.ended(bench.start(PASS))
    lost = bench.store.changes.sequence
    bench.close()
    shutil.copy(copy, bench.path)
    bench.path.with_name("facility.db-open").unlink(missing_ok=True)
    bench.open()
    runs = {bench.start(PASS), bench.start(PASS)}
    for run_id in runs:
        bench.ended(run_id)
    assert bench.store.changes.sequence >> 16 > lost >> 16
    assert is_unknown(bench, lost)
    assert set(statuses(changes(bench, common))) == runs


def test_pages_are_bounded_and_lead_to_all(bench: Bench) -> None:
    flow = FlowTable(bench.store).create(
        {"title": "t", "definition": {"StartAt": "A", "States": {"A": action_state()}}}
    )
    begun = bench.store.changes.sequence
    with bench.store.transaction():
        # More than one row has, in one commit.
        wanted = {bench.engine.start_run(flow, {"body": {}}).id for _ in range(250)}
    found: list[str] = []
    more = True
    while more:
        page = changes(bench, begun, SUBJECTS_OF_A_ROW)
        assert 0 < len(page.runs) <= SUBJECTS_OF_A_ROW
        found += [run.run_id for run in page.runs]
        begun, more = page.sequence, page.more
    assert set(found) == wanted


def test_only_the_newest_changes_are_kept(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change_journal, "KEPT_CHANGES", 20)
    monkeypatch.setattr(change_journal, "_TRIM_EVERY", 5)
    begun = bench.store.changes.sequence
    flows = FlowTable(bench.store)
    definition = {"StartAt": "A", "States": PASS}
    numbers = []
    for _ in range(60):
        flows.create({"title": "t", "definition": definition})
        numbers.append(bench.store.changes.sequence)
    assert is_unknown(bench, begun)
    assert is_unknown(bench, numbers[20])
    assert len(changes(bench, numbers[-20]).flow_ids) == 19
    rows = bench.store.reader().execute("SELECT count(*) FROM changes").fetchone()[0]
    assert rows <= 26


def test_an_exported_store_begins_anew_above_all_numbers(bench: Bench, tmp_path: Path) -> None:
    bench.ended(bench.start(PASS))
    seen = bench.store.changes.sequence
    bench.close()
    copy = tmp_path / "exported" / "facility.db"
    copy.parent.mkdir()
    assert check_store(bench.path, copy).problems == []
    bench.path = copy
    bench.open()
    assert bench.store.changes.sequence > seen
    assert is_unknown(bench, seen)
    assert changes(bench, bench.store.changes.sequence).runs == []


def test_two_new_stores_have_no_number_in_common(tmp_path: Path) -> None:
    firsts = set()
    for name in "abcd":
        store = Store(tmp_path / name / "facility.db")
        firsts.add(store.changes.sequence)
        store.close()
    # Of 65,536 numbers each takes one by chance.
    assert len(firsts) > 1
    assert 0 not in firsts


def test_a_row_that_cannot_be_read_hides_no_other(bench: Bench) -> None:
    begun = bench.store.changes.sequence
    flows = FlowTable(bench.store)
    definition = {"StartAt": "A", "States": PASS}
    flows.create({"title": "t", "definition": definition})
    with bench.store.transaction() as db:
        db.execute("UPDATE changes SET subjects = '{oh' WHERE number > ?", (begun,))
    second = flows.create({"title": "t", "definition": definition})
    assert changes(bench, begun).flow_ids == [second.id]


STEPS = ("start", "end", "hold", "delete", "kill", "stop")


class Follower:
    """Knows of runs what it was told."""

    def __init__(self) -> None:
        self.sequence = 0
        self.known: dict[str, str] = {}

    def follow(self, bench: Bench) -> None:
        """Takes all that is new; reads everything where what it has seen is unknown."""
        db = bench.store.reader()
        while True:
            newest = bench.store.changes.sequence
            page = bench.store.changes.read(db, self.sequence, SUBJECTS_OF_A_ROW)
            if page is None:
                self.sequence = newest
                self.known = all_statuses(bench)
                return
            self.known |= statuses(page)
            for run_id in page.removed_run_ids:
                self.known.pop(run_id, None)
            self.sequence = page.sequence
            if not page.more:
                return


def all_statuses(bench: Bench) -> dict[str, str]:
    rows = bench.store.reader().execute("SELECT id, status FROM runs ORDER BY number")
    return {row["id"]: row["status"] for row in rows}


@examples(12)
@given(data=st.data())
def test_who_follows_knows_all_whatever_happens(data: st.DataObject) -> None:
    with TemporaryDirectory() as name:
        bench = Bench(Path(name) / "state" / "facility.db")
        followers = [Follower(), Follower()]
        flow = FlowTable(bench.store).create(
            {"title": "t", "definition": {"StartAt": "A", "States": {"A": action_state()}}}
        )
        try:
            for _ in range(data.draw(st.integers(1, 25))):
                ids = [*all_statuses(bench)]
                run_id = data.draw(st.sampled_from(ids)) if ids else ""
                match data.draw(
                    st.sampled_from(("start", "end", "hold", "delete", "kill", "stop"))
                ):
                    case "start":
                        bench.engine.start_run(flow, {"body": {}})
                    case "end" if run_id:
                        with suppress(StateConflict):
                            bench.engine.changes.cancel_run(run_id)
                    case "hold" if run_id:
                        bench.engine.changes.set_held([run_id], data.draw(st.booleans()))
                    case "delete" if run_id:
                        with suppress(StateConflict):
                            EndedRuns(bench.store, RunTable(bench.store)).delete(run_id)
                    case "kill":
                        kill(bench)
                    case "stop":
                        bench.close()
                        bench.open()
                if data.draw(st.booleans()):
                    followers[0].follow(bench)
                    assert followers[0].known == all_statuses(bench)
            for follower in followers:
                follower.follow(bench)
                assert follower.known == all_statuses(bench)
        finally:
            bench.close()
