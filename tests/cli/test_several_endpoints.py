"""Verbs of ``headrace endpoint`` for several endpoints, or all of a project."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import headrace.background_services as background_services
from headrace.endpoints import lifecycle
from headrace.facility import stop_facility
from tests.support.command_line import Run, run
from tests.support.command_process import Command, command_in, document
from tests.support.repository import REPOSITORY

__all__ = ["run"]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    root = tmp_path_factory.mktemp("served") / "project"
    (root / "compute_functions").mkdir(parents=True)
    (root / "flows").mkdir()
    (root / "endpoint_configs").mkdir()
    (root / "endpoint_configs" / "local").symlink_to(REPOSITORY / "endpoint_configs" / "local")
    (root / "headrace.toml").write_text(
        '[endpoints.one]\ntemplate = "local"\n[endpoints.two]\ntemplate = "local"\n'
        "[endpoints.there]\n"
    )
    headrace = command_in(root)
    assert headrace("facility", "up").returncode == 0
    yield headrace
    stop_facility(root)


@pytest.mark.parametrize("verb", ["restart", "drain"])
def test_more_than_one_are_shown_and_asked_for(served: Command, verb: str) -> None:
    asked = served("endpoint", verb, stdin="n\n")
    assert asked.returncode == 1
    assert f"{verb.capitalize()} 2 endpoints (one, two)?" in asked.stderr
    unasked = served("endpoint", verb)
    assert unasked.returncode == 2
    assert "give --yes" in unasked.stderr


def test_all_are_drained_and_undrained_over_a_restart_of_the_facility(served: Command) -> None:
    drained = document(served, "endpoint", "drain", "--yes")
    assert [(row["name"], row["done"]) for row in drained] == [
        *(("one", "drained"), ("two", "drained"))
    ]
    assert served("facility", "down").returncode == 0
    assert served("facility", "up").returncode == 0
    rows = document(served, "endpoint", "status")
    assert [row["state"] for row in rows] == ["drained", "drained", "not created here"]
    assert "State:          drained" in served("endpoint", "status", "one").stdout
    again = document(served, "endpoint", "drain", "one")
    assert (again["done"], again["name"]) == ("was drained", "one")
    undrained = document(served, "endpoint", "undrain")
    assert {row["done"] for row in undrained} == {"undrained"}
    assert document(served, "endpoint", "status", "one")["drain"] is None


def test_one_that_fails_stops_no_other(served: Command) -> None:
    done = served("-F", "json", "endpoint", "restart", "there", "one", "nowhere", "--yes")
    assert done.returncode == 1
    rows = {row["name"]: row["done"] for row in json.loads(done.stdout)}
    assert rows == {"there": "failed", "one": "was not running", "nowhere": "failed"}


def test_what_is_no_hosted_endpoint_is_not_drained(served: Command) -> None:
    refused = served("endpoint", "drain", "there")
    assert refused.returncode == 1
    assert "Globus Compute has no call that keeps the tasks of one back" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "endpoint_configs").mkdir()
    (tmp_path / "flows").mkdir()
    (tmp_path / "headrace.toml").write_text(
        '[endpoints.one]\ntemplate = "local"\n[endpoints.two]\ntemplate = "local"\n'
        "[endpoints.there]\n"
    )
    return tmp_path


def test_set_up_creates_starts_and_monitors_and_says_each_step(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[tuple[str, Any]] = []

    def create(project: Any, name: str, target: str, services: Any) -> Any:
        done.append(("create", name))
        if name == "two":
            raise lifecycle.ProjectError("no function is deployed")
        return SimpleNamespace(directory=f"/home/{name}")

    def start(project: Any, name: str, target: str, services: Any) -> bool:
        done.append(("start", name))
        return True

    def install(services: Any, manager: Any) -> Any:
        done.append(("install", [service.name for service in services]))
        return SimpleNamespace(manager="cron", advice=[])

    monkeypatch.setattr("headrace.cli.parsing.session.Session.services", lambda *_: None)
    monkeypatch.setattr(lifecycle, "create", create)
    monkeypatch.setattr(lifecycle, "start", start)
    monkeypatch.setattr(background_services, "install_services", install)
    told = run("-F", "json", "endpoint", "setup", "--at", "globus")
    assert told.exit_code == 1
    assert done == [
        ("create", "one"),
        ("start", "one"),
        ("create", "two"),
        ("install", ["monitor"]),
    ]
    found = json.loads(told.stdout)
    assert [row["started"] for row in found["endpoints"]] == [True, False]
    assert found["monitor"] == {"manager": "cron", "error": ""}
    for line in ("one: created: /home/one", "one: started", "two: failed: no function is deployed"):
        assert line in told.stderr
    assert "monitor: installed with cron" in told.stderr
