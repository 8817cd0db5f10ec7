"""Records that an earlier release took in, which would be refused now, are served and searched."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import globus_sdk
import pytest

from headrace.facility import check_store, facility_status, stop_facility
from headrace.facility.settings import state_directory
from tests.support.facility.live_facility import LiveFacility
from tests.support.repository import EARLIER_STORES

PASS = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}


@pytest.fixture
def old(start: Callable[[], LiveFacility], tmp_path: Path) -> LiveFacility:
    state = state_directory(tmp_path / "project")
    state.mkdir(mode=0o700, exist_ok=True)
    script = EARLIER_STORES / "version_7.sql"
    database = sqlite3.connect(state / "facility.db")
    database.executescript(script.read_text())
    database.close()
    return start()


def by_label(facility: LiveFacility) -> dict[str, dict[str, Any]]:
    runs = facility.services.flows.list_runs(query_params={"per_page": 100})["runs"]
    return {run["label"]: run for run in runs}


def test_one_bad_record_does_not_hide_the_others(old: LiveFacility) -> None:
    runs = by_label(old)
    assert set(runs) == {"sound", "bad input", "odd tags", "under way"}
    json.dumps(runs, allow_nan=False).encode()


def test_text_that_is_not_unicode_and_numbers_that_are_not_finite_are_written_out(
    old: LiveFacility,
) -> None:
    run_id = by_label(old)["bad input"]["run_id"]
    flows = old.services.flows
    output = flows.get_run(run_id)["details"]["output"]
    assert output["who"] == r"report\udcff.txt"
    assert (output["ratio"], output["most"]) == ("NaN", "Infinity")
    entries = flows.get_run_logs(run_id)["entries"]
    assert entries[0]["details"]["input"]["who"] == r"report\udcff.txt"


def test_every_run_of_an_old_store_is_shown_with_its_log_and_definition(old: LiveFacility) -> None:
    flows = old.services.flows
    for run in by_label(old).values():
        assert flows.get_run(run["run_id"])["status"] == run["status"]
        assert flows.get_run_logs(run["run_id"])["entries"][0]["code"] == "FlowStarted"
        assert flows.get_run_definition(run["run_id"])["definition"]["StartAt"] == "A"


def test_old_runs_are_found_by_their_tags(old: LiveFacility) -> None:
    def found(tag: str) -> list[str]:
        answer = old.services.flows.list_runs(query_params={"filter_tag": tag})
        return [run["label"] for run in answer["runs"]]

    assert found("shift-7") == ["sound"]
    assert found("kept") == ["odd tags"]
    assert found("shift-9") == ["under way"]


def test_a_run_whose_definition_is_refused_now_goes_on(old: LiveFacility) -> None:
    run_id = by_label(old)["under way"]["run_id"]
    assert old.services.flows.cancel_run(run_id)["status"] in {"ACTIVE", "FAILED"}
    assert old.wait(run_id)["details"]["code"] == "FlowCanceled"


def test_what_is_odd_can_be_put_right(old: LiveFacility) -> None:
    flows = old.services.flows
    run_id = by_label(old)["odd tags"]["run_id"]
    changed = flows.update_run(run_id, tags=["shift-8"], run_managers=[])
    assert (changed["tags"], changed["run_managers"]) == (["shift-8"], [])
    [run] = flows.list_runs(query_params={"filter_tag": "shift-8"})["runs"]
    assert run["run_id"] == run_id


def test_a_damaged_record_hides_neither_other_flows_nor_other_runs(facility: Any) -> None:
    sound, spoilt = facility.deploy(PASS), facility.deploy(PASS)
    run, other = (facility.start(sound, {}, label=name) for name in ("one", "two"))
    for one in (run, other):
        facility.wait(one)
    with closing(sqlite3.connect(facility.root / ".headrace" / "facility.db", timeout=60)) as db:
        db.execute("UPDATE flows SET definition = '{\"StartAt' WHERE id = ?", (spoilt,))
        db.execute("UPDATE runs SET label = x'6fff' WHERE id = ?", (run,))
        db.commit()
    flows = facility.services.flows
    listed = {flow["id"] for flow in flows.list_flows()}
    assert sound in listed
    assert spoilt not in listed
    assert {entry["run_id"]: entry["label"] for entry in flows.list_runs()} == {
        run: "o\\xff",
        other: "two",
    }
    with pytest.raises(globus_sdk.FlowsAPIError, match="cannot be read") as caught:
        flows.get_flow(spoilt)
    assert caught.value.http_status == 409
    flows.delete_flow(spoilt)
    with pytest.raises(globus_sdk.FlowsAPIError) as caught:
        flows.get_flow(spoilt)
    assert caught.value.http_status == 404


def test_damaged_flows_are_named_by_status_and_check(
    start: Callable[[], LiveFacility],
) -> None:
    facility = start()
    kept, spoilt = facility.deploy(PASS), facility.deploy(PASS)
    store = facility.root / ".headrace" / "facility.db"
    with closing(sqlite3.connect(store, timeout=60)) as db:
        db.execute("UPDATE flows SET metadata = '[1]' WHERE id = ?", (spoilt,))
        db.commit()
    (problem,) = check_store(store).problems
    assert spoilt in problem
    assert "delete the flow and deploy it again" in problem
    stop_facility(facility.root)
    facility = start()
    status = facility_status(facility.root)
    assert status is not None
    assert not status["well"]
    (told,) = status["problems"]
    assert told.startswith(f"flows: flow {spoilt} (")
    assert kept not in told
    facility.services.flows.delete_flow(spoilt)
    stop_facility(facility.root)
    facility = start()
    status = facility_status(facility.root)
    assert status is not None
    assert status["well"]
