"""No id is pasted into any file: names stand for them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

UUID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE)
# What a lock file is, and the dump of a store that an earlier version wrote.
EXAMPLES = ("headrace.lock", ".sql")


def test_there_is_no_uuid_in_any_file_but_locks_and_examples(repository: Path) -> None:
    listed = subprocess.run(
        ["git", "-C", str(repository), "ls-files", "-co", "--exclude-standard"],
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip("not a clone of the repository: git lists no files")
    files = [repository / name for name in listed.stdout.splitlines()]
    assert len(files) > 200
    found = [
        f"{path}: {match[0]}"
        for path in files
        if path.is_file() and not path.name.endswith(EXAMPLES)
        for match in [UUID.search(path.read_text(errors="replace"))]
        if match
    ]
    assert found == []
