"""Names complete: in a real bash with its script, and as zsh and fish ask."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command_walk.installed_program import Program
from tests.support.command_walk.projects import World, write_project
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World(tmp_path_factory.mktemp("completion"))
    yield world
    world.close()


@pytest.fixture(scope="module")
def project(world: World) -> Program:
    return world.project


def environment() -> dict[str, str]:
    own = str(Path(sys.executable).parent)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("GLOBUS", "HEADRACE_"))}
    return {**kept, "PATH": f"{own}:{os.environ['PATH']}"}


BASH = """
eval "$(headrace completion bash)"
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_headrace_completion headrace
printf '%s\\n' "${COMPREPLY[@]}"
"""


def bash(directory: Path, *words: str) -> list[str]:
    """Returns what bash completes the last word to."""
    done = subprocess.run(
        ["bash", "--norc", "-c", BASH, "bash", "headrace", *words],
        cwd=directory,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.split()


needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")


@needs_bash
@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["sta"], ["start", "status"]),
        (["start", ""], ["ask", "compute", "fail", "later", "say"]),
        (["start", "s"], ["say"]),
        (["doctor", "f"], ["fail"]),
        (["deploy", "s"], ["say", "shout"]),
        (["flow", "draw", "l"], ["later"]),
        (["function", "show", ""], ["shout"]),
        (["function", "run", "shout", "--endpoint", ""], ["machine"]),
        (["endpoint", "status", "m"], ["machine"]),
        (["watch", ""], ["new"]),
        (["--profile", "d"], ["day"]),
        (["run", "list", "--flow", "a"], ["ask"]),
        (["--at", "g"], ["globus"]),
        (["init", "--for", "in"], ["inversion"]),
        (["flow", "new", "x", "--from", "l"], ["later"]),
        (["pipeline", "show", "s"], ["say"]),
        (["start", "nothing"], []),
    ],
)
def test_bash_completes_names_of_the_project(
    tmp_path: Path, words: list[str], names: list[str]
) -> None:
    write_project(tmp_path)
    assert bash(tmp_path, *words) == names


@needs_bash
def test_bash_completes_campaigns_their_lanes_and_members(project: Program) -> None:
    root = project.directory
    (root / "campaigns").mkdir()
    (root / "campaigns" / "words.toml").write_text(
        '[members]\ntable = "words.csv"\n[start]\nflow = "say"\n[start.input]\nword = "{name}"\n'
        '[lanes.desk]\nendpoint = "machine"\n'
    )
    (root / "campaigns" / "words.csv").write_text("name\nalpha\nbeta\n")
    assert bash(root, "campaign", "status", "w") == ["words"]
    assert bash(root, "campaign", "drain", "words", "") == ["desk"]
    assert bash(root, "campaign", "show", "words", "") == [], "it has no members yet"
    project("campaign", "start", "words", "--no-driver")
    assert bash(root, "campaign", "show", "words", "") == ["alpha", "beta"]
    assert bash(root, "campaign", "hold", "words", "b") == ["beta"]
    assert bash(root, "campaign", "init", "x", "--example", "sw") == ["sweep"]


@needs_bash
def test_bash_completes_runs_and_questions(project: Program) -> None:
    run_id = project.document("start", "ask")["run_id"]
    found = bash(project.directory, "run", "show", "")
    assert found[:2] == ["last", run_id]
    assert bash(project.directory, "run", "show", run_id[:5]) == [run_id]
    project("run", "show", "last")
    question = wait_until(lambda: project.document("web-input", "list"), "the question")
    completed = bash(project.directory, "web-input", "respond", "")
    assert completed == [item["id"] for item in question]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_get_the_same_names(tmp_path: Path, shell: str) -> None:
    write_project(tmp_path)
    asked = {"_HEADRACE_COMPLETE": f"{shell}_complete", "COMP_WORDS": "headrace start s"}
    last = {"COMP_CWORD": "2"} if shell == "zsh" else {"COMP_CWORD": "s"}
    done = subprocess.run(
        ["headrace"],
        cwd=tmp_path,
        env={**environment(), **asked, **last},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "say" in done.stdout
    assert done.stderr == ""


@needs_bash
def test_what_cannot_be_asked_completes_to_nothing(tmp_path: Path) -> None:
    assert bash(tmp_path, "start", "") == []
    (tmp_path / "headrace.toml").write_text("not toml")
    assert bash(tmp_path, "run", "show", "") == []
