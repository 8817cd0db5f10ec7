"""``headrace endpoint`` where there is no real endpoint: what it refuses, and how."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from cli.test_retry_command import Command, document, headrace  # noqa: F401 - a fixture

from headrace.facility import stop_facility


@pytest.fixture
def root(tmp_path: Path, repository: Path):
    root = tmp_path / "project"
    (root / "compute_functions").mkdir(parents=True)
    (root / "flows").mkdir()
    shutil.copytree(repository / "endpoint_configs" / "local", root / "endpoint_configs" / "local")
    (root / "headrace.toml").write_text('[endpoints.here]\ntemplate = "local"\n[endpoints.there]\n')
    yield root
    stop_facility(root)


def test_endpoints_are_listed_with_and_without_a_facility(headrace: Command):  # noqa: F811
    rows = document(headrace, "endpoint", "list")
    assert [(r["name"], r["kind"], r["service"]) for r in rows] == [
        ("here", "hosted", "unknown"),
        ("there", "elsewhere", "unknown"),
    ]
    headrace("facility", "up")
    rows = document(headrace, "endpoint", "list")
    assert [(r["name"], r["service"]) for r in rows] == [
        ("here", "online"),
        ("there", "not registered"),
    ]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("status", "nowhere"), "no endpoint 'nowhere' in"),
        (("log", "here"), "not created on this machine: run `headrace endpoint create here`"),
        (("create", "here"), "does not serve real endpoints: run `headrace facility up --compute`"),
        (("stop", "here"), "does not serve real endpoints: run `headrace facility up --compute`"),
        (("monitor", "--watchdog", "none.json"), "none.json: no heartbeat"),
        (("delete", "here", "--yes"), "does not serve real endpoints"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    headrace: Command,  # noqa: F811
    command: tuple[str, ...],
    words: str,
):
    headrace("facility", "up")
    done = headrace("endpoint", *command)
    assert done.returncode == 1
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_monitor_with_nothing_to_watch_says_so(headrace: Command):  # noqa: F811
    headrace("facility", "up")
    done = headrace("endpoint", "monitor", "--once")
    assert done.returncode == 0
    assert done.stdout == "No endpoint was created on this machine.\n"
