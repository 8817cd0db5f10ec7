"""Packages bring groups of commands by the entry points `headrace.commands`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from headrace.cli.root import COMMANDS

ENTRY_POINTS = """
[headrace.commands]
tides = tides_commands:tides_group
missing = package_that_is_not_there:group
number = tides_commands:not_a_command
run = tides_commands:tides_group
"""
Headrace = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def headrace(tmp_path: Path, extensions: Path) -> Headrace:
    """The program where the package of docs/extending.md is installed."""
    text = (extensions / "tides_commands.py").read_text()
    (tmp_path / "tides_commands.py").write_text(f"{text}\n\nnot_a_command = 7\n")
    metadata = tmp_path / "tides-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: tides\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(ENTRY_POINTS)
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "headrace.cli", *arguments],
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
        )

    return call


def test_an_outside_group_is_listed_and_runs(headrace: Headrace) -> None:
    listed = headrace("--help")
    assert (listed.returncode, listed.stderr) == (0, "")
    assert "tides      Forecast tides." in listed.stdout
    assert headrace("tides", "forecast").stdout == "high water at noon\n"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing", "No module named 'package_that_is_not_there'"),
        ("number", "it is not a click command"),
    ],
)
def test_one_that_cannot_be_imported_says_so_and_disturbs_no_other(
    headrace: Headrace, name: str, reason: str
) -> None:
    assert f"{name} " in headrace("--help").stdout
    failed = headrace(name, "anything", "--at", "all")
    assert failed.returncode == 1
    assert len(failed.stderr.splitlines()) == 1
    assert "of the package tides cannot be used" in failed.stderr
    assert reason in failed.stderr
    assert headrace("tides", "forecast").returncode == 0


def test_no_entry_point_replaces_a_command_of_headrace(headrace: Headrace) -> None:
    assert "retry" in headrace("run", "--help").stdout


def test_the_groups_of_the_science_packages_are_entry_points(headrace: Headrace) -> None:
    page = headrace("--help").stdout
    for name in ("data", "data-run", "demo", "inversion", "md"):
        assert name not in COMMANDS
        assert f"\n  {name} " in page
