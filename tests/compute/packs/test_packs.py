"""Packs that run here: real commands side by side."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from headrace.compute.batch import BatchJobError
from headrace.compute.packs import PackError, PackMember, journal, read_members, run_pack
from headrace.compute.packs.journal import read_journal
from headrace.compute.packs.workspace import MemberWorkspace
from headrace.compute.scratch_cleaner import headrace_scratch
from tests.support.sweep_project import member
from tests.support.waiting import wait_until

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.delenv("HEADRACE_JOBS", raising=False)

    def run(*members: dict[str, Any], **more: Any) -> dict[str, Any]:
        return run_pack(str(tmp_path / "pack"), list(members), **more)["members"]

    return run


def test_outputs_come_with_their_directories_and_nothing_else(run: Run, tmp_path: Path) -> None:
    command = "mkdir -p frames/1; echo a > frames/1/a.png; echo b > b.log; echo c > c.dat"
    found = run(member("a", command, outputs=["frames/", "*.dat"]))["a"]
    assert (found["state"], found["files"], found["bytes"]) == ("done", 2, 4)
    returned = tmp_path / "pack" / "a" / "start-000.1" / "return"
    files = {str(p.relative_to(returned)) for p in returned.rglob("*") if p.is_file()}
    assert files == {"frames/1/a.png", "c.dat", "member.json", "member.out", "member.err"}
    assert json.loads((returned / "member.json").read_text())["outputs"] == {
        "c.dat": 2,
        "frames/1/a.png": 2,
    }


def test_here_one_journal_is_flushed_for_all_members(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Each flush costs milliseconds: a pack has two, of its journal and of the directory."""
    flushed: list[str] = []
    flush = os.fsync

    def counted(descriptor: int) -> None:
        flushed.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", counted)
    monkeypatch.setattr(journal, "_FLUSH_SECONDS", 3600.0)
    found = run(*(member(key, "true") for key in "abc"))
    assert [one["state"] for one in found.values()] == ["done"] * 3
    assert flushed == ["start-000.1", "members.jsonl"]
    place = tmp_path / "pack" / "b" / "start-000.1"
    assert sorted(path.name for path in place.iterdir()) == [
        "members.jsonl",
        "return",
        "stderr",
        "stdout",
        "work",
    ]


def test_a_member_whose_manifest_a_power_cut_took_is_in_the_journal(
    run: Run, tmp_path: Path
) -> None:
    """The journal's name in the directory of a member is not flushed, nor are its files."""
    count = tmp_path / "count"
    members = [member(key, f"echo {key} >> {count}; echo {key} > out") for key in "abc"]
    members = [{**one, "outputs": ["out"]} for one in members]
    run(*members)
    pack = tmp_path / "pack"
    for key in "bc":
        (pack / key / "start-000.1" / "members.jsonl").unlink()
    (pack / "b" / "start-000.1" / "return" / "out").write_text("")
    with (pack / "a" / "start-000.1" / "members.jsonl").open("a") as stream:
        stream.write('{"directory": "a/st')  # a line that was cut
    found = run(*members)
    assert [one["redone"] for one in found.values()] == [False, True, False]
    assert count.read_text().split()[3:] == ["b"]
    (pack / "b" / "start-000.1" / "members.jsonl").unlink()
    assert [one["redone"] for one in run(*members).values()] == [False] * 3


