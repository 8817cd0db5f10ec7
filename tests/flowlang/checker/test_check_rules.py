"""The checker: parameters, forgotten suffixes, near names, mixed ends, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.flowlang.check_builders import (
    COMPUTE,
    LS,
    STAT,
    TRANSFER,
    choice,
    codes,
    found,
    reading,
    schema,
)
from tests.support.flowlang.flow_builders import END, action, flow
from tests.support.ids import an_id

UNKNOWN, MISSING, INVALID = "unknown-parameter", "missing-parameter", "invalid-parameter"
HELLO = "https://actions.globus.org/hello_world"
ID = {"type": "string", "format": "uuid"}
PLACE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["id", "path"],
    "properties": {"id": ID, "path": {"type": "string"}},
}
PLACES = schema(["label"], ["maybe"], source=PLACE, destination=PLACE, size={"type": "number"})


def asked(url: str, **parameters: Any) -> list[tuple[str, str]]:
    """What is found where a provider is asked this."""
    call = action(ActionUrl=url, Parameters=parameters, WaitTime=9000)
    return codes(found(flow(A=call), PLACES))


def copied(**more: Any) -> dict[str, Any]:
    """Parameters of a sound transfer, some changed; None leaves one out."""
    parameters = {
        "source_endpoint.$": "$.source.id",
        "destination_endpoint.$": "$.destination.id",
        "DATA": [{"source_path.$": "$.source.path", "destination_path.$": "$.destination.path"}],
        "label.$": "$.label",
        **more,
    }
    return {name: value for name, value in parameters.items() if value is not None}


def question(**more: Any) -> list[tuple[str, str]]:
    """What is found where people are asked this."""
    asks = {
        "InputType": "Selection",
        "Context": {"Title": "Go on?"},
        "Options": [{"Value": "yes", "Label": "Yes"}],
        **more,
    }
    return codes(found(flow(A={"Type": "CreateWebInput", "Parameters": asks, "End": True})))


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, []),
        ({"RespondentUrns": [f"urn:globus:groups:id:{an_id('group')}"]}, []),
        ({"RespondentUrns": ["ada@example.org"]}, [("error", INVALID)]),
        ({"Context": {"Title": "t", "Rows": []}}, [("error", UNKNOWN)]),
        ({"Context": {"Title": "t", "PresentationStyle": "Table"}}, [("error", MISSING)]),
    ],
)
def test_what_people_are_asked(more: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert question(**more) == expected


def test_a_sound_transfer() -> None:
    assert asked(TRANSFER, **copied()) == []


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"DATA": None}, [("error", MISSING)]),
        ({"DATA": []}, [("error", INVALID)]),
        ({"DATA": {"source_path": "/a", "destination_path": "/b"}}, [("error", INVALID)]),
        ({"DATA": [{"source_path": "/a"}]}, [("error", MISSING)]),
        ({"DATA": [{"source_path": "/a", "destination_path": 7}]}, [("error", INVALID)]),
        ({"DATA.=": "[{'source_path': p, 'to': p} for p in ['/a']]", "DATA": None},
         [("error", MISSING), ("warning", UNKNOWN)]),
        ({"DATA.$": "$.label", "DATA": None}, [("error", INVALID)]),
        ({"sync_level": 9}, [("error", INVALID)]),
        ({"sync_level.$": "$.size"}, []),
        ({"sync_level.$": "$.source"}, [("error", INVALID)]),
        ({"sync_levl": 3}, [("warning", UNKNOWN)]),
        ({"verify_checksum": "yes"}, [("error", INVALID)]),
        ({"label.=": "'copy of ' + label", "label.$": None}, []),
        ({"label.$": "$.size"}, [("error", INVALID)]),
        ({"source_endpoint": "/data/in", "source_endpoint.$": None}, [("warning", INVALID)]),
        ({"DATA": [{"source_path.$": "$.source.id", "destination_path.$": "$.destination.path"}]},
         [("warning", INVALID)]),
        ({"source_endpoint_id.$": "$.source.id", "source_endpoint.$": None},
         [("error", MISSING), ("warning", UNKNOWN)]),
        ({"filter_rules": [{"method": "exlude", "name": "*.tmp"}]}, [("error", INVALID)]),
    ],
)  # fmt: skip
def test_a_transfers_parameters(more: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert sorted(asked(TRANSFER, **copied(**more))) == sorted(expected)


@pytest.mark.parametrize(
    ("url", "parameters", "expected"),
    [
        (COMPUTE, {"endpoint_id": "e", "tasks": [{"function_id": "f", "kwargs": {"n": 1}}]}, []),
        (COMPUTE, {"endpoint_id": "e", "tasks": {"function_id": "f"}}, [("error", INVALID)]),
        (COMPUTE, {"endpoint_id": "e", "tasks": [{"function_id": "f", "kwarg": {}}]},
         [("error", UNKNOWN)]),
        (COMPUTE, {"endpoint_id": "e", "tasks": [{"function_id": "f", "args": {}}]},
         [("error", INVALID)]),
        (COMPUTE, {"endpoint": "e", "tasks": [{"function_id": "f"}]},
         [("error", MISSING), ("error", UNKNOWN)]),
        (HELLO, {"echo_string.$": "$.size"}, [("error", INVALID)]),
        (HELLO, {"echo_strin": "x"}, [("error", UNKNOWN)]),
        (STAT, {"endpoint_id.$": "$.source.id"}, [("error", MISSING)]),
        (LS, {"endpoint.$": "$.source.id"}, [("error", MISSING), ("warning", UNKNOWN)]),
        ("https://transfer.actions.globus.org/manage_permission",
         {"operation": "CREATE", "endpoint_id": "c", "path": "/", "principal_type": "group"},
         [("error", MISSING)]),
        ("https://example.org/provider", {"anything": 1}, []),
    ],
)  # fmt: skip
def test_other_providers_parameters(
    url: str, parameters: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert sorted(asked(url, **parameters)) == sorted(expected)


def test_a_body_that_is_taken_from_the_payload() -> None:
    call = action(ActionUrl=TRANSFER, InputPath="$.job", Parameters=None, WaitTime=9000)
    job: dict[str, Any] = {
        "type": "object",
        "required": ["source_endpoint", "destination_endpoint"],
        "properties": {
            name: {"type": "string"} for name in ("source_endpoint", "destination_endpoint")
        },
    }
    assert codes(found(flow(A=call), schema([], job=job))) == [("warning", MISSING)]
    job["additionalProperties"] = False
    assert codes(found(flow(A=call), schema([], job=job))) == [("error", MISSING)]
    assert found(flow(A=call), schema([], job={"type": "object"})) == []


@pytest.mark.parametrize(
    ("parameters", "warned"),
    [
        ({"who": "$.label"}, True),
        ({"inner": [{"who": "$['label']"}]}, True),
        ({"text": "run of $.label"}, True),
        ({"text": "source.path + 'raw/'"}, True),
        ({"text": "source.path"}, True),
        ({"text": "[p for p in source.path]"}, True),
        ({"text": "label"}, False),
        ({"text": "config.toml"}, False),
        ({"text": "source/path"}, False),
        ({"text": "costs $.50"}, False),
        ({"text": "Source. Path + more"}, False),
        ({"text": "$HOME"}, False),
    ],
)
def test_a_suffix_that_was_forgotten(parameters: dict[str, Any], warned: bool) -> None:
    findings = codes(found(flow(A=action(Parameters=parameters)), PLACES))
    assert findings == ([("warning", "suffix-forgotten")] if warned else [])


def test_texts_that_are_no_parameters() -> None:
    said = ("warning", "suffix-forgotten")
    fail = {"Type": "Fail", "Error": "Bad", "Cause": "$.label"}
    assert codes(found(flow(A=fail), PLACES)) == [said]
    ask = choice([{"Variable": "$.label", "StringEquals": "$.maybe", "Next": "B"}], "B")
    assert codes(found(flow(A=ask, B=END), PLACES)) == [said]
    constant = {"Type": "Pass", "Result": {"x": "$.label"}, "ResultPath": "$.r", "End": True}
    assert codes(found(flow(A=constant), PLACES)) == [said]
    constant["Result"] = {"x.$": "$.label"}
    assert codes(found(flow(A=constant), PLACES)) == [("warning", "suffix-without-effect")]
    evaluation = action(
        ActionUrl="https://actions.globus.org/expression_eval",
        Parameters={"expression": "source.path", "arguments.$": "$.source", "result_path": "$.x.y"},
    )
    assert found(flow(A=evaluation), PLACES) == []


NEAR = ("warning", "near-miss-name")


@pytest.mark.parametrize(
    ("written", "read", "expected"),
    [
        ("$.transfr", "$.transfer", [NEAR, NEAR]),
        ("$.copyResult", "$.copyresult", [NEAR, NEAR]),
        ("$.Transfer", "$.transfer", []),
        ("$.tranfser", "$.transfer", [NEAR, NEAR]),
        ("$.transfer", "$.transfer", []),
        ("$.copy_1", "$.copy_2", []),
        ("$.copy_a", "$.copy_b", []),
        ("$.copied", "$.removed", []),
        ("$.ab", "$.ac", []),
    ],
)
def test_a_result_that_is_nearly_called_as_one_that_is_read(
    written: str, read: str, expected: list[tuple[str, str]]
) -> None:
    definition = flow(
        A=action(ResultPath=written, End=None, Next="B"),
        B=reading(f"{read}.status", ResultPath="$.told"),
    )
    assert codes(found(definition, None)) == expected


def test_an_input_may_be_called_like_a_result_that_nobody_reads() -> None:
    definition = flow(
        A=action(ResultPath="$.Source", End=None, Next="B"),
        B=reading("$.source.id", ResultPath="$.x"),
    )
    assert found(definition, PLACES) == []


@pytest.mark.parametrize(
    "more",
    [
        {"source_endpoint.$": "$.destination.id"},
        {"destination_endpoint.$": "$.source.id"},
        {"DATA": [{"source_path.$": "$.destination.path",
                   "destination_path.$": "$.destination.path"}]},
    ],
)  # fmt: skip
def test_the_ends_of_a_transfer_are_mixed_up(more: dict[str, Any]) -> None:
    assert ("warning", "mixed-ends") in asked(TRANSFER, **copied(**more))


def test_the_ends_of_a_transfer_are_mixed_up_by_their_places() -> None:
    places = schema([], disk=PLACE, tape=PLACE)
    mixed = {
        "source_endpoint.$": "$.disk.id",
        "destination_endpoint.$": "$.tape.id",
        "DATA": [{"source_path.=": "tape.path + 'x'", "destination_path.$": "$.disk.path"}],
    }
    call = flow(A=action(ActionUrl=TRANSFER, Parameters=mixed, WaitTime=9000))
    assert codes(found(call, places)) == [("warning", "mixed-ends")]
    mixed["DATA"] = [{"source_path.=": "disk.path + 'x'", "destination_path.$": "$.tape.path"}]
    assert found(call, places) == []


def test_a_result_takes_the_place_of_an_input() -> None:
    call = action(ResultPath="$.source", End=None, Next="B")
    overwritten = ("warning", "input-overwritten")
    definition = flow(A=call, B=reading("$.label", ResultPath="$.x"))
    assert codes(found(definition, PLACES)) == [overwritten]
    definition = flow(A=call, B=reading("$.source.status", ResultPath="$.x"))
    assert found(definition, PLACES) == []


def test_a_choice_compares_one_value_as_two_types() -> None:
    rules = [
        {"Variable": "$.v", "StringEquals": "done", "Next": "B"},
        {"Or": [{"Variable": "$.v", "NumericEquals": 1}], "Next": "B"},
    ]
    assert codes(found(flow(A=choice(rules, "B"), B=END), None)) == [
        ("warning", "choice-of-two-types")
    ]


def test_a_transfer_may_go_back() -> None:
    back = copied(
        **{
            "source_endpoint.$": "$.destination.id",
            "destination_endpoint.$": "$.source.id",
            "DATA": [
                {"source_path.$": "$.destination.path", "destination_path.$": "$.source.path"}
            ],
        }
    )
    assert asked(TRANSFER, **back) == []


def test_a_transfer_to_itself() -> None:
    same = {"source_endpoint": "a", "destination_endpoint": "a"}
    assert asked(TRANSFER, **same, DATA=[{"source_path": "/x", "destination_path": "/x"}]) == [
        ("warning", "mixed-ends")
    ]


def test_an_address_that_nearly_is_one() -> None:
    for url in (f"{TRANSFER}/run", "https://transfer.action.globus.org/ls", f"{COMPUTE}.1"):
        assert ("warning", "unknown-provider") in codes(found(flow(A=action(ActionUrl=url))))


def test_a_provider_that_the_target_lacks() -> None:
    url = "https://actions.globus.org/search/delete"
    asks = flow(A=action(ActionUrl=url, Parameters={"delete_by": "entry", "search_index": "i"}))
    assert found(asks) == []
    assert codes(found(asks, is_served=lambda address: address != url)) == [
        ("warning", "provider-not-served")
    ]
    assert found(flow(A=action()), is_served=lambda address: True) == []


def test_a_catch_on_stat_learns_nothing_of_absence() -> None:
    caught = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.e", "Next": "C"}]
    asks = action(ActionUrl=STAT, Catch=caught, End=None, Next="B")
    assert codes(found(flow(A=asks, B=END, C=END))) == [("warning", "absence-not-caught")]
    ask = choice([{"Variable": "$.r.details.code", "IsPresent": True, "Next": "C"}], "D")
    assert found(flow(A=asks, B=ask, C=END, D=END)) == []


def test_a_failure_that_nobody_sees() -> None:
    copies = action(ActionUrl=TRANSFER, WaitTime=9000, ExceptionOnActionFailure=False, End=None,
                    Next="B")  # fmt: skip
    works = action(ActionUrl=COMPUTE, WaitTime=9000, ResultPath="$.work")
    assert codes(found(flow(A=copies, B=works))) == [("warning", "failure-unnoticed")]
    assert found(flow(A=copies, B=END)) == []
    ask = choice([{"Variable": "$.r.status", "StringEquals": "SUCCEEDED", "Next": "C"}], "D")
    assert found(flow(A=copies, B=ask, C=works, D=END)) == []


def test_run_as_is_misspelt() -> None:
    findings = codes(found(flow(A=action(RunAs="Usr")), None))
    assert findings == [("warning", "run-as-misspelt")]
    assert found(flow(A=action(RunAs="curator")), None) == []


def test_what_is_refused_does_not_hide_the_rest() -> None:
    broken = {"Type": "Pass", "Parameters": {"x.=": "1 +"}, "ResultPath": "$.x", "Next": "B"}
    definition = flow(A=broken, B=reading("$.typo", ResultPath="$.y"))
    findings = found(definition)
    assert ("error", "invalid-definition") in codes(findings)
    (missing,) = [f for f in findings if f.code == "path-cannot-exist"]
    assert missing.loc[2] == "B"
    (told,) = [f for f in findings if f.code == "not-followed"]
    assert "'A'" in told.message


@pytest.mark.parametrize(
    "mistake",
    [
        {"Next": "Reprot"},
        {"Next": None},
        {"ResultPth": "$.z"},
        {"Type": "Task"},
        {"Parameters": {"x.$": "label"}},
        {"Parameters": {"x": 1, "x.$": "$.a"}},
        {"ResultPath": 7},
    ],
)
def test_of_a_state_that_is_refused_nothing_is_claimed(mistake: dict[str, Any]) -> None:
    state = {"Type": "Pass", "Parameters": {"x.$": "$.a"}, "ResultPath": "$.x", "Next": "Report"}
    made = {key: value for key, value in {**state, **mistake}.items() if value is not None}
    sound = flow(A=made, Report=reading("$.x.x", ResultPath="$.y"))
    later = flow(A=made, Report=reading("$.a.typo", ResultPath="$.y"))
    kinds = {"invalid-definition", "not-followed", "unreachable-state"}
    assert {f.code for f in found(sound)} <= kinds
    # Without a Next nothing comes after it, and without a ResultPath nothing is known.
    if mistake not in ({"Next": None}, {"ResultPath": 7}):
        assert "path-cannot-exist" in {f.code for f in found(later)}


def test_a_definition_that_cannot_be_followed_says_so() -> None:
    findings = found({"StartAt": "A", "States": []}, None)
    assert {f.code for f in findings} == {"invalid-definition", "not-followed"}
