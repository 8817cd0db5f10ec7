"""Scripts and styles of others are what ``vendor.json`` says, and nothing else is there."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

from tests.support.repository import SOURCE

WEB = SOURCE / "headrace" / "web"
VENDOR = WEB / "static" / "vendor"
LISTED = json.loads((WEB / "vendor.json").read_text())


def test_every_file_is_the_one_that_is_listed() -> None:
    listed = {name: digest for each in LISTED for name, digest in each["files"].items()}
    there = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in VENDOR.iterdir()}
    assert there == listed


@pytest.mark.parametrize("package", LISTED, ids=lambda package: package["name"])
def test_every_package_has_its_version_and_licence(package: dict[str, str]) -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", package["version"])
    assert package["licence"] in ("0BSD", "MIT")
    assert (VENDOR / f"{package['name']}.LICENSE.txt").read_text().strip()


@pytest.mark.parametrize(
    "script", [*VENDOR.glob("*.js"), *(WEB / "static").glob("*.js")], ids=lambda path: path.name
)
def test_no_script_makes_code_of_texts(script: Path) -> None:
    text = script.read_text()
    assert not re.search(r"\beval\s*\(|new Function\b|set(Timeout|Interval)\s*\(\s*[\"'`]", text)
    assert "http://" not in text.replace("http://www.w3.org/", "")
