"""Microseconds of paths, expressions, rules and whole steps on a payload of 10 kB, beside peers.

Everything is compiled once and evaluated many times, as for the runs of one definition. Expressions
stand beside simpleeval (its parsed tree is kept too), paths beside jmespath (compiled), all beside
plain Python that reads the same place, which is the limit. Medians of several rounds, in turn.

    python benchmarks/language.py [--rounds 7]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import jmespath
import simpleeval

from headrace.flowlang import Payload, compile_expression, compile_path, enter, parse_flow

CONTEXT: dict[str, Any] = {
    "flow_id": "f",
    "run_id": "r",
    "username": "ada@example.org",
    "email": "ada@example.org",
    "user_id": "urn:globus:auth:identity:0",
    "identities": ["urn:globus:auth:identity:0"],
    "token_info": {"exp": 30, "iat": 10, "nbf": 20},
}
PAYLOAD: dict[str, Any] = {
    "n": 3,
    "name": "iteration_07",
    "o": {"k": {"v": 7}},
    "t": "2026-05-01T00:00:00+01:00",
    "files": [
        {"name": f"station_{n:04d}.sem", "size": n, "type": "file", "path": "/scratch/run/out"}
        for n in range(130)
    ],
}
LIMIT = 5.0

# ours, jmespath's, Python's
PATHS: list[tuple[str, str, Callable[[Any], Any]]] = [
    ("$.o.k.v", "o.k.v", lambda p: p["o"]["k"]["v"]),
    ("$.files[100].name", "files[100].name", lambda p: p["files"][100]["name"]),
    ("$.files[1:5]", "files[1:5]", lambda p: p["files"][1:5]),
    ("$.files[*].name", "files[*].name", lambda p: [f["name"] for f in p["files"]]),
    ("$._context.run_id", "", lambda p: CONTEXT["run_id"]),
]
EXPRESSIONS: list[tuple[str, Callable[[Any], Any]]] = [
    ("n + 1", lambda p: p["n"] + 1),
    ("o.k.v > 3 and n < 9", lambda p: p["o"]["k"]["v"] > 3 and p["n"] < 9),
    ("name + '/' + files[7].name", lambda p: p["name"] + "/" + p["files"][7]["name"]),
    ("'a' if n > o.k.v else 'b'", lambda p: "a" if p["n"] > p["o"]["k"]["v"] else "b"),
    ("f'{name}-{n:03d}'", lambda p: f"{p['name']}-{p['n']:03d}"),
    ("name.upper().split('_')", lambda p: p["name"].upper().split("_")),
    ("{'source': files[0].path, 'n': [n]}", lambda p: {"s": p["files"][0]["path"], "n": [p["n"]]}),
    ("files", lambda p: p["files"]),
]
OURS_ALONE = ["len(files)", "is_present('o.k.v')", "getattr('o.none', 0)", "`$.o.k.v` + 1",
              "pathsplit('/a/b/c')", "_context.run_id"]  # fmt: skip
LISTED = "[f.name for f in files]"
RULES: dict[str, dict[str, Any]] = {
    "NumericGreaterThan": {"Variable": "$.n", "NumericGreaterThan": 2},
    "StringEqualsPath": {"Variable": "$.name", "StringEqualsPath": "$.files[3].name"},
    "StringMatches": {"Variable": "$.name", "StringMatches": "iter*_*7"},
    "TimestampGreaterThan": {"Variable": "$.t", "TimestampGreaterThan": "2026-01-01T00:00:00Z"},
    "And of three": {
        "And": [
            {"Variable": "$.o.k.v", "IsPresent": True},
            {"Variable": "$.o.k.v", "NumericLessThan": 9},
            {"Not": {"Variable": "$.name", "IsNull": True}},
        ]
    },
}
END = {"Type": "Pass", "End": True}
STEPS: dict[str, dict[str, Any]] = {
    "Pass that does nothing": END,
    "Pass with Result": {**END, "Result": {"done": True}, "ResultPath": "$.r"},
    "Pass with Parameters": {**END, "Parameters": {"v.$": "$.o.k.v"}, "ResultPath": "$.r"},
    "ExpressionEval": {
        "Type": "ExpressionEval",
        "Parameters": {"n.=": "n + 1"},
        "ResultPath": "$.r",
        "End": True,
    },
    "Choice": {
        "Type": "Choice",
        "Choices": [
            {"Variable": "$.n", "NumericGreaterThan": 5, "Next": "B"},
            {"Variable": "$.name", "StringEquals": "iteration_07", "Next": "B"},
        ],
    },
    "Wait": {"Type": "Wait", "SecondsPath": "$.n", "End": True},
    "Action": {
        "Type": "Action",
        "ActionUrl": "https://actions.globus.org/hello_world",
        "Parameters": {"echo_string.$": "$.name", "sleep_time": 0},
        "ResultPath": "$.r",
        "End": True,
    },
}


def simple(text: str) -> Callable[[], Any]:
    """Make simpleeval's evaluation of a text: its tree is kept, its evaluator new each time."""
    parsed = simpleeval.EvalWithCompoundTypes.parse(text)

    def evaluate() -> Any:
        evaluator = simpleeval.EvalWithCompoundTypes(names=PAYLOAD)
        return evaluator.eval(text, previously_parsed=parsed)

    return evaluate


