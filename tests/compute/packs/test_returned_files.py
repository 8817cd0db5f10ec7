"""Files that members return to the place of the results: they are the user's own."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headrace.compute.packs import run_pack
from headrace.compute.packs.returned_files import Printed, write_returned
from tests.support.sweep_project import member
from tests.support.waiting import wait_until

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.delenv("HEADRACE_JOBS", raising=False)

    def run(*members: dict[str, Any], **more: Any) -> dict[str, Any]:
        return run_pack(str(tmp_path / "pack"), list(members), **more)["members"]

    return run


def test_inputs_and_results_at_the_place_of_the_jobs_are_copied(run: Run, tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "sims" / "a" / "grid").mkdir(parents=True)
    (source / "sims" / "a" / "grid" / "x.dat").write_text("x")
    command = "mv grid/x.dat y.dat"
    more = {"source": "sims/a/", "inputs": ["grid/"], "outputs": ["y.dat"]}
    results = tmp_path / "results"
    for _ in range(2):
        found = run(member("a", command, **more), source=str(source), results=str(results))["a"]
        assert found["state"] == "done", found
        assert (results / "a" / "start-000.1" / "y.dat").read_text() == "x"
        assert (source / "sims" / "a" / "grid" / "x.dat").exists()
        shutil.rmtree(results)


def test_results_are_the_users_alone(run: Run, tmp_path: Path) -> None:
    """Neither the scratch directory nor a program that goes on changes them, nor the reverse."""
    goes_on = "touch up; until [ -e go ]; do sleep 0.05; done; echo late; touch went"
    command = f"setsid bash -c '{goes_on}' & until [ -e up ]; do sleep 0.05; done"
    command += "; echo on; echo x > out"
    members = [member("a", command, outputs=["out"]), member("b", "echo on")]
    results, work = tmp_path / "results", tmp_path / "pack" / "a" / "start-000.1" / "work"
    run(*members, results=str(results))
    place = results / "a" / "start-000.1"
    (work / "go").touch()
    wait_until((work / "went").exists, "the program that goes on")
    assert (place / "member.out").read_text() == "on\n"
    assert (work.parent / "stdout").read_text() == "on\nlate\n"
    assert {path.stat().st_nlink for path in place.iterdir()} == {1}
    # Nobody writes to this one any more: it was not copied.
    assert (results / "b" / "start-000.1" / "member.out").read_text() == "on\n"
    assert not (tmp_path / "pack" / "b" / "start-000.1" / "stdout").exists()
    assert [*results.glob("*/.*")] == []


def test_results_that_are_wanted_elsewhere_are_brought_there(run: Run, tmp_path: Path) -> None:
    one = member("a", "echo x > out", outputs=["out"])
    first, second = tmp_path / "first", tmp_path / "second"
    run(one, results=str(first))
    assert run(one, results=str(second))["a"]["redone"] is False
    assert (second / "a" / "start-000.1" / "out").read_text() == "x\n"
    (first / "a" / "start-000.1" / "out").write_text("changed")
    shutil.rmtree(second)
    assert run(one, results=str(second))["a"]["redone"] is True
    assert run(one)["a"]["redone"] is False
    assert (tmp_path / "pack" / "a" / "start-000.1" / "return" / "out").read_text() == "x\n"


def test_results_that_cannot_be_written_lose_nothing(run: Run, tmp_path: Path) -> None:
    results = tmp_path / "results"
    results.write_text("no directory")
    found = run(member("a", "echo on; echo x > out", outputs=["out"]), results=str(results))["a"]
    assert (found["state"], found["category"]) == ("failed", "file system")
    assert (tmp_path / "pack" / "a" / "start-000.1" / "stdout").read_text() == "on\n"


def test_a_file_that_is_opened_while_it_is_moved_ends_no_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "stdout"
    file.write_text("on\n")
    control = fcntl.fcntl
    got: list[int] = []

    def opened_by_another(descriptor: int, command: int, value: int = 0) -> int:
        found = control(descriptor, command, value)
        if (command, value) == (fcntl.F_SETLEASE, fcntl.F_RDLCK):
            with pytest.raises(BlockingIOError):
                os.open(file, os.O_WRONLY | os.O_NONBLOCK)
        return found

    monkeypatch.setattr(fcntl, "fcntl", opened_by_another)
    signals = (signal.SIGIO, signal.SIGURG)
    before = [signal.signal(each, lambda number, frame: got.append(number)) for each in signals]
    try:
        _write(tmp_path, file)
    finally:
        for each, handler in zip(signals, before, strict=True):
            signal.signal(each, handler)
    assert got == [signal.SIGURG]
    assert (tmp_path / "results" / "member.out").read_text() == "on\n"


def test_returned_files_have_the_group_of_the_results(tmp_path: Path) -> None:
    groups = [41_234] if os.geteuid() == 0 else [g for g in os.getgroups() if g != os.getegid()]
    if not groups:
        pytest.skip("this user has one group")
    results, file = tmp_path / "results", tmp_path / "stdout"
    results.mkdir()
    os.chown(results, -1, groups[0])
    results.chmod(0o2755)
    file.write_text("on\n")
    _write(tmp_path, file, "results/a")
    found = {path.name: path.stat().st_gid for path in (results / "a").iterdir()}
    assert found == dict.fromkeys(("out", "member.json", "member.out"), groups[0])
    assert file.exists()


def test_returned_files_have_the_rights_that_a_list_gives_to_new_ones(tmp_path: Path) -> None:
    results, file = tmp_path / "results", tmp_path / "stdout"
    results.mkdir()
    file.write_text("on\n")
    # Owner, another user, group, mask, others.
    entries = [(1, 7, -1), (2, 6, 12_345), (4, 5, -1), (16, 7, -1), (32, 5, -1)]
    rights = struct.pack("<I", 2) + b"".join(
        struct.pack("<HHI", tag, bits, who & 0xFFFFFFFF) for tag, bits, who in entries
    )
    try:
        os.setxattr(results, "system.posix_acl_default", rights)
    except OSError:
        pytest.skip("this file system knows no lists of rights")
    _write(tmp_path, file, "results/a")
    for path in (results / "a").iterdir():
        assert "system.posix_acl_access" in os.listxattr(path), path


@pytest.mark.parametrize("elsewhere", [True, False])
def test_an_output_with_the_name_of_a_record_spoils_no_file(
    run: Run, tmp_path: Path, elsewhere: bool
) -> None:
    precious = tmp_path / "precious.json"
    precious.write_text("precious")
    command = f"ln -s {precious} member.json; echo x > out.json"
    results = tmp_path / "results" if elsewhere else None
    more = {"results": str(results)} if results else {}
    found = run(member("a", command, outputs=["*.json"]), **more)["a"]
    assert (found["state"], found["files"]) == ("done", 1)
    assert precious.read_text() == "precious"
    place = (results or tmp_path / "pack") / "a" / "start-000.1" / ("" if results else "return")
    assert json.loads((place / "member.json").read_text())["outputs"] == {"out.json": 2}
    alone = run(member("b", f"ln -s {precious} member.json", outputs=["*.json"]), **more)["b"]
    assert alone["cause"] == "outputs missing: *.json"


def test_what_a_killed_worker_left_unfinished_is_removed_when_the_member_is_run_again(
    run: Run, tmp_path: Path
) -> None:
    results, flag = tmp_path / "results", tmp_path / "flag"
    one = member("a", f"test -e {flag}")
    assert run(one, results=str(results))["a"]["state"] == "failed"
    code = "import os, sys; from headrace.compute.packs.file_trees import temporary_beside\n"
    code += "os.mkdir(temporary_beside(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", code, str(results / "a" / "start-000.1")], check=True)
    flag.touch()
    assert run(one, results=str(results))["a"]["state"] == "done"
    assert [path.name for path in (results / "a").iterdir()] == ["start-000.1"]


def _write(place: Path, printed: Path, name: str = "results") -> None:
    work = place / "work"
    work.mkdir()
    (work / "out").write_text("x")
    said = Printed("member.out", printed.read_text(), str(printed))
    write_returned(place / name, work, ["out"], "{}", [said], links=False)
