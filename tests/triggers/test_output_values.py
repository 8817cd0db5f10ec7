"""Values of a run's output in templates: typed where they stand alone, text within a text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from headrace.triggers import Arrival, StartRefused, TriggerError, render_input
from headrace.triggers.output_values import (
    OutputValue,
    example_output,
    kept_output,
    output_paths,
)
from headrace.triggers.template import check_template

OUTPUT = {
    "work": {"path": "/a.h5", "n": 3, "yes": True, "none": None, "list": [{"x": 1.5}]},
    "Run job": {"id": "j"},
}


def rendered(template: Any, output: str = json.dumps(OUTPUT)) -> Any:
    return render_input(
        template, Arrival("t", "", "r", "after/r", Path("r"), (), output=output, chain_depth=1)
    )


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{output.work.path}", "/a.h5"),
        ("{output.work.n}", 3),
        ("{output.work.yes}", True),
        ("{output.work.none}", None),
        ("{output.work.list}", [{"x": 1.5}]),
        ("{output.work.list.0.x}", 1.5),
        ("{output.Run job.id}", "j"),
        ("{output}", OUTPUT),
        ("n = {output.work.n}, {output.work.yes}", "n = 3, true"),
        ("{{output.work.n}}", "{output.work.n}"),
    ],
)
def test_a_value_is_what_it_is(template: str, value: Any) -> None:
    found = rendered({"at": [template]})["at"][0]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("template", "output", "message"),
    [
        ("{output.work.m}", None, "{output.work.m}: output.work of the run has no 'm'"),
        ("{output.work.n.x}", None, "{output.work.n.x}: output.work.n of the run has no 'x'"),
        ("{output.work.list.1}", None, "output.work.list of the run has no '1'"),
        ("a {output.work}", None, "{output.work} is an object; it stands in an input alone"),
        ("a {output.work.list}", None, "{output.work.list} is a list; it stands in an input"),
        ("{output.work}", "", "{output.work}: the run that ended has no output"),
    ],
)
def test_what_is_not_there_is_refused(template: str, output: str | None, message: str) -> None:
    with pytest.raises(StartRefused) as refused:
        rendered(template, json.dumps(OUTPUT) if output is None else output)
    assert message in str(refused.value)


def test_another_arrival_has_no_output() -> None:
    arrival = Arrival("t", "c", "r", "/r", Path("r"))
    with pytest.raises(TriggerError, match="unknown placeholder"):
        render_input("{output.a}", arrival)


def test_an_example_has_all_that_is_taken_and_a_long_output_is_cut_to_it() -> None:
    template = {"a": "{output.x.0.y}", "b": ["{output.x}", "{{output.no}}"], "c": "in {output.z}"}
    assert output_paths(template) == ["output.x", "output.x.0.y", "output.z"]
    check_template(template, "start.input", {"output": OutputValue(example_output(template))})
    output = {"z": 5, "much": "x" * 1000, "w": {"v": [1, 2]}}
    assert json.loads(kept_output(output, template, 10_000)) == output
    assert json.loads(kept_output(output, ["{output.z}", "{output.no}"], 100)) == {"z": 5}
    cut = kept_output(output, "{output.w.v}", 100)
    assert OutputValue(cut).at("output.w.v") == [1, 2]
