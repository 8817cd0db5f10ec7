"""Entry points are read once, and again when something is installed."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import pytest

from headrace._internal.entry_points import entry_points


def install(site: Path, name: str) -> None:
    info = site / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[headrace.tests_of_ours]\n{name} = json\n")


def test_they_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = entry_points("headrace.commands").names
    assert first
    monkeypatch.delattr(metadata, "entry_points")
    assert entry_points("headrace.commands").names == first


def test_what_is_installed_meanwhile_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert entry_points("headrace.tests_of_ours").names == set()
    install(tmp_path / "site", "one")
    monkeypatch.syspath_prepend(tmp_path / "site")
    assert entry_points("headrace.tests_of_ours").names == {"one"}
    install(tmp_path / "site", "two")
    assert entry_points("headrace.tests_of_ours").names == {"one", "two"}
