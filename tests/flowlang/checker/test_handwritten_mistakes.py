"""Mistakes as people make them are found, and what looks like them and is none gives nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from headrace.flowlang import check_flow
from headrace.project.flow_check import check_file
from tests.support.flowlang.handwritten_mistakes.edits import mistaken
from tests.support.flowlang.handwritten_mistakes.kinds import KINDS
from tests.support.flowlang.sound_flows import (
    TRANSFER,
    act,
    closed,
    copy,
    evaluate,
    flow,
    rule,
    sound_flows,
)
from tests.support.repository import REPOSITORY

FLOWS = sound_flows(REPOSITORY)
CASES = [(kind, name) for kind, mistakes in KINDS.items() for name in mistakes]
TEXT = {"type": "string"}
PLACE = closed({"id": TEXT, "path": TEXT})
END = {"Type": "Pass", "End": True}


@pytest.mark.parametrize(("kind", "name"), CASES, ids=[f"{k}: {n}" for k, n in CASES])
def test_a_mistake_is_found(kind: str, name: str, tmp_path: Path) -> None:
    definition, schema = mistaken(FLOWS, KINDS[kind][name])
    (tmp_path / "definition.json").write_text(json.dumps(definition))
    (tmp_path / "input_schema.json").write_text(json.dumps(schema))
    findings = check_file(tmp_path / "definition.json")
    assert [found for found in findings if found.severity in {"error", "warning"}]


def checked(schema: Any, **states: Any) -> list[tuple[str, str]]:
    """The findings on a flow that begins with state A."""
    return [(f.severity, f.code) for f in check_flow(flow("A", **states), schema)]


def reading(path: str) -> Any:
    return {"Type": "Pass", "Parameters": {"x.$": path}, "ResultPath": "$.read", "End": True}


def looking(then: Any, **more: Any) -> dict[str, Any]:
    """States that look at the source, read what is there, and do something."""
    look = act(f"{TRANSFER}stat", {"endpoint_id.$": "$.source.id", "path.$": "$.source.path"},
               "$.found", "B")  # fmt: skip
    kind = evaluate({"is_dir.=": "found.details.type == 'dir'"}, "$.kind", "C")
    return {"A": look, "B": kind, "C": then, **more}


LISTING = {"endpoint_id.$": "$.source.id", "path.$": "$.source.path"}
ONE_PLACE = closed({"source": PLACE})
TWO_PLACES = closed({"source": PLACE, "destination": PLACE})


def test_a_provider_that_says_that_there_is_more_is_not_told_of() -> None:
    info = act(f"{TRANSFER}collection_info", {"endpoint_id.$": "$.source.id"}, "$.i", "B")
    schema = closed({"source": closed({"id": TEXT})})
    assert checked(schema, A=info, B=reading("$.i.details.keywords")) == []


def test_a_member_that_is_tested_first_need_not_be_documented() -> None:
    listing = act(f"{TRANSFER}ls", LISTING, "$.l", "B")
    test = {"Type": "Choice", "Default": "C",
            "Choices": [rule("$.l.details.more", "IsPresent", True, "D")]}  # fmt: skip
    assert checked(ONE_PLACE, A=listing, B=test, C=END, D=reading("$.l.details.more")) == []


def test_what_a_state_writes_into_an_answer_is_there() -> None:
    listing = act(f"{TRANSFER}ls", LISTING, "$.l", "B")
    more = evaluate({"n.=": "len(l.details.DATA)"}, "$.l.details.mine", "C")
    assert checked(ONE_PLACE, A=listing, B=more, C=reading("$.l.details.mine.n")) == []


def test_stat_of_what_a_transfer_takes_anyway_is_advice() -> None:
    copying = copy("source", "destination", "$.copied", None)
    assert checked(TWO_PLACES, **looking(copying)) == [("advice", "path-may-be-missing")]
    assert ("warning", "path-may-be-missing") in checked(ONE_PLACE, **looking(END))


def test_stat_of_a_destination_is_no_care_for_nothing() -> None:
    copying = copy("destination", "source", "$.copied", None)
    found = checked(TWO_PLACES, **looking(copying))
    assert found == [("warning", "path-may-be-missing")]


def test_a_form_of_a_transfer_gives_all_of_it() -> None:
    ends = {name: {"type": "string"} for name in ("source_endpoint", "destination_endpoint")}
    items = {"type": "array", "minItems": 1, "items": {"type": "object"}}
    asked = {"type": "object", "required": ["source_endpoint", "DATA"],
             "properties": {"source_endpoint": ends["source_endpoint"], "DATA": items}}  # fmt: skip
    sending = {"Type": "Action", "ActionUrl": f"{TRANSFER}transfer", "WaitTime": 86400,
               "InputPath": "$.form", "ResultPath": "$.sent", "End": True}  # fmt: skip
    form = {**asked, "format": "globus-transfer-transfer#0.10"}
    missing = ("warning", "missing-parameter")
    assert missing in checked(closed({"form": asked}), A=sending)
    assert checked(closed({"form": form}), A=sending) == []


SOUND_SCHEMAS: dict[str, Any] = {
    "bounds that touch": {"type": "integer", "minimum": 1, "maximum": 1},
    "a default that fits": {"type": "integer", "minimum": 1, "default": 1},
    "a default that is left empty": {"type": "string", "format": "uuid", "default": ""},
    "an enum of which one fits": {"enum": ["a", 1], "type": "string"},
    "alternatives that differ": {"oneOf": [{"type": "string"}, {"type": "null"}]},
    "a reference": {"$ref": "#/definitions/name"},
    "annotations of others": {"type": "string", "x-order": 3, "placeholder": "a name"},
    "a format of the web app": {"type": "string", "format": "globus-collection"},
    "a format of one's own": {"type": "string", "format": "beamline"},
    "keywords of each type": {"type": ["string", "array"], "minLength": 1, "minItems": 1},
    "examples that fit": {"type": "string", "examples": ["scan 1", "scan 2"]},
    "a property called min": {"type": "object", "required": ["min"],
                              "properties": {"min": {"type": "number"}}},
}  # fmt: skip


@pytest.mark.parametrize("name", SOUND_SCHEMAS)
def test_a_sound_schema_gives_nothing(name: str) -> None:
    schema = {**closed({"value": SOUND_SCHEMAS[name]}), "definitions": {"name": TEXT}}
    assert checked(schema, A=reading("$.value")) == []


def test_what_no_input_can_satisfy_is_an_error_and_what_it_need_not_have_a_warning() -> None:
    none = {"type": "integer", "minimum": 2, "maximum": 1}
    assert ("error", "unsatisfiable-schema") in checked(closed({"v": none}), A=reading("$.v"))
    found = checked(closed({"v": TEXT}, {"w": none}), A=reading("$.v"))
    assert ("warning", "unsatisfiable-schema") in found
    assert ("error", "unsatisfiable-schema") not in found


@pytest.mark.parametrize(
    "untyped",
    [
        {"required": ["x"], "properties": {"y": {}}, "additionalProperties": False},
        {"required": ["x"], "properties": {"x": {"type": "integer", "minimum": 2, "maximum": 1}}},
        {"minProperties": 3, "maxProperties": 1},
    ],
)
def test_what_no_object_can_satisfy_is_a_warning_where_others_may(untyped: Any) -> None:
    reading_it = {"A": reading("$.v")}
    assert ("warning", "unsatisfiable-schema") in checked(closed({"v": untyped}), **reading_it)
    assert ("error", "unsatisfiable-schema") not in checked(closed({"v": untyped}), **reading_it)
    for typed in ({**untyped, "type": "object"}, {"type": "object", "allOf": [untyped]}):
        assert ("error", "unsatisfiable-schema") in checked(closed({"v": typed}), **reading_it)
    # An input is an object, whether the schema says so or not.
    whole = {"allOf": [untyped], "properties": {"v": {}}}
    assert ("error", "unsatisfiable-schema") in checked(whole, **reading_it)


def test_bounds_that_leave_something_are_no_contradiction() -> None:
    within = {"And": [rule("$.v", "NumericGreaterThan", 3), rule("$.v", "NumericLessThan", 5)],
              "Next": "B"}  # fmt: skip
    choice = {"Type": "Choice", "Choices": [within], "Default": "C"}
    schema = closed({"v": {"type": "number"}})
    assert checked(schema, A=choice, B=END, C=END) == []


@pytest.mark.parametrize(
    "text",
    ["f'{v} failed'", "'{other}' + v", "'{} ' + v", "'{\"v\": 1} ' + v"],
)
def test_braces_that_are_filled_or_name_nothing_are_not_told(text: str) -> None:
    states = {"A": evaluate({"x.=": text}, "$.x", None)}
    assert checked(closed({"v": TEXT}), **states) == []


@pytest.mark.parametrize("text", ["v[0]", "[v][0]", "[v][-1]", "v[-1]", "1 / n", "n % 2"])
def test_items_and_divisions_that_may_be_are_not_told(text: str) -> None:
    schema = closed({"v": TEXT, "n": {"type": "integer"}})
    found = checked(schema, A=evaluate({"x.=": text}, "$.x", None))
    assert [one for one in found if one[1] != "input-not-read"] == []


@pytest.mark.parametrize("error", ["Pipeline.Refused", "NoBeam"])
def test_names_of_failures_that_may_be_somebodys_own_are_not_told(error: str) -> None:
    copying = copy("source", "destination", "$.copied", None,
                   Catch=[{"ErrorEquals": [error], "ResultPath": "$.f", "Next": "B"}])  # fmt: skip
    assert checked(TWO_PLACES, A=copying, B=END) == []
