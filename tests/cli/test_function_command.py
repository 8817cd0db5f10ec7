"""``headrace function show`` and ``run`` through the real command, facility and endpoint."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from headrace.facility import stop_facility
from tests.support.command_process import Command, document

DOUBLE = '''
def double(x: int, name: str = "nobody") -> dict:
    """Double a number."""
    if x < 0:
        raise ValueError("x must not be negative")
    return {"twice": 2 * x, "name": name}
'''


@pytest.fixture
def root(tmp_path: Path, repository: Path):
    root = tmp_path / "project"
    (root / "compute_functions").mkdir(parents=True)
    (root / "flows").mkdir()
    shutil.copytree(repository / "endpoint_configs" / "local", root / "endpoint_configs" / "local")
    (root / "headrace.toml").write_text('[endpoints.here]\ntemplate = "local"\n')
    (root / "compute_functions" / "double.py").write_text(DOUBLE)
    yield root
    stop_facility(root)


def test_a_function_is_shown_and_tried_by_hand(headrace: Command):
    shown = document(headrace, "function", "show", "double")
    assert shown["signature"] == "double(x: int, name: str='nobody') -> dict"
    assert shown["arguments"]["required"] == ["x"]
    assert shown["state"] == "not deployed"
    early = headrace("function", "run", "double", "-e", "here", "-s", "x=2")
    assert early.returncode == 1
    assert "run `headrace deploy" in early.stderr
    assert headrace("deploy").returncode == 0
    assert document(headrace, "function", "run", "double", "-e", "here", "-s", "x=2") == {
        "twice": 4,
        "name": "nobody",
    }
    piped = headrace("function", "run", "double", "-e", "here", "-k", "-", stdin='{"x": 1}')
    assert json.loads(piped.stdout)["twice"] == 2
    for arguments, words in (
        (("double", "-e", "here", "-s", "x=two"), "double: $.x: 'two' is not of type 'integer'"),
        (("double", "-e", "here"), "'x' is a required property"),
        (("double", "-e", "there", "-s", "x=2"), "no endpoint 'there'"),
        (("duble", "-e", "here"), "no function 'duble'"),
        (("double", "-e", "here", "-s", "x=-1"), "ValueError: x must not be negative"),
    ):
        refused = headrace("function", "run", *arguments)
        assert refused.returncode == 1, arguments
        [line] = [x for x in refused.stderr.splitlines() if x.startswith("error")]
        assert words in line
    # The flow that was made for the call is gone.
    assert document(headrace, "flow", "list") == []
