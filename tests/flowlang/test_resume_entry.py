"""The entry to the middle of a flow, which hosted flows get: nothing else changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from headrace._internal.json_schema import value_problems
from headrace.flowlang import check_flow, parse_flow
from headrace.flowlang.resume_entry import (
    has_resume_entry,
    is_resume_state,
    resume_input,
    with_resume_entry,
    without_resume_entry,
    without_resume_member,
)
from headrace.flowlang.runs import (
    Event,
    EventKind,
    RunStepper,
    apply,
    read_run_from_log,
    run_log,
)
from tests.support.repository import REPOSITORY

FLOWS = sorted((REPOSITORY / "flows").glob("*/definition.json"))


def read(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    schema = path.with_name("input_schema.json")
    return json.loads(path.read_text()), json.loads(schema.read_text())


@pytest.mark.parametrize("path", FLOWS, ids=lambda path: path.parent.name)
def test_the_checker_finds_nothing_in_the_entry_of_a_shipped_flow(path: Path) -> None:
    definition, schema = read(path)
    resumable, admitting = with_resume_entry(definition, schema)
    assert has_resume_entry(resumable)
    parse_flow(resumable)
    assert check_flow(resumable, admitting) == check_flow(definition, schema) == []


@pytest.mark.parametrize("path", FLOWS, ids=lambda path: path.parent.name)
def test_it_can_be_taken_away_again(path: Path) -> None:
    definition, schema = read(path)
    resumable, admitting = with_resume_entry(definition, schema)
    assert without_resume_entry(resumable) == definition
    assert without_resume_member(admitting) == schema
    assert without_resume_entry(definition) == definition
    assert sum(is_resume_state(name) for name in resumable["States"]) == 4 + len(
        definition["States"]
    )


SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["word"],
    "properties": {"word": {"type": "string"}},
}
FLOW = {"StartAt": "Say", "States": {"Say": {"Type": "Pass", "End": True}}}


def test_the_schema_admits_where_a_run_goes_on_and_nothing_else() -> None:
    _, schema = with_resume_entry(FLOW, SCHEMA)
    body = {"word": "x"}
    assert not value_problems(schema, body)
    assert not value_problems(schema, resume_input(body, "Say", {"any": 1}))
    assert value_problems(schema, {**body, "_headrace_resume": {"state": "Say"}})
    assert value_problems(schema, {**body, "other": 1})
    assert value_problems(SCHEMA, resume_input(body, "Say", {}))


@pytest.mark.parametrize("member", [{}, {"payload": {}}])
def test_a_form_that_sends_the_member_empty_begins_at_the_start(member: dict[str, Any]) -> None:
    resumable, schema = with_resume_entry(FLOW, SCHEMA)
    body = {"word": "x", "_headrace_resume": member}
    assert not value_problems(schema, body)
    flow = parse_flow(resumable)
    event = Event(EventKind.STARTED, 1.0, {"input": body, "state": flow.start_at})
    stepper = RunStepper(flow, apply(None, event), {}, 1.0, lambda *_: pytest.fail("called"), 7)
    stepper.advance(wait_is_over=False)
    assert stepper.run_state.status == "SUCCEEDED"
    log = [entry.document() for entry in run_log(flow, [event, *stepper.events])]
    found = read_run_from_log(FLOW, parse_flow(FLOW), log)
    assert (found.body, list(found.entered)) == ({"word": "x"}, ["Say"])


def test_states_of_such_names_that_are_the_flows_own_stay() -> None:
    own = {"StartAt": "HeadraceResume", "States": {"HeadraceResume": {"Type": "Pass"}}}
    assert not has_resume_entry(own)
    assert without_resume_entry(own) == own
    assert not is_resume_state("HeadraceResumeReport")
    assert not has_resume_entry({"StartAt": "HeadraceResume"})


@pytest.mark.parametrize(
    ("definition", "schema"),
    [
        (FLOW, {"anyOf": [SCHEMA]}),
        (FLOW, {**SCHEMA, "propertyNames": {"maxLength": 4}}),
        (
            {"StartAt": "HeadraceResume", "States": {"HeadraceResume": {"Type": "Pass"}}},
            SCHEMA,
        ),
    ],
)
def test_a_flow_that_has_no_room_for_it_stays_as_it_is(
    definition: dict[str, Any], schema: dict[str, Any]
) -> None:
    assert with_resume_entry(definition, schema) == (definition, schema)
