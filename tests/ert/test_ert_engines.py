"""Engines by name, and one of another package."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headrace.ert import SettingsError
from headrace.ert.jobs import FoundJob, find_job
from headrace.ert.program import invert, main
from headrace.ert.registry import engine_names, open_engine


@pytest.fixture
def mean_resistivity(extensions: Path, add_entry_point) -> None:
    """The page's code, as a module of another package that announces it."""
    add_entry_point("headrace.ert_engines", "mean_resistivity", "mean_resistivity:make")


@pytest.fixture
def values(tmp_path: Path) -> Path:
    (tmp_path / "line").mkdir()
    (tmp_path / "line/values.txt").write_text("90\n110\n")
    return tmp_path / "line"


@pytest.mark.usefixtures("mean_resistivity")
def test_an_engine_of_another_package_is_asked_after_those_here(values: Path) -> None:
    assert engine_names() == ["crtomo", "pygimli", "mean_resistivity"]
    assert find_job(values) == FoundJob("mean_resistivity", "inversion")


@pytest.mark.usefixtures("mean_resistivity")
def test_its_result_is_recorded_as_of_any_other(
    values: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "output"
    assert main([str(values), "--output", str(output)]) == 0
    facts = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert facts == {"rms": pytest.approx(10.0), "data": 2, "cells": 1, "stop_reason": "computed"}
    record = json.loads((output / "result.json").read_text())
    assert record["state"] == "done"
    assert record["engine"] == "mean_resistivity"
    assert record["version"] == "mean resistivity 1"
    assert record["files"] == {"model": "model.txt"}


@pytest.mark.usefixtures("mean_resistivity")
def test_its_failure_is_one_line(
    values: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (values / "values.txt").write_text("")
    assert main([str(values), "--output", str(tmp_path / "output")]) == 1
    assert capsys.readouterr().err == "ert_invert: values.txt: holds no values\n"
    record = json.loads((tmp_path / "output/result.json").read_text())
    assert (record["state"], record["cause"]) == ("failed", "values.txt: holds no values")


def test_no_engine_of_a_name_lists_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="engine 'res2dinv': there are crtomo, pygimli"):
        open_engine("res2dinv", {})
    with pytest.raises(SettingsError, match="there are crtomo, pygimli"):
        invert(tmp_path, tmp_path / "output", "res2dinv", {})


def test_two_packages_with_one_name_are_both_named(extensions: Path, add_entry_point) -> None:
    add_entry_point("headrace.ert_engines", "mean", "mean_resistivity:make")
    add_entry_point("headrace.ert_engines", "mean", "file_count:FileCount")
    with pytest.raises(SettingsError, match="two packages bring it, file_count:FileCount and mean"):
        open_engine("mean", {})
