"""Files that people give: every encoding, and every value that JSON has not, in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.command_line import Run
from tests.support.flows_service import Service

TEXT = '{"word": "hé"}'
ENCODED = {
    "UTF-16": TEXT.encode("utf-16"),
    "UTF-16-LE": TEXT.encode("utf-16-le"),
    "UTF-16-BE": TEXT.encode("utf-16-be"),
    "UTF-32": TEXT.encode("utf-32"),
}
BROKEN = {
    "latin-1": (TEXT.encode("latin-1"), "not UTF-8 text"),
    "not JSON": (b'{"word": }', "in.json:1:10: not JSON"),
    "empty": (b"", "in.json:1:1: not JSON: it is empty"),
    "a list": (b"[]", "expected a JSON object"),
    "NaN": (b'{"word": "a", "more": [1, NaN]}', "in.json.more[1]: NaN; numbers must be finite"),
    "Infinity": (b'{"word": -Infinity}', "in.json.word: -Infinity"),
    "1e400": (b'{"word": {"x": 1e400}}', "in.json.word.x: Infinity"),
    "surrogate": (rb'{"word": "\udcff"}', "in.json.word: a lone surrogate (\\udcff)"),
    "twice": (b'{"word": "a", "word": "b"}', "occurs twice"),
    "deep": (b'{"word": ' + b"[" * 100_000, "nested deeper than"),
    "digits": (b'{"word": ' + b"1" * 5000 + b"}", "digits"),
}


def refused(run: Run, service: Service, words: str, *arguments: str, **more: Any) -> None:
    before = service.changes()
    result = run(*arguments, **more)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert words in result.stderr
    assert "cannot be reached" not in result.stderr
    assert service.changes() == before


@pytest.mark.parametrize("name", ENCODED)
def test_another_encoding_is_named(run: Run, deployed: Service, name: str) -> None:
    Path("in.json").write_bytes(ENCODED[name])
    words = f"in.json: {name[:6]} text; save it as UTF-8"
    refused(run, deployed, words, "start", "say", "-i", "in.json")
    refused(run, deployed, words, "doctor", "say", "-i", "in.json")
    refused(run, deployed, words, "function", "run", "double", "-e", "here", "-k", "in.json")


@pytest.mark.parametrize("name", BROKEN)
def test_what_cannot_be_sent_is_refused_with_its_path(
    run: Run, deployed: Service, name: str
) -> None:
    data, words = BROKEN[name]
    Path("in.json").write_bytes(data)
    refused(run, deployed, words, "start", "say", "-i", "in.json")


def test_a_byte_order_mark_is_read(run: Run, deployed: Service) -> None:
    Path("in.json").write_bytes(TEXT.encode("utf-8-sig"))
    assert run("start", "say", "-i", "in.json").exit_code == 0
    [stored] = deployed.runs.values()
    assert stored["details"]["details"]["input"] == {"word": "hé"}


@pytest.mark.parametrize("file", ["definition.json", "input_schema.json", "flow.toml"])
def test_files_of_a_flow_in_another_encoding_are_findings(
    run: Run, deployed: Service, root: Path, file: str
) -> None:
    path = root / "flows" / "say" / file
    text = path.read_text() if path.is_file() else 'title = "Say"'
    path.write_bytes(text.encode("utf-16"))
    checked = run("flow", "check")
    assert checked.exit_code == 1
    assert f"{path}:1:1: error not-readable: UTF-16 text; save it as UTF-8" in checked.stdout
    assert run("flow", "check", "--sarif", "-").exit_code == 1
    path.write_bytes(text.encode("utf-8-sig"))
    assert run("flow", "check", "-F", "json").exit_code == 0
    assert run("deploy", "--dry-run").exit_code == 0


def test_the_project_file_in_another_encoding(run: Run, root: Path) -> None:
    path = root / "headrace.toml"
    text = path.read_text()
    path.write_bytes(text.encode("utf-16"))
    result = run("flow", "list")
    assert result.stderr == f"error: {path}: UTF-16 text; save it as UTF-8\n"
    path.write_bytes(text.encode("utf-8-sig"))
    assert run("flow", "list").exit_code == 0


def test_all_that_is_wrong_with_an_input_is_told(run: Run, deployed: Service, root: Path) -> None:
    schema = {
        "type": "object",
        "required": ["word", "band", "event"],
        "properties": {"count": {"type": "integer"}, "big": {"type": "string"}},
    }
    (root / "flows" / "say" / "input_schema.json").write_text(json.dumps(schema))
    big = json.dumps({"count": "x", "big": list(range(1000))})
    result = run("start", "say", "-i", "-", stdin=big)
    for words in ("'word' is a req", "'band' is a req", "'event' is a req", "$.count: 'x' is not"):
        assert words in result.stderr
    assert "$.big: the list there is not of type 'string'" in result.stderr
    assert "input_schema.json" in result.stderr
    assert len(result.stderr) < 1000
