"""Details of many runs, read together, are those of each run read alone."""

from __future__ import annotations

import itertools

import pytest

from headrace.facility.store.event_log import EventLog
from headrace.facility.store.run_record import Run
from headrace.facility.store.runs import RunTable
from tests.support.facility.scripted_engine import Bench, action_state

END = {"Type": "Pass", "End": True}
REFUSE = {"Type": "Fail", "Error": "Bad", "Cause": "a bad number"}


def long_way(states: int) -> dict[str, object]:
    names = [f"S{n}" for n in range(states)]
    way = {
        name: {"Type": "Pass", "Next": following} for name, following in itertools.pairwise(names)
    }
    return {**way, names[-1]: END}


@pytest.fixture
def runs(bench: Bench) -> list[Run]:
    """Runs that have ended, failed, go on, and have a long way behind them."""
    succeeded = bench.start({"A": END}, {"word": "é"})
    failed = bench.start({"A": REFUSE})
    long = bench.start(long_way(40))
    for run_id in (succeeded, failed, long):
        bench.ended(run_id)
    waiting = bench.start({"Wait": action_state(ResultPath="$.r")})
    bench.action()
    return [bench.run(run_id) for run_id in (succeeded, failed, long, waiting)]


def details_of_each(bench: Bench, runs: list[Run]) -> list[dict[str, object]]:
    table = RunTable(bench.store)
    return [table.details(run) for run in runs]


def test_they_are_those_of_each_alone(bench: Bench, runs: list[Run]) -> None:
    table = RunTable(bench.store)
    alone = details_of_each(bench, runs)
    for wanted in (runs, runs[::-1], runs[1:2], []):
        found = table.details_of_list(wanted)
        expected = [alone[runs.index(run)] for run in wanted]
        given = [details or table.details(run) for details, run in zip(found, wanted, strict=True)]
        assert given == expected
    assert None not in table.details_of_list(runs)


def test_they_are_not_read_again(
    bench: Bench, runs: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    table = RunTable(bench.store)
    first = [
        details or table.details(run)
        for details, run in zip(table.details_of_list(runs), runs, strict=True)
    ]
    monkeypatch.delattr(EventLog, "last_event")
    assert table.details_of_list(runs) == first


def test_they_follow_each_event(bench: Bench, runs: list[Run]) -> None:
    table, waiting = RunTable(bench.store), runs[-1]
    before = table.details_of_list(runs)
    bench.engine.finish_action(bench.action().id, "SUCCEEDED", {"n": 1})
    bench.ended(waiting.id)
    after = table.details_of_list(runs)
    assert after[:-1] == before[:-1]
    assert after[-1] is not None
    assert after[-1]["code"] == "FlowSucceeded"


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE events SET kind = 'odd' WHERE run = ? AND sequence = 2",
        "UPDATE events SET data = '{\"state\": ' WHERE run = ?",
        "UPDATE events SET data = CAST(x'ff00' AS TEXT) WHERE run = ?",
        "DELETE FROM events WHERE run = ? AND sequence = 1",
        "DELETE FROM events WHERE run = ?",
        "UPDATE definitions SET definition = '{' WHERE sha256 ="
        " (SELECT definition FROM runs WHERE number = ?)",
    ],
)
def test_a_record_that_cannot_be_read_spoils_no_other(
    bench: Bench, runs: list[Run], damage: str
) -> None:
    alone = details_of_each(bench, runs)
    with bench.store.transaction() as db:
        db.execute(damage, (runs[1].number,))
    table = RunTable(bench.store)
    found = table.details_of_list(runs)
    assert found[1] is None, "it says itself why it cannot be read"
    for n in (0, 2, 3):
        assert (found[n] or table.details(runs[n])) == alone[n]
    assert table.details(runs[1])["code"] != alone[1]["code"]
