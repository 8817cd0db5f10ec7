"""What is kept of a task's output, and read again."""

from __future__ import annotations

import os
from pathlib import Path

from headrace.compute import TaskOutput, read_task_output
from headrace.compute.task_output import remove_old_output


def keep(state_dir: Path, name: str, data: bytes, task: str = "one") -> None:
    path = state_dir / "output" / task / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def test_nothing_is_kept_of_a_task_that_said_nothing(tmp_path: Path) -> None:
    assert read_task_output(tmp_path, "one") == TaskOutput()


def test_short_output_is_whole(tmp_path: Path) -> None:
    keep(tmp_path, "stdout", b"first\nsecond\n")
    keep(tmp_path, "stderr", b"careful\n")
    assert read_task_output(tmp_path, "one") == TaskOutput("first\nsecond\n", "careful\n")


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    keep(tmp_path, "stdout", b"a" * 10)
    keep(tmp_path, "stdout.last", b"1000\n" + b"z" * 20)
    assert read_task_output(tmp_path, "one").stdout == (
        "a" * 10 + "\n[... 970 bytes are left out ...]\n" + "z" * 20
    )


def test_parts_that_overlap_are_joined(tmp_path: Path) -> None:
    keep(tmp_path, "stdout", b"0123456789")
    keep(tmp_path, "stdout.last", b"14\n56789abcd")
    assert read_task_output(tmp_path, "one").stdout == "0123456789abcd"


def test_nothing_steers_the_terminal(tmp_path: Path) -> None:
    keep(tmp_path, "stdout", b"\x1b[2Jgone\n\xff\n")
    (tmp_path / "errors").mkdir()
    (tmp_path / "errors" / "one.txt").write_text("ValueError: \x1b]0;title\x07\n")
    found = read_task_output(tmp_path, "one")
    assert found.stdout == "\\x1b[2Jgone\n\\xff\n"
    assert found.traceback == "ValueError: \\x1b]0;title\\x07\n"


def test_the_newest_are_kept(tmp_path: Path) -> None:
    for age, task in enumerate(("new", "older", "oldest")):
        keep(tmp_path, "stdout", task.encode(), task)
        os.utime(tmp_path / "output" / task, (1000 - age, 1000 - age))
    remove_old_output(tmp_path, 2)
    assert sorted(p.name for p in (tmp_path / "output").iterdir()) == ["new", "older"]
