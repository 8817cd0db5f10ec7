"""Flows and inputs at random, with every kind of state, for tests of runs."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from headrace.flowlang.parse import targets

NAMES = "ABCDE"
PATHS = ["$.a", "$.a.b", "$.l[0]", "$.l", "$.r.details.n", "$.e.cause", "$._context.run_id"]
TARGETS = ["$", "$.a", "$.a.b", "$.r", "$.l[0]", "$.e", "$._private_note"]
EXPRESSIONS = ["a", "l[0]", "1 / 0", "len(l)", "l + l", "[i for i in l]", "getattr('a.b', 3)"]


def maybe(draw: st.DrawFn, **members: st.SearchStrategy[Any]) -> dict[str, Any]:
    return {name: draw(some) for name, some in members.items() if draw(st.booleans())}


@st.composite
def definitions(draw: st.DrawFn) -> dict[str, Any]:
    names = NAMES[: draw(st.integers(1, len(NAMES)))]
    name = st.sampled_from(names)
    path, target = st.sampled_from(PATHS), st.sampled_from(TARGETS)
    parameters = st.fixed_dictionaries(
        {},
        optional={
            "p.$": path,
            "e.=": st.sampled_from(EXPRESSIONS),
            "c": st.none() | st.integers(-3, 3) | st.lists(st.text(max_size=2), max_size=2),
            "__Private_Parameters": st.just(["c"]),
        },
    )

    def following() -> dict[str, Any]:
        return {"Next": draw(name)} if draw(st.integers(0, 3)) else {"End": True}

    def state() -> dict[str, Any]:
        kind = draw(
            st.sampled_from(
                ["Pass", "ExpressionEval", "Choice", "Wait", "Fail", "Action", "Action"]
            )
        )
        found: dict[str, Any] = {"Type": kind}
        if kind == "Pass":
            found |= following() | maybe(draw, ResultPath=target)
            found |= draw(
                st.sampled_from([{}, {"InputPath": "$.a"}, {"Result": {"a": {"b": 1}}}])
                | st.builds(lambda p: {"Parameters": p}, parameters)
            )
        elif kind == "ExpressionEval":
            found |= following() | {"Parameters": draw(parameters), "ResultPath": draw(target)}
        elif kind == "Choice":
            rule = {"Variable": draw(path), "IsPresent": draw(st.booleans()), "Next": draw(name)}
            found |= {"Choices": [rule]} | maybe(draw, Default=name)
        elif kind == "Wait":
            found |= following() | draw(st.sampled_from([{"Seconds": 5}, {"SecondsPath": "$.a"}]))
        elif kind == "Fail":
            found |= maybe(draw, Error=st.just("Mine"), CausePath=path)
        else:
            catch = {"ErrorEquals": ["States.ALL"], "Next": draw(name)}
            catch |= maybe(draw, ResultPath=target)
            found |= following() | {
                "ActionUrl": "https://x.example",
                "Parameters": draw(parameters),
            }
            found |= maybe(draw, ResultPath=target, ExceptionOnActionFailure=st.booleans())
            found |= maybe(draw, Catch=st.just([catch]))
        return found

    states = {each: state() for each in names}
    reached, waiting = {names[0]}, [names[0]]
    while waiting:
        more = set(targets(states[waiting.pop()])) - reached
        reached |= more
        waiting += sorted(more)
    kept = {each: states[each] for each in names if each in reached}
    return {"StartAt": names[0], "States": kept}


BODIES = st.fixed_dictionaries(
    {}, optional={"a": st.integers() | st.just({"b": "é"}), "l": st.just([1, {"x": None}])}
)