@pytest.mark.parametrize("links", [True, False])
def test_a_member_that_is_done_is_known_in_another_pack(
    run: Run, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    if not links:
        monkeypatch.setattr(os, "link", _no_links)
    first, second, third = (member(key, "date > out", outputs=["out"]) for key in "abc")
    run(first, second)
    assert [one["redone"] for one in run(second, third).values()] == [False, True]
    assert [one["redone"] for one in run(third, first, second).values()] == [False] * 3
    changed = {**second, "command": "date >> out"}
    assert [one["redone"] for one in run(third, changed).values()] == [False, True]
    assert [one["redone"] for one in run(changed, first).values()] == [False, False]


def test_scratch_of_a_member_that_failed_is_known_as_the_tasks(run: Run, tmp_path: Path) -> None:
    run(member("a", "exit 3"), task_id="one")
    outcome = json.loads((tmp_path / "pack" / "a" / "start-000.1" / "outcome.json").read_text())
    assert (outcome["task"], outcome["exit_code"]) == ("one", 3)
    [found] = headrace_scratch(
        str(tmp_path),
        [{"path": str(tmp_path / "pack"), "task_ids": ["one"], "seconds": 0.0}],
        False,
    )
    assert found["problem"] == ""


def test_a_command_of_any_length_runs(run: Run) -> None:
    found = run(member("a", f"# {'x' * 200_000}\necho '{{\"x\": 1}}'"))["a"]
    assert (found["state"], found["facts"]) == ("done", {"x": 1})


def test_a_command_that_a_signal_ended_says_so(run: Run) -> None:
    found = run(member("a", "kill -SEGV $$"), member("b", "kill -KILL $$"))
    assert [(one["cause"], one["category"]) for one in found.values()] == [
        ("failed with code 139: it said nothing", "crashed"),
        ("failed with code 137: it said nothing", "killed"),
    ]


def test_what_a_command_leaves_running_ends_with_it(run: Run, tmp_path: Path) -> None:
    assert run(member("a", f"sleep 1000 & echo $! > {tmp_path}/pid"))["a"]["state"] == "done"
    pid = int(_text(tmp_path / "pid"))
    wait_until(
        lambda: not psutil.pid_exists(pid) or not _runs(psutil.Process(pid)), "the end of it"
    )


def test_what_an_earlier_run_left_ends_before_the_member_is_run_again(
    run: Run, tmp_path: Path
) -> None:
    """It would write into the files of this one."""
    goes_on = f"trap : TERM; touch up; while true; do sleep 0.1; echo $$ > {tmp_path}/pid; done"
    command = (
        f"[ -e up ] || {{ setsid bash -c '{goes_on}' & until [ -e up ]; do :; done; exit 1; }}"
    )
    members = [member("a", command), member("b", command)]
    assert run(members[0])["a"]["state"] == "failed"
    left = psutil.Process(int(wait_until(lambda: _text(tmp_path / "pid"), "what goes on")))
    assert run(members[1])["b"]["state"] == "failed"
    assert _runs(left)
    assert run(members[0])["a"]["state"] == "done"
    wait_until(lambda: not _runs(left), "its end")
    run(members[1])


def test_a_pack_that_is_given_up_ends_its_commands(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADRACE_CANCELLED", str(tmp_path))
    with pytest.raises(BatchJobError, match="the task was cancelled"):
        run(member("a", f"touch {tmp_path}/given-up; sleep 1000"), task_id="given-up")


def test_a_supervisor_that_is_killed_loses_its_members_and_their_commands(
    run: Run, tmp_path: Path
) -> None:
    command = f"sleep 1000 & echo $! > {tmp_path}/pid; kill -KILL $PPID; wait"
    found = run(member("a", command), member("b", "true"), at_once=1)
    assert [one["category"] for one in found.values()] == ["lost", "lost"]
    pid = int(_text(tmp_path / "pid"))
    wait_until(
        lambda: not psutil.pid_exists(pid) or not _runs(psutil.Process(pid)), "the end of it"
    )


def test_members_that_a_supervisor_does_not_start_any_more_are_lost(run: Run) -> None:
    """As when somebody ends all processes of a node: no command is blamed for it."""
    found = run(member("a", "kill $PPID; sleep 1000"), member("b", "true"), at_once=1)
    assert [one["category"] for one in found.values()] == ["lost", "lost"]
    assert [one["attempts"] for one in found.values()] == [0, 0]


def test_environment_and_working_directory_are_the_members_own(run: Run) -> None:
    command = 'echo "{\\"x\\": \\"$X\\", \\"place\\": \\"$(basename "$PWD")\\"}"'
    found = run(member("a", command, environment={"X": "it's $1"}), member("b", command))
    assert found["a"]["facts"] == {"x": "it's $1", "place": "work"}
    assert found["b"]["facts"] == {"x": "", "place": "work"}


def test_what_the_command_wants_next_is_returned(run: Run) -> None:
    good = "echo '{\"done\": true}' > next.json"
    found = run(member("good", good), member("bad", "echo [1] > next.json"), member("no", "true"))
    assert found["good"]["next"] == {"done": True}
    assert (found["bad"]["state"], found["bad"]["cause"]) == (
        "failed",
        "next.json: must hold an object",
    )
    assert "next" not in found["no"]


def test_what_an_earlier_attempt_wanted_next_does_not_count(run: Run, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    first = f"{{ touch {flag}; echo '{{}}' > next.json; echo 'Stale file handle' >&2; exit 1; }}"
    more = {"attempts": 2, "retry_pause": "00:00:00"}
    found = run(member("a", f"test -e {flag} || {first}"), **more)["a"]
    assert (found["state"], found["attempts"]) == ("done", 2)
    assert "next" not in found


def test_files_behind_a_link_to_a_directory_are_listed_nowhere(tmp_path: Path) -> None:
    """A program may leave `latest` beside its runs: a list with both names would never fit."""
    command = "mkdir run1; echo x > run1/x.dat; ln -s run1 latest; ln -s ../member.sh linked.dat"
    [one] = read_members([member("a", command)])
    assert isinstance(one, PackMember)
    space = MemberWorkspace(tmp_path, replace(one, outputs=("**/*.dat",)))
    space.write_script()
    space.prepare(None)
    space.write_command(space.job_command(resumes=False))
    subprocess.run([str(space.script), str(tmp_path)], check=True)
    size = space.script.stat().st_size
    listed = (tmp_path / "files").read_text().split("\0")
    assert {*listed} == {"", "2 run1/x.dat", f"{size} linked.dat"}
    assert space.found_outputs() == {"run1/x.dat": 2, "linked.dat": size}


def test_done_members_are_not_run_again_unless_something_changed(run: Run, tmp_path: Path) -> None:
    work = tmp_path / "pack" / "a" / "start-000.1" / "work"
    work.mkdir(parents=True)
    (work / "in.txt").write_text("1")
    count = tmp_path / "count"

    def again(**more: Any) -> list[str]:
        command = f"echo run >> {count}; cp in.txt out.txt"
        chosen = {"inputs": ["in.txt"], "outputs": ["out.txt"], **more}
        outcome = run(member("a", command, **chosen))["a"]
        assert outcome["state"] == "done"
        return count.read_text().split()

    assert len(again()) == 1
    assert len(again()) == 1
    (work / "in.txt").write_text("2")
    assert len(again()) == 2
    (work.parent / "return" / "out.txt").unlink()
    assert len(again()) == 3
    assert len(again(outputs=["out*"])) == 4


def test_an_output_of_an_earlier_run_is_not_taken_for_this_ones(run: Run, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    command = f"test -e {flag} || date > out.txt"
    assert run(member("a", command, outputs=["out.txt"]))["a"]["state"] == "done"
    flag.touch()
    second = run(member("a", f"{command} # changed", outputs=["out.txt"]))["a"]
    assert (second["state"], second["category"]) == ("failed", "outputs missing")


def test_a_disk_that_is_full_is_not_the_members_fault(run: Run) -> None:
    found = run(member("a", "echo 'write: No space left on device' >&2; exit 1"))["a"]
    assert found["category"] == "file system"


def test_a_member_that_its_files_failed_has_the_attempts_of_the_settings(
    run: Run, tmp_path: Path
) -> None:
    flag = tmp_path / "flag"
    command = f"test -e {flag} || {{ touch {flag}; echo 'Stale file handle' >&2; exit 1; }}"
    more = {"attempts": 2, "retry_pause": "00:00:00"}
    found = run(member("a", command), **more)["a"]
    assert (found["state"], found["attempts"]) == ("done", 2)


def test_all_that_is_in_a_directory_may_be_the_input(run: Run, tmp_path: Path) -> None:
    count = tmp_path / "count"
    command = f"echo run >> {count}; cat deck/*.dat > out.dat; touch left-over"
    chosen = {"inputs": ["./"], "outputs": ["*.dat"], "source": "a/"}
    source = tmp_path / "source"
    for place in (source / "a", tmp_path / "pack" / "b" / "start-000.1" / "work"):
        (place / "deck").mkdir(parents=True)
        (place / "deck" / "x.dat").write_text("x")
    for _ in range(2):
        assert run(member("b", command, **chosen))["b"]["state"] == "done"
        assert run(member("a", command, **chosen), source=str(source))["a"]["state"] == "done"
    assert count.read_text().split() == ["run", "run"]
    (source / "a" / "deck" / "x.dat").write_text("y")
    assert run(member("a", command, **chosen), source=str(source))["a"]["redone"]
    empty = run(member("c", "true", inputs=["./"]))["c"]
    assert (empty["category"], empty["cause"]) == ("never started", "input missing: ./")


def test_members_share_the_processors(run: Run, tmp_path: Path) -> None:
    started = tmp_path / "started"
    started.mkdir()
    # Each ends when it has seen the other: one after the other, they would wait for ever.
    command = f"touch {started}/$X; while [ $(ls {started} | wc -l) -lt 2 ]; do sleep 0.05; done"
    pair = [member(x, command, environment={"X": x}, walltime="00:01:00") for x in "ab"]
    found = run(*pair, cores=2)
    assert {one["state"] for one in found.values()} == {"done"}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"cores": -1}, "cores must be an integer of at least 0, not -1"),
        ({"how": "later"}, "how, or HEADRACE_JOBS, 'later'"),
        ({"source": "here"}, "source must be an absolute path"),
    ],
)
def test_a_pack_with_a_wrong_setting_is_refused(
    run: Run, more: dict[str, Any], message: str
) -> None:
    with pytest.raises(PackError, match=message):
        run(member("a", "true"), **more)


