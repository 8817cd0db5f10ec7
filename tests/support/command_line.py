"""The command line in this process, with a small project and a service for its facility."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import headrace.facility
from headrace.cli import headrace as root_command
from headrace.facility import Address
from tests.support.flows_service import TOKEN, Service
from tests.support.small_project import write_project

Run = Callable[..., Result]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_project(tmp_path)


@pytest.fixture
def run(root: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(root)
    for name in ("HEADRACE_AT", "HEADRACE_DEBUG", "GLOBUS_CLIENT_ID"):
        monkeypatch.delenv(name, raising=False)

    def call(*arguments: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(root_command, arguments, input=stdin, catch_exceptions=False)

    return call


@pytest.fixture
def service(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    with Service() as running:
        address = Address(running.url, TOKEN, 1, 0.0)
        monkeypatch.setattr(headrace.facility, "find_address", lambda root: address)
        yield running


@pytest.fixture
def deployed(run: Run, service: Service) -> Service:
    assert run("deploy").exit_code == 0
    return service
