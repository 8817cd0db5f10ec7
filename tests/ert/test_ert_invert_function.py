"""The compute function of inversions, killed in the middle of a pack."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.ert.programs import stand_ins
from tests.support.ert.tomodir import make_inversion
from tests.support.repository import REPOSITORY
from tests.support.waiting import wait_until

CALL = """
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("ert_invert", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
print(json.dumps(module.ert_invert(**json.loads(sys.argv[2]))))
"""
FUNCTION = REPOSITORY / "compute_functions/ert_invert.py"


@pytest.fixture
def arguments(tmp_path: Path) -> dict[str, Any]:
    """A pack of three; the program notes each call, and waits for ever in the second member."""
    pack = tmp_path / "pack"
    for key in ("one", "two", "three"):
        make_inversion(pack / key / "work/input")
    program = stand_ins(tmp_path / "real")["crtomo"]
    write_program(tmp_path, f'case $PWD in */two/*) read -r _ < "{tmp_path}/never";; esac', program)
    os.mkfifo(tmp_path / "never")
    (tmp_path / "ert.toml").write_text(f"[crtomo]\ncrtomo = '{tmp_path}/CRTomo'\n")
    return {
        "project": str(REPOSITORY),
        "directory": str(pack),
        "members": [{"key": key, "directory": key} for key in ("one", "two", "three")],
        "config": str(tmp_path / "ert.toml"),
        "settings": {"cores": 1, "attempts": 1},
    }


def write_program(directory: Path, body: str, program: str) -> None:
    script = directory / "CRTomo"
    text = f'#!/bin/bash\necho "$PWD" >> "{directory}/calls"\n{body}\nexec "{program}"\n'
    script.write_text(text)
    script.chmod(0o755)


def call(arguments: dict[str, Any]) -> subprocess.Popen[str]:
    environment = {
        **{name: value for name, value in os.environ.items() if name != "HEADRACE_JOBS"},
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "GC_TASK_UUID": "task-of-the-pack",
    }
    command = [sys.executable, "-c", CALL, str(FUNCTION), json.dumps(arguments)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=environment, start_new_session=True
    )


def calls(directory: Path) -> list[str]:
    path = directory / "calls"
    lines = path.read_text().split() if path.exists() else []
    return [Path(line).parents[1].name for line in lines]


@pytest.mark.service
def test_after_a_kill_only_what_is_not_done_is_run(
    tmp_path: Path, arguments: dict[str, Any]
) -> None:
    killed = call(arguments)
    wait_until(lambda: "two" in calls(tmp_path), "the second member")
    wait_until((tmp_path / "pack/one/members.jsonl").exists, "the record of the first")
    children = psutil.Process(killed.pid).children(recursive=True)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    for child in children:
        if child.is_running():
            child.kill()
    psutil.wait_procs(children)
    write_program(tmp_path, "", str(tmp_path / "real/CRTomo"))

    again = call(arguments)
    printed, _ = again.communicate()
    found = json.loads(printed)
    assert (found["done"], found["failed"]) == (3, 0)
    assert found["members"]["one"]["redone"] is False
    assert calls(tmp_path).count("one") == calls(tmp_path).count("three") == 1
    assert calls(tmp_path).count("two") == 2
    for key in ("one", "two", "three"):
        returned = tmp_path / "pack" / key / "return"
        assert json.loads((returned / "result.json").read_text())["state"] == "done"
        assert (returned / "inv/rho02.mag").is_file()


@pytest.mark.service
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"settings": [1]}, "settings: must be tables by engine: unknown"),
        ({"colour": "red"}, "colour: unknown: unknown"),
        ({"engine": "res2dinv"}, "there are crtomo, pygimli"),
    ],
)
def test_a_member_that_is_wrong_in_itself_is_refused_and_the_others_run(
    tmp_path: Path, arguments: dict[str, Any], change: dict[str, Any], words: str
) -> None:
    write_program(tmp_path, "", str(tmp_path / "real/CRTomo"))
    arguments["members"][1] |= change
    printed, _ = call(arguments).communicate()
    found = json.loads(printed)["members"]
    assert {key: one["state"] for key, one in found.items()} == {
        "one": "done",
        "two": "failed",
        "three": "done",
    }
    assert words in found["two"]["cause"]
