"""A transfer that is killed anywhere ends, when it is run again, as if it had not been."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import headrace
from headrace.facility.transfer import TransferError
from tests.support.repository import SUPPORT

PROGRAM = SUPPORT / "facility" / "transfer_kill_program.py"
FILE = {"source_path": "/d/big", "destination_path": "/new/big"}
TREE = {"source_path": "/d", "destination_path": "/out", "recursive": True}


def kill_everywhere(base: Path, second: int = 0, **options: Any) -> dict[str, Any]:
    files: dict[str, bytes] = {
        "source/d/a": b"a",
        "source/d/big": bytes(range(256)) * 9000,
        "source/d/sub/b": b"b",
        "source/d/sub/deep/c": b"",
        "before/out/a": b"old",
        "before/out/extra/x": b"x",
        "before/out/sub": b"a file where a directory is to be",
    }
    if not options.get("delete_destination_extra"):
        del files["before/out/sub"]
    for name, content in files.items():
        path = base / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (1_000_000_000, 1_000_000_000))
    (base / "source/d/empty").mkdir()
    environment = {**os.environ, "PYTHONPATH": str(Path(headrace.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(base), json.dumps(options), str(second)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=250,
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@pytest.mark.parametrize(
    ("options", "second"),
    [
        ({"DATA": [FILE]}, 0),
        ({"DATA": [FILE], "in_parts": True}, 0),
        ({"DATA": [FILE], "verify_checksum": False}, 0),
        ({"DATA": [TREE]}, 0),
        ({"DATA": [TREE], "delete_destination_extra": True}, 0),
        ({"DATA": [TREE, FILE], "delete_destination_extra": True}, 30),
    ],
)
def test_killed_before_every_call(tmp_path: Path, options: dict[str, Any], second: int) -> None:
    result = kill_everywhere(tmp_path, second, **options)
    assert result["places"] > 20
    assert result["wrong"] == []
    assert result["half_seen"] == []


def test_leftovers_go_even_when_the_next_attempt_cannot_begin(bench: Any) -> None:
    """Also where the source has no such directory any more, and when the task is canceled."""
    bench.write({"d/a": "a", "d/sub/b": b"b" * (3 << 20)})

    def stop() -> bool:
        part = bench.destination / "d/sub"
        return part.exists() and any(path.stat().st_size > 1 << 20 for path in part.iterdir())

    for spoil in ("source", "cancel"):
        bench.should_stop = stop
        with pytest.raises(TransferError):
            bench.transfer(("/d", "/d", True), task="t", will_resume=lambda: True)
        assert any(".headrace-" in name for name in bench.tree())
        canceled = spoil == "cancel"
        bench.should_stop = (lambda: True) if canceled else (lambda: False)
        if spoil == "source":
            (bench.source / "d").rename(bench.source / "moved")
        with pytest.raises(TransferError):
            bench.transfer(("/d", "/d", True), task="t")
        assert not any(".headrace-" in name for name in bench.tree())
        if spoil == "source":
            (bench.source / "moved").rename(bench.source / "d")


def test_files_that_were_done_are_not_copied_again_unless_they_changed(bench: Any) -> None:
    bench.write({f"d/f{n}": f"content {n}" for n in range(6)})

    def stop() -> bool:
        return (bench.destination / "d/f3").exists()

    bench.should_stop = stop
    with pytest.raises(TransferError):
        bench.transfer(("/d", "/d", True), task="t", will_resume=lambda: True)
    inodes = {n: (bench.destination / f"d/f{n}").stat().st_ino for n in range(4)}
    (bench.source / "d/f1").write_text("changed 1")
    (bench.destination / "d/f2").write_text("spoilt  2")
    bench.should_stop = lambda: False
    document = bench.transfer(("/d", "/d", True), task="t")
    assert bench.tree(bench.destination) == bench.tree(bench.source)
    again = {n for n in range(4) if (bench.destination / f"d/f{n}").stat().st_ino != inodes[n]}
    assert again == {1, 2}
    assert document["files_transferred"] == 6
