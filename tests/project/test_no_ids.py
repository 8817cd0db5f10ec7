"""No id is pasted into what people edit or into the program: names stand for them."""

from __future__ import annotations

import re
from pathlib import Path

UUID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE)
WHERE = ("src", "flows", "compute_functions", "endpoint_configs", "job_scripts", "triggers")


def test_there_is_no_uuid_in_any_source(repository: Path) -> None:
    files = [repository / "headrace.toml", *repository.glob("*.md")]
    for directory in WHERE:
        files += [path for path in (repository / directory).rglob("*") if path.is_file()]
    assert len(files) > 200
    found = [
        f"{path}: {match[0]}"
        for path in files
        if "__pycache__" not in path.parts
        for match in [UUID.search(path.read_text(errors="replace"))]
        if match
    ]
    assert found == []
