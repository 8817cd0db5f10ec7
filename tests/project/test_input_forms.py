"""The repository's flows have input forms that a person can fill in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def properties(schema: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, member in schema.get("properties", {}).items():
        yield f"{path}.{name}", member
        yield from properties(member, f"{path}.{name}")
    if isinstance(schema.get("items"), dict):
        yield from properties(schema["items"], f"{path}[]")


def test_every_input_has_a_title_and_those_of_the_first_level_a_description(
    repository: Path,
) -> None:
    schemas = sorted((repository / "flows").glob("*/input_schema.json"))
    assert len(schemas) >= 3
    missing = []
    for path in schemas:
        schema = json.loads(path.read_text())
        assert schema["title"], path
        assert schema.get("propertyOrder") == list(schema["properties"]), path
        for name, member in properties(schema, path.parent.name):
            if "title" not in member:
                missing.append(f"{name}: title")
            if name.count(".") == 1 and "description" not in member:
                missing.append(f"{name}: description")
            if set(member.get("properties", {})) == {"id", "path"}:
                assert member["format"] == "globus-collection", name
    assert missing == []
