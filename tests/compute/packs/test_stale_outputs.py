"""Outputs of an earlier attempt: they are removed, and nothing else."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from headrace.compute.packs import PackMember, run_pack
from headrace.compute.packs.member_script import command_text
from headrace.compute.packs.stale_outputs import remove_stale_outputs
from tests.support.sweep_project import member

Remove = Callable[[Path, PackMember, Sequence[str]], None]
FILES = (
    "in.dat",
    "x.dat",
    "o u't.dat",
    "next.json",
    "deck/x.dat",
    "deck/deeper/x.dat",
    "frames/1/a.png",
    "frames/last/x.dat",
    "frames2/x.dat",
    "[a]/x.dat",
)
TOP = {"in.dat", "x.dat", "o u't.dat", "linked.dat"}
LINKS = {"mesh": "shared", "deck/mesh": "shared", "linked.dat": "shared/x.dat"}


def by_a_script(work: Path, one: PackMember, inputs: Sequence[str]) -> None:
    """As in a batch job, which the scheduler may run again."""
    text = command_text(one, inputs, resumes=False)
    subprocess.run(["bash", "-c", text], cwd=work, check=True)


@pytest.mark.parametrize("remove", [remove_stale_outputs, by_a_script])
@pytest.mark.parametrize(
    ("patterns", "inputs", "removed"),
    [
        (["x.dat"], [], {"x.dat"}),
        (["./x.dat", "o u't*.dat"], ["./in.dat"], {"x.dat", "o u't.dat"}),
        (["*.dat"], ["in.dat"], set()),
        (["[xl]*.dat"], ["in.dat"], {"x.dat", "linked.dat"}),
        (["*/x.dat"], ["[a]/"], set()),
        (["?[er]*/x.dat"], [], {"deck/x.dat", "frames2/x.dat"}),
        (["?[er]*/x.dat"], ["deck/"], {"frames2/x.dat"}),
        (["mesh/x.dat"], [], set()),
        (["deck/**/x.dat"], [], {"deck/x.dat", "deck/deeper/x.dat"}),
        (["frames/"], [], {"frames"}),
        (["frames/**"], [], {"frames"}),
        (["frames/*/"], ["frames/last/"], set()),
        (["mesh/"], [], set()),
        (["*"], [], TOP),
        (["**"], [], {"deck", "frames", "frames2", "[a]", *TOP}),
        (["*/"], ["x.dat"], {"deck", "frames", "frames2", "[a]"}),
    ],
)
def test_outputs_alone_are_removed(
    remove: Remove, patterns: list[str], inputs: list[str], removed: set[str], tmp_path: Path
) -> None:
    shared, work = tmp_path / "shared", tmp_path / "work"
    for name in FILES:
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        (work / name).write_text(name)
    (shared / "below").mkdir(parents=True)
    for name in ("x.dat", "below/x.dat"):
        (shared / name).write_text("precious")
    for name, target in LINKS.items():
        (work / name).symlink_to(tmp_path / target)
    before = {str(path.relative_to(work)) for path in work.rglob("*")}
    one = PackMember("a", "a", "true", outputs=patterns[:1], optional_outputs=patterns[1:])
    remove(work, one, inputs)
    gone = before - {str(path.relative_to(work)) for path in work.rglob("*")}
    assert gone == {"next.json"}.union(
        *({name for name in before if f"{name}/".startswith(f"{each}/")} for each in removed)
    )
    assert {path.name for path in shared.rglob("*")} == {"x.dat", "below"}
    assert (shared / "below" / "x.dat").read_text() == "precious"


def test_what_the_command_wants_next_may_be_an_input(tmp_path: Path) -> None:
    (tmp_path / "next.json").write_text("{}")
    one = PackMember("a", "a", "true", inputs=["next.json"])
    for remove in (remove_stale_outputs, by_a_script):
        remove(tmp_path, one, one.inputs)
    assert (tmp_path / "next.json").exists()


def test_a_command_that_goes_on_with_its_files_keeps_them() -> None:
    one = PackMember("a", "a", "go", outputs=["*.dat"])
    assert command_text(one, [], resumes=True) == "go\n"


def test_files_behind_a_link_survive_a_second_run_of_a_member(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HEADRACE_JOBS", raising=False)
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "x.dat").write_text("precious")
    command = f"ln -sfn {tmp_path}/shared mesh; mkdir -p o; [ ! -e o/x.dat ] && echo 1 > o/x.dat"
    one = member("a", f"{command}; exit 1", outputs=["*/x.dat"])
    for changed in ("", " # again"):
        one["command"] += changed
        found = run_pack(str(tmp_path / "pack"), [one], how="here")["members"]["a"]
        assert found["files"] == 1
    assert (tmp_path / "shared" / "x.dat").read_text() == "precious"
