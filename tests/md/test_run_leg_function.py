"""The function of a leg, called where its job runs: what it refuses, and what a lost job leaves."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from headrace.md.leg import read_outcome
from headrace.md.water_boxes import available_engine, write_water_box
from tests.support.repository import REPOSITORY

if shutil.which("gmx") is None and importlib.util.find_spec("openmm") is None:
    pytest.skip("needs gmx, or the extra `md`", allow_module_level=True)


@pytest.fixture
def run_leg(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The function as it travels: a module of its own."""
    monkeypatch.delenv("HEADRACE_JOBS", raising=False)
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=":")
    path = REPOSITORY / "compute_functions" / "md_run_leg.py"
    spec = importlib.util.spec_from_file_location("md_run_leg", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.md_run_leg


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    path = tmp_path / "md.toml"
    path.write_text(
        "[leg]\nattempts = 1\nhours = 1\n[leg.job]\nwalltime = '00:00:08'\n"
        "[gromacs]\ncheckpoint_minutes = 0.01\n"
        "[openmm]\nplatform = 'CPU'\nproperties = { Threads = 1 }\ncheckpoint_minutes = 0.01\n"
    )
    return path


def call(run_leg: Any, tmp_path: Path, settings: Path, **changes: Any) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "project": str(REPOSITORY),
        "directory": str(tmp_path),
        "leg": "box/run-001.1",
        "engine": available_engine(),
        "config": str(settings),
        **changes,
    }
    found: dict[str, Any] = run_leg(**arguments)
    return found


def test_a_job_that_meets_its_time_limit_stops_with_a_checkpoint(
    run_leg: Any, tmp_path: Path, settings: Path
) -> None:
    """The signal before the kill is handed on to the engine."""
    leg = tmp_path / "box" / "run-001.1"
    write_water_box(available_engine(), leg / "input", steps=5_000_000)
    found = call(run_leg, tmp_path, settings)
    assert found["step"] > 0
    assert (found["done"], found["complete"]) == (False, False)
    assert read_outcome(leg).step == found["step"]


@pytest.mark.skipif(shutil.which("gmx") is None, reason="needs gmx (Debian's package gromacs)")
def test_a_job_that_was_killed_leaves_a_leg(run_leg: Any, tmp_path: Path, settings: Path) -> None:
    """It does not hear the signal; a second, short job finds how far it came."""
    leg = tmp_path / "box" / "run-001.1"
    write_water_box("gromacs", leg / "input", steps=5_000_000)
    deaf = tmp_path / "mdrun.sh"
    deaf.write_text(
        '#!/bin/bash\ngmx mdrun -ntmpi 1 -ntomp 1 "$@" -nsteps 400\ntrap "" TERM\nsleep 100\n'
    )
    deaf.chmod(0o755)
    settings.write_text(settings.read_text().replace("[gromacs]", f"[gromacs]\nmdrun = '{deaf}'"))
    found = call(run_leg, tmp_path, settings, engine="gromacs")
    assert "time limit" in found["lost"]
    assert found["step"] == 400
    assert (found["done"], found["complete"]) == (False, False)
    assert (leg / "assess" / "outcome.json").is_file()


@pytest.mark.skipif(shutil.which("gmx") is None, reason="needs gmx (Debian's package gromacs)")
def test_a_job_that_was_lost_before_its_first_checkpoint_is_a_failure(
    run_leg: Any, tmp_path: Path, settings: Path
) -> None:
    write_water_box("gromacs", tmp_path / "box" / "run-001.1" / "input")
    slow = "mdrun = \"python -c 'import time; time.sleep(60)'\""
    settings.write_text(settings.read_text().replace("[gromacs]", f"[gromacs]\n{slow}"))
    with pytest.raises(RuntimeError, match="time limit"):
        call(run_leg, tmp_path, settings, engine="gromacs")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"leg": "../elsewhere"}, "leg must be a relative path"),
        ({"leg": "/absolute"}, "leg must be a relative path"),
        ({"project": "here"}, "project"),
        ({"steps": -1}, "steps must be a whole number of at least 0"),
        ({"number": 0}, "number must be a whole number of at least 1"),
        ({"target_step": True}, "target_step must be a whole number"),
        ({"config": "/nowhere/md.toml"}, "nowhere"),
    ],
)
def test_arguments_that_cannot_be_used(
    run_leg: Any, tmp_path: Path, settings: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises((ValueError, RuntimeError), match=message) as refused:
        call(run_leg, tmp_path, settings, **changes)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[leg\n", "not valid TOML"),
        ("leg = 3\n", "must be tables"),
        ("[leg.job]\nwalltime = 'long'\n", "walltime 'long'"),
        ("[leg]\nhours = 'many'\n", "hours must be a number"),
    ],
)
def test_settings_that_cannot_be_used(
    run_leg: Any, tmp_path: Path, settings: Path, text: str, message: str
) -> None:
    settings.write_text(text)
    with pytest.raises(ValueError, match=message):
        call(run_leg, tmp_path, settings)
