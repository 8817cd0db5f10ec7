"""Whatever is given, only the errors that are promised come out, and every run ends."""

from __future__ import annotations

import contextlib
import copy
import json
import uuid
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from headrace.flowlang import (
    CallAction,
    DefinitionError,
    Failed,
    Moved,
    PathError,
    Payload,
    Sleep,
    StateError,
    TooLargeError,
    check_flow,
    complete_action,
    complete_wait,
    enter,
    parse_flow,
    payload_problem,
    raise_in,
)
from headrace.flowlang.paths import compile_reference
from tests.support.examples import examples
from tests.support.flowlang.flow_builders import HELLO, document

_WORDS = """
StartAt States Type Next End A B Pass Action Choice Wait Fail ExpressionEval CreateWebInput
AwaitWebInput Parameters Catch ResultPath InputPath Choices Default Variable IsPresent StringEquals
Result Seconds ErrorEquals x.$ x.= $.a $ $.a[1:] States.ALL ActionUrl Handler And Or Not SecondsPath
Error CausePath __Private_Parameters RegisteredAPI ActionProvider Id Url WaitTime TimestampPath
type object properties required additionalProperties items
"""
WORDS = st.sampled_from([*_WORDS.split(), HELLO])
SCALARS = st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | st.text(max_size=5) | WORDS
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(WORDS | st.text(max_size=4), inner, max_size=6)
    ),
    max_leaves=25,
)
NAMES = st.sampled_from("ABCD")
PATHS = st.sampled_from(
    ["$.a", "$.a.b", "$.l[0]", "$.l[1:]", "$.r.details.hello", "$._context.run_id", "$.é", "$.n"]
)
TARGETS = st.sampled_from(
    ["$", "$.a", "$.a.b", "$.r", "$.l[0]", "$.l[-1].k", "$.n.m", "$.é['\u2028']", "$.\U0001f600"]
)

TEXTS = st.sampled_from(
    [
        *("a", "l[0]", "1 / 0", "len(l)", "[i for i in l]", "getattr('a.b', 3)", "l * 9", "é * 3"),
        *("{'é': a, 'n': 1.5e300}", "str(l) * 40000", "`$.a` + 1"),
    ]
)


def parameters() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional={"p.$": PATHS, "e.=": TEXTS, "c": JSON_CONSTANTS})


JSON_CONSTANTS = st.recursive(
    st.none() | st.integers() | st.text(max_size=3), lambda i: st.lists(i, max_size=3), max_leaves=4
)
NEXT = NAMES.map(lambda name: {"Next": name}) | st.just({"End": True})
RULES = st.recursive(
    st.builds(lambda v, e: {"Variable": v, "IsPresent": e}, PATHS, st.booleans())
    | st.builds(lambda v, n: {"Variable": v, "NumericGreaterThan": n}, PATHS, st.integers(-2, 2))
    | st.builds(lambda v, w: {"Variable": v, "StringEqualsPath": w}, PATHS, PATHS),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3).map(lambda r: {"And": r})
        | st.lists(inner, min_size=1, max_size=3).map(lambda r: {"Or": r})
        | inner.map(lambda r: {"Not": r})
    ),
    max_leaves=5,
)
CATCH = st.builds(
    lambda name, path, errors: [{"ErrorEquals": errors, "Next": name, "ResultPath": path}],
    NAMES,
    TARGETS,
    st.sampled_from([["States.ALL"], ["ActionTimeout"], ["States.Runtime", "x"]]),
)
CALLING = st.sampled_from(
    [
        {"Type": "Action", "ActionUrl": HELLO},
        {"Type": "Action", "ActionUrl": HELLO, "ExceptionOnActionFailure": False},
        {"Type": "Action", "Handler": {"Type": "RegisteredAPI", "Id": str(uuid.UUID(int=7))}},
        {"Type": "Action", "Handler": "urn:globus:flows:handle:globus:GROUPS.LIST"},
        {"Type": "CreateWebInput"},
        {"Type": "AwaitWebInput"},
    ]
)
STATES = st.one_of(
    st.builds(
        lambda kind, p, t, n, c: {
            **kind,
            "Parameters": p,
            "ResultPath": t,
            **n,
            **({"Catch": c} if c else {}),
        },
        CALLING,
        parameters(),
        TARGETS,
        NEXT,
        st.none() | CATCH,
    ),
    st.builds(
        lambda p, t, n: {"Type": "ExpressionEval", "Parameters": p, "ResultPath": t, **n},
        parameters(),
        TARGETS,
        NEXT,
    ),
    st.builds(
        lambda p, t, n: {"Type": "Pass", "InputPath": p, "ResultPath": t, **n}, PATHS, TARGETS, NEXT
    ),
    st.builds(
        lambda rules, d: {
            "Type": "Choice",
            "Choices": [{**r, "Next": n} for r, n in rules],
            **({"Default": d} if d else {}),
        },
        st.lists(st.tuples(RULES, NAMES), min_size=1, max_size=3),
        st.none() | NAMES,
    ),
    st.builds(
        lambda s, n: {"Type": "Wait", **s, **n},
        st.sampled_from([{"Seconds": 1}, {"SecondsPath": "$.a"}, {"TimestampPath": "$.a"}]),
        NEXT,
    ),
    st.just({"Type": "Fail", "Error": "E"}),
)
FLOWS = st.fixed_dictionaries(dict.fromkeys("ABCD", STATES))
PAYLOADS = st.fixed_dictionaries(
    {},
    optional={
        "a": st.integers(-3, 3) | st.fixed_dictionaries({"b": st.text(max_size=3)}),
        "l": st.lists(st.integers() | st.just({}), max_size=3),
        "é": st.text(max_size=4) | st.none(),
        "n": st.floats(allow_nan=False, allow_infinity=False) | st.just("x" * 150_000),
    },
)


