"""The programs of inversions: their command lines, their settings and their exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from headrace.ert import SettingsError, find
from headrace.ert.jobs import find_job
from headrace.ert.program import main, merged
from headrace.ert.settings import read_settings, settings_problems
from tests.support.ert.programs import stand_ins
from tests.support.ert.tomodir import make_inversion, make_modelling
from tests.support.repository import REPOSITORY

SCRIPTS = REPOSITORY / "job_scripts"


def config(directory: Path, text: str) -> Path:
    path = directory / "ert.toml"
    path.write_text(text)
    return path


def test_the_settings_that_ship_are_right() -> None:
    assert settings_problems(SCRIPTS / "ert.toml") == []
    invert, engines = read_settings(SCRIPTS / "ert.toml")
    assert invert.engine == "auto"
    assert engines["pygimli"]["invert"] == {"lam": 20.0, "maxIter": 20}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[invert]\nengine = 'res2dinv'\n", "must be one of auto, crtomo, pygimli"),
        ("[invert]\nwaltime = '1:00'\n", "waltime"),
        ("[pygimli]\ninvert = { lamda = 2.0 }\n", "lamda"),
        ("[crtomo]\nthreads = 0\n", "threads"),
        ("[invert\n", "ert.toml"),
    ],
)
def test_wrong_settings_are_told_in_one_line(tmp_path: Path, text: str, words: str) -> None:
    (problem,) = settings_problems(config(tmp_path, text))
    assert words in problem
    assert "\n" not in problem


def test_settings_of_a_member_go_over_those_of_the_file() -> None:
    below = {"data": "*.ohm", "invert": {"lam": 20.0, "maxIter": 5}}
    assert merged(below, {"invert": {"lam": 3.0}}) == {
        "data": "*.ohm",
        "invert": {"lam": 3.0, "maxIter": 5},
    }


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--settings", "{"], "--settings: no JSON"),
        (["--settings", "[]"], "must be tables by engine"),
        (["--settings", '{"crtom": {}}'], "crtom: there are crtomo, pygimli"),
        (["--settings", '{"crtomo": {"thread": 1}}'], "thread"),
        (["--engine", "res2dinv"], "there are crtomo, pygimli"),
        (["--config", "/nowhere/ert.toml"], "/nowhere/ert.toml"),
        (["--colour"], "see ert_invert.py --help"),
    ],
)
def test_a_wrong_command_line_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    directory = make_inversion(tmp_path / "td")
    assert main([str(directory), "--output", str(tmp_path / "output"), *arguments]) == 2
    printed = capsys.readouterr()
    assert words in printed.err
    assert printed.err.count("\n") == 1
    assert printed.out == ""


def test_a_directory_with_nothing_to_do_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    assert main([str(tmp_path / "empty"), "--output", str(tmp_path / "output")]) == 1
    assert "nothing to invert or model" in capsys.readouterr().err
    assert main([str(tmp_path / "gone"), "--output", str(tmp_path / "output")]) == 1
    assert "gone: no such directory" in capsys.readouterr().err
    assert json.loads((tmp_path / "output/result.json").read_text())["state"] == "failed"


def test_what_a_directory_needs_is_told_by_the_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    inversion, modelling = make_inversion(tmp_path / "i"), make_modelling(tmp_path / "m")
    assert find.main([str(inversion)]) == 0
    assert find.main([str(modelling)]) == 0
    assert capsys.readouterr().out == "inversion (crtomo)\nmodelling (crtomo)\n"
    assert find.main([str(tmp_path / "empty")]) == 1
    assert find.main([str(tmp_path / "gone")]) == 2
    assert find.main(["--engine", "pygimli", str(inversion)]) == 1
    # Files of CRTomo's own formats are no data of pyGIMLi's.
    assert [find.main([str(inversion / name)]) for name in ("grid", "mod", "exe")] == [1, 1, 1]
    assert [find.main([str(modelling / name)]) for name in ("config", "rho")] == [1, 1]
    path = config(tmp_path, "[invert]\nengine = 'pygimli'\n")
    assert find.main(["--config", str(path), str(inversion)]) == 1


@pytest.mark.service
def test_the_job_script_inverts_and_leaves_no_traceback(tmp_path: Path) -> None:
    path = config(tmp_path, f"[crtomo]\ncrtomo = '{stand_ins(tmp_path / 'bin')['crtomo']}'\n")
    directory, output = make_inversion(tmp_path / "td"), tmp_path / "output"
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    command = ["bash", str(SCRIPTS / "ert_invert.sbatch"), str(directory), "--output", str(output)]
    call = {"capture_output": True, "text": True, "check": False, "env": environment}
    done = subprocess.run([*command, "--config", str(path)], **call)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["converged"] is True
    assert json.loads((output / "result.json").read_text())["engine"] == "crtomo"
    (directory / "grid/elec.dat").unlink()
    done = subprocess.run([*command, "--engine", "crtomo", "--config", str(path)], **call)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"ert_invert: {directory}: engine crtomo finds nothing to invert or model, or it is done"
    ]


@pytest.mark.service
def test_the_job_script_finds(tmp_path: Path) -> None:
    directory = make_inversion(tmp_path / "td")
    command = [sys.executable, str(SCRIPTS / "ert_find.py")]
    done = subprocess.run([*command, str(directory)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "inversion (crtomo)\n")
    done = subprocess.run([*command, str(tmp_path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")


def test_an_engine_that_there_is_not_finds_nothing(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="there are crtomo, pygimli"):
        find_job(tmp_path, "res2dinv")
