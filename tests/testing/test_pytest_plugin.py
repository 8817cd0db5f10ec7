"""The pytest plugin, in a pytest of its own."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

DEFINITION = {
    "StartAt": "Work",
    "States": {
        "Work": {
            "Type": "Action",
            "ActionUrl": "https://work.example",
            "Parameters": {},
            "ResultPath": "$.r",
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Mend"}],
            "Next": "Done",
        },
        "Mend": {"Type": "Pass", "End": True},
        "Done": {"Type": "Pass", "End": True},
    },
}


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    folder = pytester.path / "flows" / "mine"
    folder.mkdir(parents=True)
    (pytester.path / "headrace.toml").write_text("")
    (folder / "definition.json").write_text(json.dumps(DEFINITION))
    (folder / "input_schema.json").write_text("{}")
    return pytester


def test_the_fixture_finds_a_flow_of_the_project(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        def test_mine(flow_test):
            run = flow_test("mine").on("Work", {"x": 1}).run({})
            assert run.output["r"]["details"] == {"x": 1}

        def test_unknown(flow_test):
            flow_test("mnie")
        """
    )
    result = project.runpytest_subprocess("--flow-coverage")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*did you mean 'mine'? known: mine"])
    result.stdout.fnmatch_lines(["*flow coverage*", "mine: 2 of 3 states, 1 of 2 edges"])
    result.stdout.fnmatch_lines(["  never: Work -> Mend"])


def test_the_examples_of_the_documentation_run(project: pytest.Pytester, repository: Path) -> None:
    text = (repository / "docs" / "testing.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert blocks
    flows = project.path / "flows"
    (flows / "adjoint_sources").symlink_to(repository / "flows" / "adjoint_sources")
    project.makepyfile("\n\n".join(blocks))
    count = sum(block.count("def test_") for block in blocks)
    project.runpytest_subprocess().assert_outcomes(passed=count)
