"""A run that cannot be advanced is set aside with its reason, and all others go on."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from headrace.facility.errors import NotFound, StateConflict
from headrace.facility.store.ended_runs import EndedRuns
from headrace.facility.store.runs import RunTable
from tests.support.facility.scripted_engine import Bench, action_state
from tests.support.waiting import wait_until

PASS = {"A": {"Type": "Pass", "End": True}}
Spoil = Callable[[sqlite3.Connection, int], None]


def kind_of_a_later_release(db: sqlite3.Connection, number: int) -> None:
    db.execute("UPDATE events SET kind = 'teleported' WHERE run = ? AND sequence = 2", (number,))


def text_that_is_no_json(db: sqlite3.Connection, number: int) -> None:
    db.execute("UPDATE events SET data = '{\"state\": ' WHERE run = ?", (number,))


def json_that_is_no_event(db: sqlite3.Connection, number: int) -> None:
    db.execute("UPDATE events SET data = '[1]' WHERE run = ? AND sequence = 2", (number,))


def member_missing(db: sqlite3.Connection, number: int) -> None:
    db.execute("UPDATE events SET data = '{}' WHERE run = ? AND sequence = 2", (number,))


def bytes_that_are_no_text(db: sqlite3.Connection, number: int) -> None:
    db.execute("UPDATE events SET data = CAST(x'ff00' AS TEXT) WHERE run = ?", (number,))


def gap(db: sqlite3.Connection, number: int) -> None:
    db.execute("DELETE FROM events WHERE run = ? AND sequence = 1", (number,))


def no_events(db: sqlite3.Connection, number: int) -> None:
    db.execute("DELETE FROM events WHERE run = ?", (number,))


def definition_that_no_longer_parses(db: sqlite3.Connection, number: int) -> None:
    _change_definition(db, number, json.dumps({"StartAt": "A", "States": {"A": {"Type": "Old"}}}))


def definition_cut_short(db: sqlite3.Connection, number: int) -> None:
    _change_definition(db, number, '{"StartAt": "A"')


def definition_gone(db: sqlite3.Connection, number: int) -> None:
    db.execute("PRAGMA foreign_keys = OFF")
    db.execute(
        "DELETE FROM definitions WHERE sha256 = (SELECT definition FROM runs WHERE number = ?)",
        (number,),
    )


def metadata_damaged(db: sqlite3.Connection, number: int) -> None:
    definition_cut_short(db, number)
    db.execute("UPDATE runs SET metadata = 'x' WHERE number = ?", (number,))


def _change_definition(db: sqlite3.Connection, number: int, text: str) -> None:
    db.execute(
        "UPDATE definitions SET definition = ?"
        " WHERE sha256 = (SELECT definition FROM runs WHERE number = ?)",
        (text, number),
    )


SPOILERS: dict[Spoil, str] = {
    kind_of_a_later_release: "upgrade headrace",
    text_that_is_no_json: "its event 1 is damaged",
    json_that_is_no_event: "its event 2 is damaged",
    member_missing: "its event 2 does not follow",
    bytes_that_are_no_text: "its event 1 cannot be read",
    gap: "its event 1 is missing",
    no_events: "it has no events",
    definition_that_no_longer_parses: "not accepted by this headrace",
    definition_cut_short: "its stored definition is damaged",
    definition_gone: "its definition is not in the store",
    metadata_damaged: "its stored definition is damaged",
}


@pytest.fixture(params=list(SPOILERS), ids=lambda spoil: spoil.__name__)
def spoil(request: pytest.FixtureRequest) -> Spoil:
    chosen: Spoil = request.param
    return chosen


def spoiled(bench: Bench, run_id: str, spoil: Spoil) -> None:
    """Changes what is stored of a run while no facility runs."""
    number = bench.run(run_id).number
    bench.close()
    with closing(sqlite3.connect(bench.path)) as db:
        spoil(db, number)
        db.commit()
    bench.open()


def test_it_is_parked_with_its_reason_and_all_others_go_on(bench: Bench, spoil: Spoil) -> None:
    bad = bench.start({"Ask": action_state(ResultPath="$.r")})
    other = bench.start({"Rest": {"Type": "Wait", "Seconds": 1, "Next": "A"}, **PASS})
    bench.action()
    spoiled(bench, bad, spoil)
    assert SPOILERS[spoil] in bench.parked(bad)["description"]
    assert bench.ended(other).status == "SUCCEEDED"
    assert bench.ended(bench.start(PASS)).status == "SUCCEEDED"
    runs = RunTable(bench.store)
    assert runs.log_page(bad, 100).entries[-1].code == "LogUnreadable"
    assert runs.log_page(bad, 100, newest_first=True).entries[0].code == "LogUnreadable"
    assert bench.store.health.problems == []


def test_it_can_be_cancelled_and_deleted(bench: Bench, spoil: Spoil) -> None:
    bad = bench.start({"Ask": action_state(ResultPath="$.r")})
    bench.action()
    spoiled(bench, bad, spoil)
    bench.parked(bad)
    with pytest.raises(StateConflict):
        EndedRuns(bench.store, RunTable(bench.store)).delete(bad)
    bench.engine.changes.cancel_run(bad)
    assert bench.run(bad).status == "FAILED"
    assert bench.details(bad)["code"] == "FlowCanceled"
    wait_until(lambda: len(bench.provider.cancelled) == 1, "the end of its action")
    EndedRuns(bench.store, RunTable(bench.store)).delete(bad)
    with pytest.raises(NotFound):
        bench.run(bad)


@pytest.mark.parametrize("again", ["resume", "restart"])
def test_it_is_taken_up_again_where_it_was(bench: Bench, tmp_path: Path, again: str) -> None:
    bad = bench.start({"Ask": action_state(ResultPath="$.r")})
    action = bench.action()
    spoiled(bench, bad, definition_cut_short)
    bench.parked(bad)
    # What the provider tells meanwhile is kept.
    bench.engine.finish_action(action.id, "SUCCEEDED", {"answer": 42})
    assert bench.run(bad).status == "INACTIVE"
    whole = json.dumps({"StartAt": "Ask", "States": {"Ask": action_state(ResultPath="$.r")}})
    number = bench.run(bad).number
    if again == "restart":
        spoiled(bench, bad, lambda db, number: _change_definition(db, number, whole))
    else:
        with bench.store.transaction() as db:
            _change_definition(db, number, whole)
        bench.engine.changes.resume_run(bad)
    assert bench.payload(bad)["r"]["details"] == {"answer": 42}
    assert bench.run(bad).status == "SUCCEEDED"


def test_a_retry_of_what_cannot_be_read_is_a_conflict(bench: Bench) -> None:
    from headrace.facility.engine.run_retry import Retry

    bad = bench.start({"Ask": action_state()})
    bench.action()
    bench.engine.changes.cancel_run(bad)
    spoiled(bench, bad, kind_of_a_later_release)
    with pytest.raises(StateConflict, match="upgrade headrace"):
        bench.engine.changes.retry_run(bad, Retry())


def test_a_damaged_snapshot_costs_only_time(bench: Bench) -> None:
    rest = {"Rest": {"Type": "Wait", "Seconds": 0, "Next": "Ask"}, "Ask": action_state()}
    steps: dict[str, Any] = {
        f"S{n}": {"Type": "Pass", "Next": f"S{n + 1}" if n < 70 else "Rest"} for n in range(71)
    }
    run_id = bench.start({**steps, **rest})
    bench.action()
    spoiled(bench, run_id, lambda db, _: db.execute("UPDATE snapshots SET position = '{'") and None)
    bench.engine.finish_action(bench.action(1).id, "SUCCEEDED", {})
    assert bench.ended(run_id).status == "SUCCEEDED"


def test_an_action_that_cannot_be_read_parks_its_run(bench: Bench) -> None:
    bad = bench.start({"Ask": action_state()})
    other = bench.start({"Ask": action_state()})
    bench.action(1)

    def cut(db: sqlite3.Connection, number: int) -> None:
        db.execute(
            "UPDATE actions SET body = '{' WHERE run_id = (SELECT id FROM runs WHERE number = ?)",
            (number,),
        )

    spoiled(bench, bad, cut)
    assert "its action" in bench.parked(bad)["description"]
    wait_until(lambda: len(bench.provider.begun) == 3, "the other's action")
    bench.engine.finish_action(bench.action(2).id, "SUCCEEDED", {})
    assert bench.ended(other).status == "SUCCEEDED"


def test_memory_that_was_short_is_tried_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from headrace.facility.engine import run_parking
    from headrace.flowlang.runs import run_state

    monkeypatch.setattr(run_parking, "_MIN_PAUSE", 0.5)
    true_enter = run_state.enter
    left = 3

    def short(flow: Any, name: str, *rest: Any) -> Any:
        nonlocal left
        if name == "Big" and left > 0:
            left -= 1
            raise MemoryError
        return true_enter(flow, name, *rest)

    monkeypatch.setattr(run_state, "enter", short)
    run_id = bench.start({"Big": {"Type": "Pass", "End": True}})
    assert "more memory" in bench.parked(run_id)["description"]
    assert bench.ended(run_id).status == "SUCCEEDED"
