"""Definitions that other people have written, for the hosted service.

They are not kept here. ``HEADRACE_FLOW_DEFINITIONS`` names a directory with one folder for each:
``definition.json``, where there is one ``input_schema.json``, and ``mistakes.json`` with the reason
where the service refuses the definition too, or every run of it fails. That many of them call
providers which have been shut down since is no mistake of theirs.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from headrace.flowlang import check_flow

WANTED = 60
_DIRECTORY = os.environ.get("HEADRACE_FLOW_DEFINITIONS", "")
FOLDERS = (
    sorted(path.parent for path in Path(_DIRECTORY).glob("*/definition.json")) if _DIRECTORY else []
)

pytestmark = pytest.mark.skipif(
    not _DIRECTORY, reason="HEADRACE_FLOW_DEFINITIONS names no directory of definitions"
)


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def findings_of(folder: Path) -> list[Any]:
    text = (folder / "definition.json").read_text(encoding="utf-8")
    schema = read(folder / "input_schema.json")
    return check_flow(json.loads(text), schema, source=text)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_what_the_service_accepts_is_accepted(folder: Path) -> None:
    errors = [
        finding
        for finding in findings_of(folder)
        if finding.severity == "error" and finding.code != "deprecated-provider"
    ]
    if read(folder / "mistakes.json") is None:
        assert errors == []
    else:
        assert errors


def test_there_are_enough_and_they_differ() -> None:
    texts = {json.dumps(read(folder / "definition.json"), sort_keys=True) for folder in FOLDERS}
    assert len(texts) == len(FOLDERS) >= WANTED
    accepted = [folder for folder in FOLDERS if read(folder / "mistakes.json") is None]
    assert len(accepted) >= WANTED
    print(Counter(finding.code for folder in accepted for finding in findings_of(folder)))
