"""Locations looked at before a run: links that lead out of a collection are told."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from headrace.hosted import Services
from headrace.project import load_project
from headrace.runs.collection_access import check_location
from headrace.runs.input_resolution import Location
from tests.support.small_project import write_project

NONE = cast(Services, None)  # nobody is asked about this machine's directories


@pytest.mark.parametrize("target", ["/", "../..", "inner/../../.."])
def test_a_folder_whose_link_leads_out_is_bad(tmp_path: Path, target: str) -> None:
    project = load_project(write_project(tmp_path))
    data = tmp_path / "data"
    (data / "inner").mkdir(parents=True)
    (data / "incoming").symlink_to(target)
    place = Location("here", "/incoming/run1/", "source")
    found = check_location(project, "local", NONE, place, must_exist=False)
    assert found.health == "bad"
    assert "leads out of the collection" in found.message
    assert "collection 'here'" in found.message


def test_a_folder_whose_link_stays_inside_is_good(tmp_path: Path) -> None:
    project = load_project(write_project(tmp_path))
    (tmp_path / "data/inner/run1").mkdir(parents=True)
    (tmp_path / "data/incoming").symlink_to("inner")
    place = Location("here", "/incoming/run1/", "source")
    found = check_location(project, "local", NONE, place, must_exist=True)
    assert found.health in ("good", "warning"), found.message
    assert "link" not in found.message


def test_a_path_of_something_that_is_not_there_yet_is_good(tmp_path: Path) -> None:
    project = load_project(write_project(tmp_path))
    (tmp_path / "data").mkdir(exist_ok=True)
    place = Location("here", "/not/yet/", "results")
    found = check_location(project, "local", NONE, place, must_exist=False)
    assert found.health in ("good", "warning"), found.message
