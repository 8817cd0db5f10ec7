"""Campaigns that headrace ships: two of one kind do not write into each other's directories."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.support.repository import REPOSITORY

FILES = sorted((REPOSITORY / "campaigns").glob("*.toml"))


def written_paths(file: Path) -> dict[str, str]:
    """Returns the templates of the paths that runs of a campaign write to."""
    document: dict[str, Any] = tomllib.loads(file.read_text())
    found = {"results.directory": str(document["results"]["directory"])}
    for step in [document[name] for name in ("start", *document.get("steps", ()))]:
        for name in ("staging", "results"):
            found[name] = str(step["input"][name]["path"])
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_each_campaign_writes_below_its_own_name(file: Path) -> None:
    paths = written_paths(file)
    assert {"staging", "results"} < set(paths)
    assert {name: path for name, path in paths.items() if "{campaign}" not in path} == {}