def works() -> dict[str, dict[str, dict[str, Callable[[], Any]]]]:
    """Return what is measured: group, case, who."""
    paths: dict[str, dict[str, Callable[[], Any]]] = {}
    for text, jmes, plain in PATHS:
        path = compile_path(text)
        paths[text] = {"headrace": lambda path=path: path.resolve(PAYLOAD, CONTEXT)}
        if jmes:
            peer = jmespath.compile(jmes)
            paths[text]["jmespath"] = lambda peer=peer: peer.search(PAYLOAD)
        paths[text]["plain Python"] = lambda plain=plain: plain(PAYLOAD)
    expressions: dict[str, dict[str, Callable[[], Any]]] = {}
    for text, plain in [*EXPRESSIONS, *((text, None) for text in OURS_ALONE)]:
        compiled = compile_expression(text)
        expressions[text] = {"headrace": lambda c=compiled: c.evaluate(PAYLOAD, CONTEXT)}
        if plain is not None:
            expressions[text]["simpleeval"] = simple(text)
            expressions[text]["plain Python"] = lambda plain=plain: plain(PAYLOAD)
    payload = Payload.of(PAYLOAD)
    steps: dict[str, dict[str, Callable[[], Any]]] = {}
    for name, state in STEPS.items():
        flow = parse_flow({"StartAt": "A", "States": {"A": state, **_others(state)}})
        steps[name] = {"headrace": lambda flow=flow: enter(flow, "A", payload, CONTEXT)}
    rules: dict[str, dict[str, Callable[[], Any]]] = {}
    for name, rule in RULES.items():
        choice = {"Type": "Choice", "Choices": [{**rule, "Next": "B"}], "Default": "B"}
        flow = parse_flow({"StartAt": "A", "States": {"A": choice, "B": END}})
        compiled_rule = flow.states["A"].rules[0][0]  # type: ignore[attr-defined]
        rules[name] = {"headrace": lambda rule=compiled_rule: rule.matches(PAYLOAD, CONTEXT)}
    return {"paths": paths, "expressions": expressions, "Choice rules": rules, "whole steps": steps}


def listed() -> dict[str, dict[str, Callable[[], Any]]]:
    """Return what goes through all files: no 5 us there, so it is counted per file."""
    compiled = compile_expression(LISTED)
    return {
        LISTED: {
            "headrace": lambda: compiled.evaluate(PAYLOAD, CONTEXT),
            "simpleeval": simple(LISTED),
            "plain Python": lambda: [f["name"] for f in PAYLOAD["files"]],
        }
    }


def _others(state: dict[str, Any]) -> dict[str, Any]:
    return {"B": END} if state["Type"] == "Choice" else {}


Taken = dict[str, dict[str, list[float]]]


def measure(cases: dict[str, dict[str, Callable[[], Any]]], rounds: int, divisor: int = 1) -> Taken:
    """Return microseconds of every case and who did it, in rounds of 20 ms, all in turn."""
    taken: Taken = {name: {who: [] for who in doers} for name, doers in cases.items()}
    for _ in range(rounds):
        for name, doers in cases.items():
            for who, work in doers.items():
                taken[name][who].append(_once(work) / divisor * 1e6)
    return taken


def medians(taken: Taken) -> dict[str, dict[str, float]]:
    """Return the median of all rounds, by case and who did it."""
    return {
        name: {who: round(statistics.median(values), 3) for who, values in doers.items()}
        for name, doers in taken.items()
    }


def rows(groups: dict[str, Taken]) -> list[dict[str, Any]]:
    """Return rows of the table: in each round, the median of those cases that all can do."""
    settings = {
        "jmespath": "expression compiled once",
        "simpleeval": "tree parsed once, an evaluator each time",
        "plain Python": "the same in a lambda: the limit",
    }
    found = []
    for group, taken in groups.items():
        everybody = max((list(doers) for doers in taken.values()), key=len)
        cases = [doers for doers in taken.values() if list(doers) == everybody]
        values = {
            who: [
                round(statistics.median(each), 3)
                for each in zip(*(c[who] for c in cases), strict=True)
            ]
            for who in everybody
        }
        found.append(
            {
                "id": f"language_{group.replace(' ', '_').lower()}",
                "what": f"{group} on a 10 kB payload, median of {len(cases)}",
                "unit": "us",
                "ours": values.pop("headrace"),
                "better": "less",
                "peers": [
                    {"name": who, "values": each, "settings": settings[who]}
                    for who, each in values.items()
                ],
                "settings": "compiled once, evaluated for 20 ms a round",
            }
        )
    return found


def _once(work: Callable[[], Any], least: float = 0.02) -> float:
    number = 1
    while True:
        began = time.perf_counter()
        for _ in range(number):
            work()
        seconds = time.perf_counter() - began
        if seconds >= least:
            return seconds / number
        number = max(number * 2, int(number * least / max(seconds, 1e-7)))


def main() -> None:
    """Measure, and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    taken = {name: measure(cases, options.rounds) for name, cases in works().items()}
    groups = {name: medians(group) for name, group in taken.items()}
    per_file = medians(measure(listed(), options.rounds, len(PAYLOAD["files"])))
    evaluated = {
        f"{group}: {name}": who["headrace"]
        for group, cases in groups.items()
        if group != "whole steps"
        for name, who in cases.items()
    }
    worst = max(evaluated, key=evaluated.__getitem__)
    json.dump(
        {
            "measured": "microseconds per evaluation, compiled once, on one payload; medians",
            "rows": rows(taken),
            "payload bytes": Payload.of(PAYLOAD).size,
            "rounds": options.rounds,
            "python": sys.version.split()[0],
            **groups,
            "per element of a comprehension": per_file,
            "slowest evaluation": {worst: evaluated[worst], "limit": LIMIT},
            "load": round(os.getloadavg()[0], 1),
        },
        sys.stdout,
        indent=2,
    )
    print()


if __name__ == "__main__":
    main()
