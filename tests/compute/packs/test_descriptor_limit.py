"""Packs where few files may be open, and where the kernel has no file without a name."""

from __future__ import annotations

import errno
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from headrace.compute.packs import run_pack
from headrace.compute.packs.descriptor_limit import DescriptorLimit
from tests.support.sweep_project import member

PROGRAM = """
import json, os, resource, sys
from headrace.compute.packs import run_pack
soft, hard, opened = map(int, sys.argv[3:6])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
members = json.loads(sys.argv[2])
if opened:
    from headrace.compute.packs import commands
    class Limit(commands.DescriptorLimit):
        def __init__(self, wanted):
            super().__init__(wanted)
            for _ in range(opened):
                os.dup(0)
    commands.DescriptorLimit = Limit
found = run_pack(sys.argv[1], members, cores=len(members), how="here")
print(json.dumps([found, resource.getrlimit(resource.RLIMIT_NOFILE)]))
"""


def run_limited(
    place: Path, members: list[dict[str, Any]], soft: int, hard: int, opened: int = 0
) -> dict[str, Any]:
    """Runs members in a process with a limit of its own, which is the same at the end."""
    words = [sys.executable, "-c", PROGRAM, str(place), json.dumps(members)]
    words += map(str, (soft, hard, opened))
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    found, limits = json.loads(ended.stdout)
    assert limits == [soft, hard]
    members_found: dict[str, Any] = found["members"]
    return members_found


def test_a_pack_with_more_processors_than_descriptors_is_done(tmp_path: Path) -> None:
    members = [member(str(number), "true") for number in range(100)]
    found = run_limited(tmp_path / "pack", members, 128, 128)
    assert {one["state"] for one in found.values()} == {"done"}


def test_commands_have_the_limit_that_was_raised_for_them(tmp_path: Path) -> None:
    command = """echo "{\\"soft\\": $(ulimit -Sn), \\"hard\\": $(ulimit -Hn)}" """
    members = [member(str(number), command) for number in range(40)]
    found = run_limited(tmp_path / "pack", members, 100, 400)
    assert [one["facts"] for one in found.values()] == [{"soft": 100, "hard": 400}] * 40


def test_files_that_others_open_meanwhile_leave_fewer_commands_at_once(tmp_path: Path) -> None:
    members = [member(str(number), "true") for number in range(40)]
    found = run_limited(tmp_path / "pack", members, 200, 200, opened=130)
    assert {one["state"] for one in found.values()} == {"done"}


def test_there_is_one_command_for_each_of_many_processors() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2_000:
        pytest.skip("fewer files may be open on this machine")
    limit = DescriptorLimit(256)
    limit.restore()
    assert limit.commands == 256
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (soft, hard)


def test_a_kernel_without_nameless_files_runs_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*words: object) -> int:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.delenv("HEADRACE_JOBS", raising=False)
    monkeypatch.setattr(os, "memfd_create", refused)
    found = run_pack(str(tmp_path / "pack"), [member("a", "true")])["members"]["a"]
    assert found["state"] == "done"
