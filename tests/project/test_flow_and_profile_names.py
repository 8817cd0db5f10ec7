"""Names that no service takes are told in one line before anything is deployed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from headrace._internal.terminal_text import terminal_text
from headrace.config.errors import ProjectError
from headrace.config.project_config import read_config
from headrace.project.flow_sources import read_flow, read_flows, scan_flows

PASS = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}


def flow(directory: bytes | str, metadata: str = "") -> Path:
    path = Path(os.fsdecode(directory))
    path.mkdir(parents=True)
    (path / "definition.json").write_text(json.dumps(PASS))
    (path / "flow.toml").write_text(metadata)
    return path


def told(path: Path) -> str:
    with pytest.raises(ProjectError) as caught:
        read_flow(path)
    line = str(caught.value)
    assert line == terminal_text(line)
    line.encode()
    return line


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (b"caf\xe9", r"caf\udce9: the name: a lone surrogate (\udce9)"),
        (b"two\nlines", r"two\nlines: the name: a control character (\n)"),
        (b"clear\x1b[2J", r"the name: a control character (\x1b)"),
        (b"n" * 129, "the name: 129 characters; at most 128 are allowed"),
    ],
)
def test_a_directory_that_names_no_flow(tmp_path: Path, name: bytes, words: str) -> None:
    line = told(flow(os.fsencode(tmp_path / "flows") + b"/" + name))
    assert words in line
    assert "rename the directory" in line


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        (f'title = "{"t" * 129}"', "title: ensure this value has at most 128 characters"),
        (r'title = "t\u001b]0;owned\u0007"', r"title: a control character (\x1b)"),
        (r'subtitle = "a\nb"', r"subtitle: a control character (\n)"),
        (f'description = "{"d" * 5000}"', "description: ensure this value has at most 4096"),
        (r'keywords = ["a", "b\u0000"]', "keywords.1: a control character"),
        ('[roles]\nviewers = ["me"]', "flow_viewers.0: Unrecognized principal string"),
    ],
)
def test_metadata_that_no_service_takes(tmp_path: Path, metadata: str, words: str) -> None:
    path = flow(str(tmp_path / "flows" / "greet"), metadata)
    line = told(path)
    assert line.startswith(str(path / "flow.toml"))
    assert words in line


def test_one_flow_that_has_no_name_does_not_hide_the_others(tmp_path: Path) -> None:
    flows = tmp_path / "flows"
    flow(str(flows / "sound"))
    flow(os.fsencode(flows) + b"/caf\xe9")
    assert [*read_flows(flows, ["sound"])] == ["sound"]
    known, faults = scan_flows(flows)
    assert [*known] == ["sound"]
    assert len(faults) == 1


@pytest.mark.parametrize("name", ["two words", r"a\nb", r"\u001b[2J", "p" * 65, ""])
def test_a_profile_is_named_like_everything_else(tmp_path: Path, name: str) -> None:
    file = tmp_path / "headrace.toml"
    file.write_text(f'[profiles."{name}".notify]\n')
    with pytest.raises(ProjectError, match="use letters, digits, - and _, 64 at most") as caught:
        read_config(file)
    assert str(caught.value).isprintable()
