"""Commands of a pack by their supervisor alone: what they find, and what ends them."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from headrace.compute.packs import supervisor
from headrace.compute.packs.file_trees import copy_tree
from tests.support.waiting import wait_until


class Supervisor:
    """The program, asked as a pack asks it: each command at a socket of its own, from 1 on."""

    def __init__(self, directory: Path, text: str = "", at_once: int = 2) -> None:
        self.directory = directory
        text = text or Path(str(supervisor.__file__)).read_text()
        pairs = [socket.socketpair() for _ in range(at_once)]
        self._links = [ours for ours, _ in pairs]
        self._groups = os.memfd_create("groups")
        descriptors = [self._groups, *(theirs.fileno() for _, theirs in pairs)]
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", text, "0", *map(str, descriptors)],
            pass_fds=descriptors,
            start_new_session=True,
        )
        for ours, theirs in pairs:
            theirs.close()
            ours.sendall(supervisor.packed({"variables": dict(os.environ)}))

    def begin(self, number: int, text: str, **own: str) -> None:
        """Asks for a command."""
        asked = {
            "environment": 0,
            "own": {"NUMBER": str(number), **own},
            "text": text,
            "directory": str(self.directory),
            "stdout": str(self.directory / f"{number}.out"),
            "stderr": str(self.directory / f"{number}.err"),
            "limit": None,
        }
        self._links[number - 1].sendall(supervisor.packed(asked))

    def answer(self, number: int) -> dict[str, Any]:
        """The answer to a command that was asked for."""
        found: list[dict[str, Any]] = []
        data = b""
        while not found:
            more = self._links[number - 1].recv(7)
            assert more
            found, data = supervisor.unpacked(data + more)
        [answer] = found
        assert not data
        return answer

    def run(self, number: int, text: str) -> dict[str, Any]:
        """Runs a command to its end."""
        self.begin(number, text)
        return self.answer(number)

    def group(self, number: int) -> int:
        """The group of a command as it is in the file; 0 where none runs."""
        data = os.pread(self._groups, supervisor.GROUP_BYTES, (number - 1) * supervisor.GROUP_BYTES)
        return int.from_bytes(data, "little")

    def close(self) -> None:
        """Asks for nothing more, and waits for its end."""
        for link in self._links:
            link.close()
        os.close(self._groups)
        self.process.wait(60)


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Supervisor]:
    started = Supervisor(tmp_path)
    yield started
    started.process.kill()
    started.close()


def test_a_command_finds_its_own_environment_and_nothing_open_that_scripts_use(
    programs: Supervisor, tmp_path: Path
) -> None:
    text = 'echo "$NUMBER $0 $PWD"; read -r line || echo empty; ls /proc/$$/fd; exec 3>three 9>nine'
    assert programs.run(1, text)["code"] == 0
    first, empty, *descriptors = (tmp_path / "1.out").read_text().splitlines()
    assert first == f"1 bash {tmp_path}"
    assert empty == "empty"
    # bash has the script's text at 255, and what ends the command with its supervisor is above.
    assert [int(each) for each in descriptors if int(each) not in (0, 1, 2, 255)] == pytest.approx(
        [300], abs=20
    )
    assert (tmp_path / "three").exists()


def test_lines_of_a_command_are_counted_as_its_author_does(
    programs: Supervisor, tmp_path: Path
) -> None:
    assert programs.run(1, "true\nno-such-program\n")["code"] == 127
    assert "line 2: no-such-program" in (tmp_path / "1.err").read_text()


def test_a_command_that_outlives_its_supervisor_is_ended_with_all_of_its_group(
    programs: Supervisor, tmp_path: Path
) -> None:
    """As when all processes of an endpoint are killed: nobody is left to end it."""
    programs.begin(1, "sleep 1000 & echo $! >inner; echo $$ >outer; wait; touch went-on")
    wait_until(lambda: (tmp_path / "outer").exists() and (tmp_path / "outer").read_text(), "it")
    pids = [int((tmp_path / name).read_text()) for name in ("inner", "outer")]
    # A copy of bash that is no program yet may lose the signal: its own handler takes it.
    wait_until(lambda: psutil.Process(pids[0]).name() == "sleep", "the program")
    programs.process.send_signal(signal.SIGKILL)
    for pid in pids:
        wait_until(lambda pid=pid: _has_ended(pid), "the end of it")
    assert not (tmp_path / "went-on").exists()


def test_a_program_that_closes_all_it_inherits_ends_with_its_supervisor(
    programs: Supervisor, tmp_path: Path
) -> None:
    """As starters of containers do; bash would have become the program, without a trap."""
    code = "import os, time; os.closerange(3, 1000); open('pid', 'w').write(str(os.getpid()))"
    programs.begin(1, f'{sys.executable} -c "{code}; time.sleep(1000)"')
    wait_until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text(), "it")
    pid = int((tmp_path / "pid").read_text())
    programs.process.send_signal(signal.SIGKILL)
    wait_until(lambda: _has_ended(pid), "the end of it")


def test_a_command_that_cannot_be_started_spoils_no_other(
    programs: Supervisor, tmp_path: Path
) -> None:
    programs.begin(1, "until [ -e go ]; do sleep 0.05; done")
    programs.begin(2, "true", **{"A=B": "no name of a variable"})
    assert programs.answer(2)["error"] == "illegal environment variable name"
    (tmp_path / "go").touch()
    assert programs.answer(1)["code"] == 0


def test_whoever_asks_finds_the_group_of_a_command_as_long_as_it_runs(
    programs: Supervisor, tmp_path: Path
) -> None:
    programs.begin(2, "echo $$ >pid; until [ -e go ]; do sleep 0.05; done")
    wait_until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text(), "it")
    assert (programs.group(1), programs.group(2)) == (0, int((tmp_path / "pid").read_text()))
    (tmp_path / "go").touch()
    programs.answer(2)
    assert programs.group(2) == 0


def test_commands_end_with_whoever_asked_for_them(tmp_path: Path) -> None:
    started = Supervisor(tmp_path)
    started.begin(1, "echo $$ >pid; sleep 1000")
    wait_until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text(), "it")
    started.close()
    assert _has_ended(int((tmp_path / "pid").read_text()))


def test_a_text_of_any_length_arrives(programs: Supervisor, tmp_path: Path) -> None:
    assert programs.run(1, f"echo {'x' * 100_000}")["code"] == 0
    assert (tmp_path / "1.out").stat().st_size == 100_001


def test_a_request_to_end_that_comes_while_a_command_is_started_ends_it(tmp_path: Path) -> None:
    text = Path(str(supervisor.__file__)).read_text()
    sends = "spawn = os.posix_spawn\n\ndef signalled(*a, **k):\n"
    sends += "    pid = spawn(*a, **k)\n    os.kill(os.getpid(), signal.SIGTERM)\n    return pid\n"
    main = 'if __name__ == "__main__":'
    changed = text.replace(main, f"{sends}\nos.posix_spawn = signalled\n{main}")
    assert changed != text
    program = Supervisor(tmp_path, changed)
    assert program.run(1, "sleep 1000")["code"] == -signal.SIGTERM
    program.close()


def test_many_commands_run_at_the_same_time(tmp_path: Path) -> None:
    programs = Supervisor(tmp_path, at_once=200)
    for number in range(1, 201):
        programs.begin(number, "until [ -e go ]; do sleep 0.2; done")
    wait_until(lambda: all(map(programs.group, range(1, 201))), "all of them")
    (tmp_path / "go").touch()
    assert {programs.answer(number)["code"] for number in range(1, 201)} == {0}
    programs.close()


def test_a_directory_that_is_gone_is_said_to_be(programs: Supervisor, tmp_path: Path) -> None:
    programs.directory = tmp_path / "gone"
    programs.begin(1, "true")
    assert programs.answer(1)["error"] == "No such file or directory"
    programs.directory = tmp_path
    assert programs.run(2, "true")["code"] == 0


def test_a_copied_tree_is_the_same(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "below").mkdir(parents=True)
    (source / "below" / "large").write_bytes(os.urandom(1 << 20))
    (source / "empty").touch()
    (source / "program").write_text("#!/bin/sh\n")
    (source / "program").chmod(0o750)
    os.utime(source / "program", (1e9, 1e9))
    (source / "link").symlink_to("below/large")
    (source / "nowhere").symlink_to("absent")
    target = tmp_path / "results" / "target"
    copy_tree(source, target)
    (source / "empty").write_text("not any more")
    copy_tree(source, target)
    assert [*(tmp_path / "results").iterdir()] == [target]
    for path in source.rglob("*"):
        copy = target / path.relative_to(source)
        assert copy.is_symlink() == path.is_symlink()
        if path.is_symlink():
            assert copy.readlink() == path.readlink()
        else:
            found, wanted = copy.stat(), path.stat()
            assert (found.st_mode, found.st_mtime_ns) == (wanted.st_mode, wanted.st_mtime_ns)
            assert path.is_dir() or copy.read_bytes() == path.read_bytes()


def test_a_named_pipe_is_refused(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    os.mkfifo(tmp_path / "source" / "pipe")
    with pytest.raises(shutil.SpecialFileError, match="named pipe"):
        copy_tree(tmp_path / "source", tmp_path / "target")
    assert not (tmp_path / "target").exists()


def _has_ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