# What is no Unicode is refused where it enters, before the language sees it.
UNICODE = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
DETAILS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | UNICODE
    | st.just({"exception": "NoSuchGroup", "cause": 1}),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(UNICODE, inner, max_size=3),
    max_leaves=6,
)


def reachable(states: dict[str, Any]) -> dict[str, Any]:
    """Only what a run can come to: everything else is refused."""
    seen, waiting = {"A"}, ["A"]
    while waiting:
        text = json.dumps(states[waiting.pop()])
        for name in "BCD":
            if name not in seen and (f'"Next": "{name}"' in text or f'"Default": "{name}"' in text):
                seen.add(name)
                waiting.append(name)
    return {"StartAt": "A", "States": {name: states[name] for name in "ABCD" if name in seen}}


def refusal(definition: Any) -> str:
    """What parse_flow says against a definition; nothing else may come out of it."""
    try:
        parse_flow(definition)
    except DefinitionError as error:
        return f"{len(error.entries)}: {error}"
    return ""


@examples(400)
@given(JSON, JSON)
def test_random_json_gives_entries_or_a_flow(definition: Any, schema: Any) -> None:
    assert "\n" not in refusal(definition)
    for finding in check_flow(definition, schema, source=json.dumps(definition)):
        assert finding.severity in {"error", "warning", "advice"}


@examples(400)
@given(FLOWS, st.data())
def test_a_flow_with_one_part_replaced_gives_entries_or_a_flow(states: Any, data: Any) -> None:
    definition = copy.deepcopy(reachable(states))
    state = definition["States"][data.draw(st.sampled_from(sorted(definition["States"])))]
    state[data.draw(st.sampled_from(sorted(state)) | WORDS)] = data.draw(JSON)
    assert "\n" not in refusal(definition)
    check_flow(definition, data.draw(JSON))


@examples(600)
@given(FLOWS, PAYLOADS, st.data())
def test_a_run_of_a_random_flow_ends_or_goes_on_in_a_known_state(
    states: Any, start: Any, data: Any
) -> None:
    flow = parse_flow(reachable(states))
    payload = Payload.of(start)
    context = {"run_id": "r"}
    state = flow.start_at
    for _ in range(40):
        before = copy.deepcopy(payload.value)
        outcome = enter(flow, state, payload, context)
        if isinstance(outcome, CallAction):
            json.dumps(outcome.body)
            assert outcome.wait_time >= 1
            end = data.draw(st.sampled_from(["SUCCEEDED", "FAILED", "late"]))
            if end == "late":
                outcome = raise_in(flow, state, payload, StateError("ActionTimeout", {}, state))
            else:
                details = data.draw(DETAILS)
                outcome = complete_action(
                    flow, state, payload, {**document(end), "details": details}
                )
        elif isinstance(outcome, Sleep):
            assert (outcome.seconds is None) != (outcome.until is None)
            outcome = complete_wait(flow, state, payload)
        assert payload.value == before
        if isinstance(outcome, Failed):
            assert outcome.error.exception
            assert outcome.error.state_name == state
            json.dumps(outcome.error.document())
            return
        assert isinstance(outcome, Moved)
        payload = outcome.payload
        assert payload == Payload.of(payload.value)
        assert payload_problem(payload.value) is None
        if outcome.next is None:
            return
        state = outcome.next
        assert state in flow.states
    # A loop: it may go on for ever, but only through states of the flow.


@examples(300)
@given(PAYLOADS, st.lists(st.tuples(TARGETS, DETAILS), max_size=12))
def test_a_payload_knows_its_size_after_any_changes(start: Any, changes: Any) -> None:
    payload = Payload.of(start)
    for path, value in changes:
        with contextlib.suppress(PathError, TooLargeError):
            payload = payload.place(compile_reference(path), value)
        compact = json.dumps(payload.value, ensure_ascii=False, separators=(",", ":"))
        assert payload.size == len(compact.encode("utf-8", "surrogatepass"))
