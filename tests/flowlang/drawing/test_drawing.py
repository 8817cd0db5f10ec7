"""Drawings: every state and way is there, nothing lies on anything else, nothing breaks out."""

from __future__ import annotations

import itertools
import json
import random
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from headrace.flowlang.drawing import (
    graph_of,
    page_style,
    run_path_of,
    to_dot,
    to_html,
    to_mermaid,
    to_svg,
)
from headrace.flowlang.drawing.graph import END, START, Graph, rule_text
from headrace.flowlang.drawing.layout import Layout, layout
from headrace.flowlang.drawing.text import wrap_name

SVG = "{http://www.w3.org/2000/svg}"
TRANSFER = "https://transfer.actions.globus.org/transfer"
LOOP: dict[str, Any] = {
    "StartAt": "Copy",
    "States": {
        "Copy": {
            "Type": "Action",
            "ActionUrl": TRANSFER,
            "Parameters": {},
            "Catch": [{"ErrorEquals": ["ActionTimeout"], "ResultPath": "$.e", "Next": "Give up"}],
            "ResultPath": "$.r",
            "Next": "Enough?",
        },
        "Enough?": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.n", "NumericGreaterThan": 3, "Next": "Done"}],
            "Default": "Rest",
        },
        "Rest": {"Type": "Wait", "Seconds": 60, "Next": "Copy"},
        "Again": {"Type": "Pass", "Next": "Again"},
        "Done": {"Type": "Pass", "End": True},
        "Give up": {"Type": "Fail", "Error": "TooLate"},
    },
}


def many(count: int, seed: int) -> dict[str, Any]:
    chance = random.Random(seed)
    names = [f"State{number}" for number in range(count)]
    states: dict[str, Any] = {}
    for number, name in enumerate(names):
        following = names[min(number + 1, count - 1)]
        if chance.random() < 0.3:
            rule = {"Variable": "$.n", "NumericEquals": number, "Next": chance.choice(names)}
            states[name] = {"Type": "Choice", "Choices": [rule], "Default": following}
        else:
            states[name] = {"Type": "Pass", "Next": following}
    states[names[-1]] = {"Type": "Pass", "End": True}
    return {"StartAt": names[0], "States": states}


def planned(graph: Graph) -> Layout:
    sizes = {node.name: (20.0 + 7 * len(node.name), 40.0) for node in graph.nodes}
    labels = {edge: (7.0 * len(edge.label), 16.0) for edge in graph.edges if edge.label}
    return layout(graph, sizes, labels)


@pytest.mark.parametrize("definition", [LOOP, *(many(count, count) for count in (2, 9, 30, 60))])
def test_no_state_lies_on_another_and_all_are_inside(definition: dict[str, Any]) -> None:
    plan = planned(graph_of(definition))
    for a, b in itertools.combinations(plan.boxes.values(), 2):
        beside = abs(a.x - b.x) >= (a.width + b.width) / 2
        below = abs(a.y - b.y) >= (a.height + b.height) / 2
        assert beside or below, (a.state, b.state)
    for box in plan.boxes.values():
        assert box.x - box.width / 2 >= 0
        assert box.x + box.width / 2 <= plan.width
        assert box.y + box.height / 2 <= plan.height


@pytest.mark.parametrize("definition", [LOOP, *(many(count, count) for count in (9, 30))])
def test_no_way_goes_through_a_state(definition: dict[str, Any]) -> None:
    plan = planned(graph_of(definition))
    for route in plan.routes:
        # Straight pieces pass a layer; bends lie between two layers, where no state is.
        for (x, top), (_, bottom) in list(itertools.pairwise(route.points))[1::2]:
            for box in plan.boxes.values():
                if box.state in (route.edge.source, route.edge.target):
                    continue
                inside = abs(x - box.x) < box.width / 2
                level = min(top, bottom) < box.y < max(top, bottom)
                assert not (inside and level), (route.edge, box.state)


