"""Questions asked before options had ids of their own can be answered, and their runs go on."""

from __future__ import annotations

import sqlite3
from typing import Any

import globus_sdk
import pytest

from headrace.facility import stop_facility
from tests.support.repository import EARLIER_STORES
from tests.support.waiting import wait_until

STORE = EARLIER_STORES / "version_6.sql"


@pytest.fixture
def old(start: Any) -> Any:
    """A facility on a store of version 6."""
    facility = start()
    stop_facility(facility.root)
    state = facility.root / ".headrace"
    for path in state.glob("facility.db*"):
        path.unlink()
    database = sqlite3.connect(state / "facility.db")
    database.executescript(STORE.read_text())
    database.close()
    return start()


def test_an_open_question_of_the_form_before_is_answered_and_its_run_goes_on(old: Any) -> None:
    flows = old.services.flows
    [found] = flows.list_web_inputs()["web_input_summaries"]
    assert found["run"]["label"] == "open"
    shown = flows.get_web_input(found["id"])
    assert [option["label"] for option in shown["options"]] == ["Go on", "Stop"]
    ids = [option["option_id"] for option in shown["options"]]
    assert [choice["const"] for choice in shown["input_schema"]["oneOf"]] == ids
    with pytest.raises(globus_sdk.FlowsAPIError, match="no option_id"):
        flows.respond_to_web_input(found["id"], "go")
    run_id = found["run"]["id"]
    waiting = wait_until(lambda: flows.get_run(run_id)["blocking_web_input_id"], "the wait")
    assert waiting == found["id"]
    flows.respond_to_web_input(found["id"], ids[0])
    answer = old.wait(run_id)["details"]["output"]["answer"]
    assert answer["response"] == {"value": "go"}
    assert answer["status"] == "closed"


def test_an_answered_question_keeps_its_answer(old: Any) -> None:
    flows = old.services.flows
    [found] = flows.list_web_inputs(filter_states="closed")["web_input_summaries"]
    assert found["run"]["label"] == "answered"
    assert flows.get_run(found["run"]["id"])["details"]["details"]["exception"] == "Stopped"
    shown = flows.get_web_input(found["id"])
    assert "response" not in shown.data
