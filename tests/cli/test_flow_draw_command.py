"""``headrace flow draw``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Run = Callable[..., Result]


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("f.svg", "<svg"),
        ("f.html", "<!doctype html>"),
        ("f.mmd", "flowchart"),
        ("f.dot", "digraph"),
    ],
)
def test_a_flow_of_the_project_is_drawn(run: Run, tmp_path: Path, name: str, begins: str) -> None:
    result = run("flow", "draw", "say", "-o", name)
    assert result.exit_code == 0
    assert (result.stdout, f"{name}: drawn" in result.stderr) == ("", True)
    assert (tmp_path / name).read_text().startswith(begins)


def test_without_a_file_the_text_goes_to_standard_output(run: Run, tmp_path: Path) -> None:
    definition = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}
    (tmp_path / "mine.json").write_text(json.dumps(definition))
    assert run("flow", "draw", "mine.json").stdout.startswith("flowchart TD")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nothing",), "no flow 'nothing'"),
        (("say", "-o", "f.png"), "give the file's name one of the endings .svg, .html"),
        (("say", "-o", "missing/f.svg"), "missing/f.svg: No such file"),
        (("wrong.json",), "see `headrace flow check`"),
        (("missing.json",), "missing.json: No such file"),
    ],
)
def test_what_cannot_be_drawn_is_told(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    (tmp_path / "wrong.json").write_text('{"StartAt": "A", "States": {"A": {"Type": "Pass"}}}')
    result = run("flow", "draw", *arguments)
    assert result.exit_code == 1
    [line] = result.stderr.strip().splitlines()
    assert words in line