PROGRAM = """
import sys
from headrace.compute.packs import run_pack
run_pack(sys.argv[1], [{"key": "a", "directory": "a", "command": sys.argv[2]}])
"""


def test_a_worker_that_is_killed_takes_the_commands_with_it(tmp_path: Path) -> None:
    command = f"echo $$ > {tmp_path}/shell; sleep 1000 & echo $! > {tmp_path}/pid; wait"
    words = [sys.executable, "-c", PROGRAM, str(tmp_path / "pack"), command]
    worker = subprocess.Popen(words)
    pid = int(wait_until(lambda: _text(tmp_path / "pid"), "the command"))
    sleeping = psutil.Process(pid)
    worker.send_signal(signal.SIGKILL)
    worker.wait(60)
    wait_until(lambda: not _runs(sleeping), "the end of the command")


KILLED = """
import json, sys
from headrace.compute.packs import run_pack
members = json.loads(sys.argv[2])
print(json.dumps(run_pack(sys.argv[1], members, task_id="one", cores=2)))
"""


def test_packs_that_are_killed_again_and_again_run_each_member_once(tmp_path: Path) -> None:
    """Only members that ran at the kill run again; each that was done before stays so."""
    count, total = tmp_path / "count", 40
    counted = f"echo start $X >> {count}; echo $X > out; echo end $X >> {count}"
    members = [
        {**member(f"m{number}", counted, environment={"X": number}), "outputs": ["out"]}
        for number in range(total)
    ]
    words = [sys.executable, "-c", KILLED, str(tmp_path / "pack"), json.dumps(members)]
    done: set[str] = set()
    for wanted in (5, 15, 30):
        worker = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        wait_until(lambda wanted=wanted: len(_done(tmp_path)) >= wanted, "members that are done")
        worker.send_signal(signal.SIGKILL)
        worker.wait(60)
        assert done <= _done(tmp_path)
        done = _done(tmp_path)
    last = subprocess.run(words, capture_output=True, text=True, check=True)
    outcomes = json.loads(last.stdout)["members"]
    assert {one["state"] for one in outcomes.values()} == {"done"}
    assert {key for key, one in outcomes.items() if not one["redone"]} >= done
    starts = [line for line in count.read_text().splitlines() if line.startswith("start")]
    # Two ran side by side at each of the kills.
    assert total <= len(starts) <= total + 3 * 2


def _done(place: Path) -> set[str]:
    known = read_journal(place / "pack" / "m0" / "start-000.1" / "members.jsonl")
    return {directory.partition("/")[0] for directory in known}


def _no_links(*names: object) -> None:
    raise OSError(errno.EPERM, os.strerror(errno.EPERM))


def _text(path: Path) -> str:
    return path.read_text().strip() if path.exists() else ""


def _runs(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
