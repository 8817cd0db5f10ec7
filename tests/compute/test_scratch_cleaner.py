"""The function that removes scratch directories, as it travels: by its text alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from headrace.compute.packs.journal import Journal
from headrace.compute.scratch_cleaner import NAME, cleaner_code
from headrace.compute.wire_text import source_text

Clean = Callable[..., list[dict[str, Any]]]
TASK = str(UUID(int=17))


@pytest.fixture
def clean() -> Clean:
    text = source_text(cleaner_code())
    assert text is not None
    names: dict[str, Any] = {}
    exec(text, names)
    function: Clean = names[NAME]
    return function


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "scratch"
    root.mkdir()
    return root


def scratch(path: Path, mark: str = "job") -> Path:
    """Make what a run leaves: a job's record, or a stage's manifest, and data."""
    (path / "jobs" / "fit").mkdir(parents=True)
    (path / "data.bin").write_bytes(b"x" * 100_000)
    if mark == "job":
        (path / "jobs" / "fit" / "submission.json").write_text(json.dumps({"tag": f"{TASK}.0"}))
    elif mark == "pack":
        manifest = {"inputs": {}, "output": "a1", "facts": {}}
        line = json.dumps({"directory": "a/start-000.1", "manifest": manifest})
        (path / "members.jsonl").write_text(f"{line}\n{line[:20]}")
    elif mark == "journal":
        # The real one, whose first member has very many inputs.
        with closing(Journal(path / "members.jsonl")) as journal:
            inputs = {f"grid/file-{n}": "0" * 32 for n in range(10_000)}
            journal.add("a/start-000.1", path, {"inputs": inputs, "output": "a1", "facts": {}})
            for n in range(3):
                os.link(path / "members.jsonl", path / "jobs" / f"{n}.jsonl")
    elif mark == "stage":
        document = {"inputs": {}, "output": "a1", "facts": {}}
        (path / "fit.done.json").write_text(json.dumps(document))
    return path


def wanted(path: Path | str, seconds: float = 0.0, task: str = TASK) -> dict[str, Any]:
    return {"path": str(path), "task_ids": [task], "seconds": seconds}


@pytest.mark.parametrize("mark", ["job", "stage", "pack", "journal"])
def test_a_directory_of_ours_is_looked_at_and_removed(clean: Clean, root: Path, mark: str) -> None:
    made = scratch(root / "runs" / "run7", mark)
    other = scratch(root / "runs" / "run8")
    [looked] = clean(str(root), [wanted(made)], False)
    assert (looked["problem"], looked["removed"]) == ("", False)
    assert looked["bytes"] >= 100_000
    assert made.exists()
    [removed] = clean(str(root), [wanted(made)], True)
    assert removed["removed"]
    assert [*(root / "runs").iterdir()] == [other]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda made: (made / "jobs" / "fit" / "submission.json").unlink(), "nothing in it says"),
        (lambda made: (made / "inversion.toml").touch(), "kept for what is in it"),
        (lambda made: (made / ".keep").touch(), "kept for what is in it"),
    ],
)
def test_what_is_not_known_to_be_ours_or_is_kept_stays(
    clean: Clean, root: Path, change: Callable[[Path], None], words: str
) -> None:
    made = scratch(root / "run7")
    change(made)
    [answer] = clean(str(root), [wanted(made)], True)
    assert words in answer["problem"]
    assert (made / "data.bin").exists()


def test_a_record_of_another_task_is_no_mark(clean: Clean, root: Path) -> None:
    made = scratch(root / "run7")
    [answer] = clean(str(root), [wanted(made, task="2" * 36)], True)
    assert "nothing in it says" in answer["problem"]
    assert made.exists()


def test_what_was_changed_a_moment_ago_stays(clean: Clean, root: Path) -> None:
    made = scratch(root / "run7")
    # A copy that keeps the time of its source is new all the same.
    os.utime(made / "data.bin", (0, 0))
    [answer] = clean(str(root), [wanted(made, seconds=3600)], True)
    assert "changed since" in answer["problem"]
    assert made.exists()


def test_nothing_outside_the_root_is_removed(clean: Clean, root: Path, tmp_path: Path) -> None:
    outside = scratch(tmp_path / "outside")
    paths = (root, outside, f"{root}/../outside", tmp_path, "run7", f"{root}/.", "/")
    answers = clean(str(root), [wanted(path) for path in paths], True)
    assert all(answer["problem"] and not answer["removed"] for answer in answers)
    assert (outside / "data.bin").exists()
    assert root.exists()


def test_no_symbolic_link_is_followed(clean: Clean, root: Path, tmp_path: Path) -> None:
    outside = scratch(tmp_path / "outside")
    inner = scratch(tmp_path / "far" / "run8")
    (root / "link").symlink_to(outside)
    (root / "far").symlink_to(inner.parent)
    answers = clean(str(root), [wanted(root / "link"), wanted(root / "far" / "run8")], True)
    assert all(answer["problem"] for answer in answers)
    # A link in a directory goes with it, and not what it leads to.
    made = scratch(root / "run7")
    (made / "link").symlink_to(outside)
    [answer] = clean(str(root), [wanted(made)], True)
    assert answer["removed"]
    assert (outside / "data.bin").exists()
    assert (inner / "data.bin").exists()


def test_an_interrupted_removal_is_finished(clean: Clean, root: Path) -> None:
    made = scratch(root / "run7")
    made.rename(root / ".run7.headrace-removed")
    [looked] = clean(str(root), [wanted(made)], False)
    assert looked["problem"] == ""
    [removed] = clean(str(root), [wanted(made)], True)
    assert removed["removed"]
    assert [*root.iterdir()] == []
    [gone] = clean(str(root), [wanted(made)], True)
    assert gone["problem"] == "it is not there any more"


def test_what_a_removal_has_left_goes_though_the_directory_is_there_anew(
    clean: Clean, root: Path
) -> None:
    made = scratch(root / "run7")
    scratch(root / ".run7.headrace-removed")
    [removed] = clean(str(root), [wanted(made)], True)
    assert (removed["problem"], removed["removed"]) == ("", True)
    assert [*root.iterdir()] == []


def test_a_directory_that_a_job_of_an_unknown_run_used_stays(clean: Clean, root: Path) -> None:
    made = scratch(root / "run7")
    (made / "jobs" / "other").mkdir()
    tag = f"headrace:{'2' * 36}:abc"
    (made / "jobs" / "other" / "submission.json").write_text(json.dumps({"tag": tag}))
    [answer] = clean(str(root), [wanted(made)], True)
    assert "a run that is not known" in answer["problem"]
    assert made.exists()


@pytest.mark.parametrize("place", ["run7", "run7/raw", "run7/to_come", "."])
def test_what_another_run_uses_by_another_path_stays(
    clean: Clean, root: Path, tmp_path: Path, place: str
) -> None:
    made = scratch(root / "all" / "run7")
    (made / "raw").mkdir()
    (tmp_path / "alias").symlink_to(root / "all")
    [answer] = clean(str(root), [wanted(made)], True, (str(tmp_path / "alias" / place),))
    assert "another run" in answer["problem"]
    assert made.exists()
    elsewhere = (str(tmp_path / "alias" / "run8"), "/none/of/ours", "/a\0b")
    [answer] = clean(str(root), [wanted(made)], True, elsewhere)
    assert answer["removed"]


@pytest.mark.parametrize("remade", [False, True])
def test_what_changes_while_it_is_removed_stays(
    clean: Clean, root: Path, monkeypatch: pytest.MonkeyPatch, remade: bool
) -> None:
    made = scratch(root / "run7")
    rename = os.rename

    def rename_late(source: str, target: str, **where: int) -> None:
        if target.endswith("-removed"):
            (made / "new.bin").write_bytes(b"x")
        rename(source, target, **where)
        if target.endswith("-removed") and remade:
            (made / "data").mkdir(parents=True)

    monkeypatch.setattr(os, "rename", rename_late)
    [answer] = clean(str(root), [wanted(made)], True)
    assert "changed meanwhile" in answer["problem"]
    monkeypatch.undo()
    assert made.exists()
    clean(str(root), [wanted(made, seconds=3600)], True)
    [kept] = [path for path in root.iterdir() if "kept" in path.name] if remade else [made]
    assert (kept / "new.bin").exists()


_IN_A_NAMESPACE = """
import json, subprocess, sys
from headrace.compute.packs.journal import Journal
from headrace.compute.scratch_cleaner import headrace_scratch
root, home, made, task = sys.argv[1:]
subprocess.run(["mount", "--bind", home, made + "/home"], check=True)
wanted = {"path": made, "task_ids": [task], "seconds": 0.0}
print(json.dumps(headrace_scratch(root, [wanted], True)))
"""


def test_what_is_mounted_in_it_stays(root: Path, tmp_path: Path) -> None:
    alone = ["unshare", "--user", "--map-root-user", "--mount"]
    if shutil.which("unshare") is None or subprocess.run([*alone, "true"], check=False).returncode:
        pytest.skip("no namespace of mounts may be made here")
    made = scratch(root / "run7")
    (made / "home").mkdir()
    home = tmp_path / "home"
    home.mkdir()
    (home / "thesis.tex").touch()
    call = [sys.executable, "-c", _IN_A_NAMESPACE, str(root), str(home), str(made), TASK]
    done = subprocess.run([*alone, *call], check=True, capture_output=True, text=True)
    [answer] = json.loads(done.stdout)
    assert "mounted" in answer["problem"]
    assert (home / "thesis.tex").exists()
    assert (made / "data.bin").exists()


def test_a_file_with_several_names_is_counted_once(clean: Clean, root: Path) -> None:
    made = scratch(root / "run", "journal")
    [found] = clean(str(root), [wanted(made)], False)
    file = made / "members.jsonl"
    data = (made / "data.bin").stat().st_blocks * 512
    assert found["bytes"] == data + file.stat().st_blocks * 512
