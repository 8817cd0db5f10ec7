from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from headrace.compute import ComputeError
from headrace.compute.managed_endpoints import (
    ManagedEndpoint,
    managed_endpoint_names,
    start_endpoint,
)
from headrace.compute.managed_endpoints.directory import STALE_SECONDS


@pytest.fixture
def endpoint(tmp_path: Path) -> ManagedEndpoint:
    made = ManagedEndpoint("m", tmp_path)
    made.directory.mkdir()
    (made.directory / "config.yaml").write_text("")
    (made.directory / "user_config_template.yaml.j2").write_text("")
    return made


@pytest.fixture
def pid() -> Iterator[int]:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process.pid
    process.kill()
    process.communicate()


def write_pid(endpoint: ManagedEndpoint, pid: int, age: float = 0.0) -> None:
    endpoint.pid_file.write_text(f"{pid}\n")
    os.utime(endpoint.pid_file, (time.time() - age,) * 2)


def test_without_a_pid_file_it_is_stopped(endpoint: ManagedEndpoint) -> None:
    assert (endpoint.state(), endpoint.pid(), endpoint.heartbeat_age()) == ("stopped", None, None)


def test_a_fresh_file_is_that_of_one_that_runs(endpoint: ManagedEndpoint, pid: int) -> None:
    endpoint.record_host()
    write_pid(endpoint, pid)
    assert endpoint.state() == "running"
    assert endpoint.state(time.time() + STALE_SECONDS + 1) == "disconnected"


def test_a_dead_process_of_this_machine_is_noticed_at_once(endpoint: ManagedEndpoint) -> None:
    endpoint.record_host()
    write_pid(endpoint, 2**22 - 1)
    assert endpoint.state() == "disconnected"


def test_one_on_another_login_node_is_judged_by_the_file_alone(
    endpoint: ManagedEndpoint,
) -> None:
    (endpoint.directory / "host").write_text(f"not-{socket.gethostname()}\n")
    write_pid(endpoint, 2**22 - 1)
    assert endpoint.state() == "running"


def test_a_process_that_got_the_same_id_later_is_another(
    endpoint: ManagedEndpoint, pid: int
) -> None:
    endpoint.record_host()
    write_pid(endpoint, pid, age=3600)
    assert endpoint.process() is None


@pytest.mark.parametrize("text", ["", "x", "-1", "[]"])
def test_rubbish_in_its_files_is_no_process(endpoint: ManagedEndpoint, text: str) -> None:
    endpoint.pid_file.write_text(text)
    (endpoint.directory / "endpoint.json").write_text(text)
    assert endpoint.pid() is None
    assert endpoint.id == ""


def test_names_and_logs(endpoint: ManagedEndpoint) -> None:
    assert managed_endpoint_names(endpoint.home) == ["m"]
    assert list(endpoint.log_lines(3)) == []
    endpoint.log_file.write_text("".join(f"\x1b[32mline {i}\x1b[0m\n" for i in range(100)))
    assert list(endpoint.log_lines(2)) == ["line 98", "line 99"]


def test_one_that_was_not_created_cannot_start(tmp_path: Path) -> None:
    with pytest.raises(ComputeError, match="run `headrace endpoint create x`"):
        start_endpoint(ManagedEndpoint("x", tmp_path), tmp_path)


def test_root_is_refused(endpoint: ManagedEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 0)
    with pytest.raises(ComputeError, match="run it as an ordinary user"):
        start_endpoint(endpoint, endpoint.home)


def test_credentials_are_not_shown() -> None:
    assert "secret" not in repr(ManagedEndpoint("m", Path("/"), {"A": "secret"}))
