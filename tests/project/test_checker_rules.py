"""Checker rules of other packages: an entry point adds one to the project's flow check."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headrace.config.errors import ProjectError
from headrace.project import check_file
from headrace.project.flow_check import sarif


def install(
    root: Path, monkeypatch: pytest.MonkeyPatch, module: str, text: str, attribute: str
) -> None:
    root.mkdir()
    (root / f"{module}.py").write_text(text)
    info = root / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    points = f"[headrace.checker_rules]\nours = {module}:{attribute}\n"
    (info / "entry_points.txt").write_text(points)
    monkeypatch.syspath_prepend(root)


@pytest.fixture
def definition(tmp_path: Path) -> Path:
    file = tmp_path / "definition.json"
    file.write_text(json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}))
    return file


def test_an_entry_point_adds_a_rule(
    definition: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, extensions: Path
) -> None:
    assert check_file(definition) == []
    text = (extensions / "comment_rule.py").read_text()
    install(tmp_path / "site", monkeypatch, "their_rules", text, "no_comment")
    (found,) = check_file(definition)
    assert found.finding.code == "no-comment"
    assert found.finding.line == 1
    (run,) = sarif([found], tmp_path)["runs"]
    assert run["tool"]["driver"]["rules"][-1]["id"] == "no-comment"


@pytest.mark.parametrize(
    ("module", "code", "attribute", "problem"),
    [
        ("their_absent", "no-comment", "nothing", "cannot be loaded"),
        ("their_path", "no-comment", "WARNING", "is no rule"),
        ("their_taken", "choice-never", "no_comment", "the code 'choice-never' is taken"),
    ],
)
def test_a_rule_that_cannot_be_used_is_named(
    definition: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    module: str,
    code: str,
    attribute: str,
    problem: str,
    extensions: Path,
) -> None:
    text = (extensions / "comment_rule.py").read_text().replace("no-comment", code)
    install(tmp_path / "site", monkeypatch, module, text, attribute)
    with pytest.raises(ProjectError, match=problem):
        check_file(definition)