@pytest.mark.parametrize("definition", [LOOP, many(60, 5)])
def test_labels_lie_on_nothing(definition: dict[str, Any]) -> None:
    graph = graph_of(definition)
    plan = planned(graph)
    labels = [
        (route.label, 7.0 * len(route.edge.label)) for route in plan.routes if route.edge.label
    ]
    for ((x, y), w), ((u, v), z) in itertools.combinations(labels, 2):
        assert abs(x - u) >= (w + z) / 2 or abs(y - v) >= 16
    for (x, y), w in labels:
        for box in plan.boxes.values():
            beside = abs(x - box.x) >= (w + box.width) / 2
            assert beside or abs(y - box.y) >= (16 + box.height) / 2


def test_svg_has_every_state_and_way() -> None:
    tree = ET.fromstring(to_svg(graph_of(LOOP)))
    names = {group.get("data-state") for group in tree.iter(f"{SVG}g")} - {None}
    assert names == {*LOOP["States"], START, END}
    ways = [p for p in tree.iter(f"{SVG}path") if p.get("marker-end")]
    assert len(ways) == 8
    assert sum("catch" in (way.get("class") or "") for way in ways) == 1
    words = {text.text for text in tree.iter(f"{SVG}text")}
    assert {"n > 3", "otherwise", "ActionTimeout", "60 s", "when it fails", "Transfer"} <= words


def test_the_same_flow_gives_the_same_drawing() -> None:
    assert to_svg(graph_of(LOOP)) == to_svg(graph_of(json.loads(json.dumps(LOOP))))


LOG = [
    {"code": "FlowStarted", "time": "2026-01-01T00:00:00+00:00", "details": {}},
    *(
        {
            "code": f"{kind}{what}",
            "time": f"2026-01-01T00:{minute:02d}:00+00:00",
            "details": {"state_name": name, "state_type": kind},
        }
        for minute, (name, kind, what) in enumerate(
            [
                ("Copy", "Action", "Started"),
                ("Copy", "Action", "Completed"),
                ("Enough?", "Choice", "Started"),
                ("Enough?", "Choice", "Completed"),
                ("Rest", "Wait", "Started"),
                ("Rest", "Wait", "Completed"),
                ("Copy", "Action", "Started"),
            ]
        )
    ),
]


def test_the_way_of_a_run_is_followed() -> None:
    way = run_path_of(LOG)
    assert way.current_state == "Copy"
    assert (way.visits["Copy"], way.visits["Done"]) == (2, 0)
    assert way.edges["Rest", "Copy"] == 1
    assert (way.mark("Copy"), way.mark("Rest"), way.mark("Done")) == ("here", "done", "never")
    assert way.note("Copy") == "2x, 1:00 min"
    assert run_path_of(LOG[:4]).note("Enough?") == "", "its time goes on"
    at_last = {"code": "FlowFailed", "time": "2026-01-01T00:10:00+00:00"}
    failed = run_path_of([*LOG, {**at_last, "details": {"state_name": "Copy"}}])
    assert failed.note("Copy") == "2x, 5:00 min"
    caught = {**at_last, "code": "ActionFailed", "details": {"state_name": "Copy"}}
    assert run_path_of([*LOG, caught, at_last]).note("Copy") == "2x, 5:00 min"
    assert (failed.current_state, failed.mark("Copy")) == (None, "failed")
    text = to_svg(graph_of(LOOP), failed)
    tree = ET.fromstring(text)
    classes = {g.get("data-state"): g.get("class") for g in tree.iter(f"{SVG}g")}
    assert "failed" in str(classes["Copy"])
    assert "never" in str(classes["Done"])
    assert "failed here" in text
    assert "linkStyle" in to_mermaid(graph_of(LOOP), failed)
    assert "penwidth" in to_dot(graph_of(LOOP), failed)


NULL = {"Variable": "$.a", "IsNull": True}
NASTY = '</title><script>alert("x")</script>"\\\n`#35;'


