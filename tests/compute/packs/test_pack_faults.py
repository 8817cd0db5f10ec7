"""Faults of the file system and of commands: what was done stays, and no member ends the others."""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from headrace.compute.attempts.settings import AttemptSettings
from headrace.compute.packs import run_pack
from headrace.compute.packs.journal import JOURNAL, Journal, read_journal
from headrace.compute.packs.leftovers import _processes
from headrace.compute.packs.member import read_members
from headrace.compute.packs.pack import Pack
from headrace.compute.packs.slots import slots_here
from headrace.compute.stages.errors import StageError
from headrace.compute.stages.manifest import Manifest
from tests.support.waiting import wait_until

GOOD = "echo x > out"


def member(key: str, command: str = GOOD, **more: Any) -> dict[str, Any]:
    return {"key": key, "directory": f"{key}/s1", "command": command, "outputs": ["out"], **more}


def run(place: Path, *members: dict[str, Any], **more: Any) -> dict[str, Any]:
    return dict(run_pack(str(place), list(members), cores=2, how="here", **more)["members"])


@pytest.mark.parametrize(
    ("command", "state", "facts"),
    [
        ('printf \'{"a": 1%0400d, "b": 2}\\n\' 0; echo x > out', "done", {"b": 2}),
        (f'{sys.executable} -c \'print("{{\\"a\\":" + "[" * 50000)\'; {GOOD}', "done", {}),
        (f"{sys.executable} -c 'print(\"[\" * 50000)' > next.json; {GOOD}", "failed", {}),
        (f"echo \ud800; {GOOD}", "failed", {}),
    ],
)
def test_what_a_member_prints_or_asks_for_ends_no_other(
    tmp_path: Path, command: str, state: str, facts: dict[str, int]
) -> None:
    found = run(tmp_path / "pack", member("odd", command), member("good"))
    assert found["good"]["state"] == "done"
    assert (found["odd"]["state"], found["odd"]["facts"]) == (state, facts)


def test_a_journal_that_cannot_be_written_costs_a_repetition_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Journal, *written: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "add", full)
        found = run(
            tmp_path / "pack", member("a", f"echo said; {GOOD}"), results=str(tmp_path / "results")
        )
    assert found["a"]["state"] == "done"
    results = tmp_path / "results/a/s1"
    assert (results / "out").read_text() == "x\n"
    assert (results / "member.out").read_text() == "said\n"
    assert json.loads((results / "member.json").read_text())["state"] == "done"


@contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """Have no file grow beyond a size, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


def test_a_line_that_was_cut_takes_none_that_follows(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).mkdir()
    file = tmp_path / "a" / JOURNAL
    with closing(Journal(file)) as journal:
        journal.add("a", tmp_path / "a", {"n": 1})
        with files_up_to(file.stat().st_size + 10), pytest.raises(OSError, match="large"):
            journal.add("b", tmp_path / "b", {"n": 2})
        journal.add("c", tmp_path / "c", {"n": 3})
    assert read_journal(file) == {"a": {"n": 1}, "c": {"n": 3}}
    with closing(Journal(tmp_path / "x" / JOURNAL)) as other:
        assert other.get("c", tmp_path / "c") == [{"n": 3}]


def test_a_member_that_was_done_directly_is_not_run_again_as_a_batch_job(tmp_path: Path) -> None:
    place = tmp_path / "pack"
    run(place, member("a"), member("b"))
    limits, _ = AttemptSettings.split({"attempts": 1})
    pack = Pack(place, None, None, slots_here(1), "submit", "t", limits, {})
    for one in read_members([member("a"), member("b")]):
        found = pack._begin(pack._workspace(one))
        assert not isinstance(found, Manifest)
        assert found.state == "done"


def test_a_member_of_several_packs_is_known_by_its_own_journal_first(tmp_path: Path) -> None:
    place = tmp_path / "pack"
    run(place, member("a"), member("b"))
    run(place, member("c"), member("b", f"{GOOD}; echo again"))
    found = run(place, member("a"), member("b", f"{GOOD}; echo again"))
    assert found["b"]["redone"] is False


def test_results_that_cannot_be_read_are_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(self: Manifest, document: object) -> None:
        raise StageError(f"{self.output}/out: Input/output error")

    results = tmp_path / "results"
    run(tmp_path / "pack", member("a"), results=str(results))
    monkeypatch.setattr(Manifest, "facts_of", unreadable)
    found = run(tmp_path / "pack", member("a"), results=str(results))
    assert (found["a"]["state"], found["a"]["category"]) == ("failed", "file system")
    assert json.loads((results / "a/s1/member.json").read_text())["state"] == "done"


def test_an_input_that_is_gone_takes_no_results(tmp_path: Path) -> None:
    source, results = tmp_path / "source", tmp_path / "results"
    source.mkdir()
    (source / "in").write_text("1")
    wanted = member("a", "cp in out", inputs=["in"])
    where = {"source": str(source), "results": str(results)}
    assert run(tmp_path / "pack", wanted, **where)["a"]["state"] == "done"
    (source / "in").unlink()
    again = run(tmp_path / "pack", wanted, **where)["a"]
    assert again["state"] == "failed"
    assert (results / "a/s1/out").read_text() == "1"


# A program that an earlier run has left, and that starts another one every moment.
LEFT = """
import os, sys, time
while True:
    child = os.fork()
    if child:
        time.sleep(0.05)
        os._exit(0)
"""


def test_what_a_leftover_has_started_meanwhile_is_killed_too(tmp_path: Path) -> None:
    place = tmp_path / "pack"
    directory = place / "a/s1"
    run(place, member("a", "echo first > out"))
    left = subprocess.Popen(
        [sys.executable, "-c", LEFT],
        env={**os.environ, "HEADRACE_SCRIPTS": str(directory)},
        start_new_session=True,
    )
    try:
        wait_until(lambda: left.poll() is not None, "the first of them to have ended")
        found = run(place, member("a", "echo second > out"))
        assert found["a"]["state"] == "done"
        assert str(directory) not in [where for _, where in _processes()]
    finally:
        with suppress(ProcessLookupError):
            os.killpg(left.pid, signal.SIGKILL)
        left.wait()
