"""Entry points are read once, and again when something is installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from headrace._internal.entry_points import EntryPoint, entry_points

GROUP = "headrace.tests_of_ours"


def install(site: Path, name: str, value: str = "json", version: str = "1.0") -> None:
    info = site / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(f"[{GROUP}]\n{name} = {value}\n")


def test_they_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = entry_points("headrace.commands").names
    assert first
    monkeypatch.delattr(os, "listdir")
    assert entry_points("headrace.commands").names == first


def test_what_is_installed_meanwhile_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert entry_points(GROUP).names == set()
    install(tmp_path / "site", "one")
    monkeypatch.syspath_prepend(tmp_path / "site")
    assert entry_points(GROUP).names == {"one"}
    install(tmp_path / "site", "two")
    assert entry_points(GROUP).names == {"one", "two"}


def test_they_are_those_of_importlib() -> None:
    known = metadata.entry_points()
    assert "headrace.commands" in known.groups
    for group in known.groups:
        wanted = sorted((point.name, point.value) for point in known.select(group=group))
        assert sorted((point.name, point.value) for point in entry_points(group)) == wanted


def test_the_first_package_of_a_name_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "later", "a_package", "json")
    install(tmp_path / "first", "a_package", "json:dumps", "2.0")
    monkeypatch.syspath_prepend(tmp_path / "later")
    monkeypatch.syspath_prepend(tmp_path / "first")
    (point,) = entry_points(GROUP)
    assert point.load() is json.dumps
    assert point.dist is not None
    assert (point.dist.name, point.dist.version) == ("a_package", "2.0")


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("json", json),
        ("json:dumps", json.dumps),
        ("json.decoder : JSONDecoder.decode", json.JSONDecoder.decode),
        ("json:dumps [extra]", json.dumps),
    ],
)
def test_an_object_is_loaded_as_importlib_does(value: str, found: object) -> None:
    assert EntryPoint("x", value, GROUP, "").load() is found
    assert metadata.EntryPoint("x", value, GROUP).load() is found


def test_comments_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "one")
    file = tmp_path / "one-1.0.dist-info" / "entry_points.txt"
    file.write_text(f"# x = y\n[other]\nz = json\n\n[{GROUP}]\n# a = b\n  one=json\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert [(point.name, point.value) for point in entry_points(GROUP)] == [("one", "json")]


def test_packages_in_an_archive_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path / "site", "one")
    with zipfile.ZipFile(tmp_path / "one.zip", "w") as archive:
        for file in (tmp_path / "site").rglob("*"):
            archive.write(file, file.relative_to(tmp_path / "site"))
    monkeypatch.syspath_prepend(tmp_path / "one.zip")
    assert entry_points(GROUP).names == {"one"}


def test_nothing_else_is_imported_for_them() -> None:
    program = (
        "import sys; from headrace._internal.entry_points import entry_points\n"
        "assert entry_points('headrace.commands')\n"
        "sys.exit('importlib.metadata' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