def test_names_and_comments_break_out_of_nothing() -> None:
    definition = {
        "Comment": NASTY,
        "StartAt": NASTY,
        "States": {
            NASTY: {"Type": "Pass", "Comment": NASTY, "Next": "end"},
            "end": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.a", "StringEquals": NASTY, "Next": "subgraph"}],
                "Default": "subgraph",
            },
            "subgraph": {"Type": "Fail", "Error": NASTY},
        },
    }
    graph = graph_of(definition)
    tree = ET.fromstring(to_svg(graph))
    assert not list(tree.iter(f"{SVG}script"))
    page = to_html(graph, NASTY)
    assert page.count("<script>") == 1
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")
    mermaid = to_mermaid(graph)
    assert "<script" not in mermaid
    assert len(mermaid.splitlines()) == len([line for line in mermaid.splitlines() if line.strip()])
    dot = to_dot(graph)
    assert dot.count("\n") == len(graph.nodes) + len(graph.edges) + 3


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ({"Variable": "$.n", "NumericLessThanEquals": 3}, "n ≤ 3"),
        ({"Variable": "$.s", "StringEquals": "done"}, 's = "done"'),
        ({"Variable": "$.s", "StringEqualsPath": "$.t"}, "s = t"),
        ({"Variable": "$.s", "StringMatches": "*.h5"}, 's matches "*.h5"'),
        ({"Variable": "$.x", "IsPresent": False}, "x is not present"),
        ({"Not": {"Variable": "$.b", "BooleanEquals": True}}, "not b = true"),
        (
            {
                "And": [
                    {"Variable": "$.a", "IsNull": True},
                    {"Or": [{"Variable": "$.b", "IsString": True}]},
                ]
            },
            "a is null and (b is string)",
        ),
    ],
)
def test_rules_in_short_words(rule: dict[str, Any], text: str) -> None:
    assert rule_text(rule) == text


def test_long_names_are_broken() -> None:
    lines = wrap_name("WaitUntilTheWholeEnsembleOfSimulationsHasEnded")
    assert lines[0] == "WaitUntilTheWhole"
    assert "".join(lines) == "WaitUntilTheWholeEnsembleOfSimulationsHasEnded"
    assert max(map(len, wrap_name("x" * 128))) <= 25


def test_the_flows_of_this_project_can_be_drawn(repository: Path) -> None:
    for file in sorted((repository / "flows").glob("*/definition.json")):
        ET.fromstring(to_svg(graph_of(json.loads(file.read_text()))))


def test_control_characters_in_names_and_texts_break_no_drawing() -> None:
    name = "Wait\x1b[2J\x00\u202e\ufffe"
    states = {name: {"Type": "Pass", "Comment": "a\x07b\ud800", "End": True}}
    graph = graph_of({"StartAt": name, "States": states, "Comment": "\x9b"})
    ET.fromstring(to_svg(graph))
    for text in (to_svg(graph), to_html(graph, "t\x1b"), to_mermaid(graph), to_dot(graph)):
        text.encode()
        assert not any(ord(c) < 32 and c not in "\n\t" for c in text)


def test_a_part_of_a_page_has_the_style_of_its_sheet_and_links_that_break_out_of_nothing() -> None:
    name = 'A"><script>'
    flow = {"StartAt": name, "States": {name: {"Type": "Pass", "End": True}}}
    drawn = to_svg(graph_of(flow), is_part=True, address_of=lambda state: f"?state={state}&x")
    assert "<style" not in drawn
    root = ET.fromstring(drawn)
    links = [each for each in root.iter() if each.tag.endswith("}a")]
    assert [link.get("href") for link in links] == [f"?state={name}&x"]
    assert root.get("class") == "flow-drawing"
    rules = page_style().replace("@media (prefers-color-scheme: dark) {", "").splitlines()
    assert {rule.split(" ")[0] for rule in rules if len(rule) > 1} == {"svg.flow-drawing"}


def test_the_sheet_of_pages_has_the_style_of_drawings(repository: Path) -> None:
    sheet = repository / "src/headrace/web/static/drawing.css"
    assert sheet.read_text() == page_style()
