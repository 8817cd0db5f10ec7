"""The program that simulates many events."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from headrace.seismic.solvers import read_event
from headrace.seismic.solvers.backends.devito.settings import DevitoSettings
from headrace.seismic.solvers.cli import main
from tests.support.optional_packages import skip_without
from tests.support.repository import REPOSITORY
from tests.support.seismic.small_models import (
    SMALL,
    small_event,
    small_model,
    write_adjoint_sources,
)

skip_without("devito", "inversion")

SCRIPT = REPOSITORY / "job_scripts" / "inversion_simulate.py"
NAMES = ("a", "b", "c")
MPIEXEC = Path(sys.executable).parent / "mpiexec"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    small_model(tmp_path / "model.h5")
    (tmp_path / "solver.json").write_text(json.dumps(SMALL))
    axis = DevitoSettings.from_dict(SMALL).axis
    for name in NAMES:
        event = read_event(small_event(tmp_path / "events" / name))
        (tmp_path / "adj").mkdir(exist_ok=True)
        write_adjoint_sources(tmp_path / "adj" / name, event, axis, [np.ones(240)] * 7)
    return tmp_path


def arguments(place: Path, kind: str, output: str, *more: str) -> list[str]:
    return [
        kind,
        "--solver=devito",
        f"--settings={place / 'solver.json'}",
        f"--model={place / 'model.h5'}",
        f"--events={place / 'events'}",
        f"--output={place / output}",
        *more,
    ]


def facts(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def tree(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def test_events_are_simulated_once(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments(place, "forward", "out", "--event=b")) == 0
    assert [(f["event"], f["computed"]) for f in facts(capsys.readouterr().out)] == [("b", True)]
    assert main(arguments(place, "forward", "out", "--save-wavefield")) == 0
    told = facts(capsys.readouterr().out)
    assert [f["computed"] for f in told] == [True, False, True]
    assert all(isinstance(f["seconds"], float) for f in told)
    sources = f"--adjoint-sources={place / 'adj'}"
    assert main(arguments(place, "adjoint", "kernels", sources)) == 0
    assert [f["event"] for f in facts(capsys.readouterr().out)] == list(NAMES)
    assert (place / "kernels" / "c" / "kernels.h5").is_file()
    assert len(list((place / "out" / "a" / "synthetics").iterdir())) == 7


def test_an_event_that_fails_is_named_and_the_others_are_done(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "events" / "b" / "STATIONS").write_text("S1 AA 1e9 10\n")
    assert main(arguments(place, "forward", "out")) == 1
    told = capsys.readouterr()
    assert "error" in facts(told.out)[1]
    assert told.err.count("\n") == 1
    assert "inversion_simulate: event b: station AA.S1 is at x = 1e+09 m" in told.err
    assert sorted(path.name for path in (place / "out").iterdir() if path.name[0] != ".") == [
        "a",
        "c",
    ]


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        (["--solver=none"], 1, "solver 'none': there are"),
        (["--event=z"], 1, "no event z in it"),
        (["--events=nowhere"], 1, "nowhere: cannot be read: No such file or directory"),
        (["--settings=nowhere"], 1, "nowhere: cannot be read: No such file or directory"),
        (["--settings=STATIONS"], 1, "STATIONS: not valid JSON"),
        (["--settings=list"], 1, "list: not an object of settings"),
        (["--ranks=two"], 2, "invalid int value"),
    ],
)
def test_what_is_wrong_is_one_line(
    change: list[str],
    code: int,
    message: str,
    place: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(place)
    (place / "STATIONS").write_text("S1 AA 1 2\n")
    (place / "list").write_text("[]")
    assert main(arguments(place, "forward", "out", *change)) == code
    told = capsys.readouterr()
    assert not told.out
    assert message in told.err
    assert told.err.count("\n") == 1


def test_adjoint_needs_its_sources(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments(place, "adjoint", "kernels")) == 2
    assert "adjoint needs --adjoint-sources" in capsys.readouterr().err


@pytest.mark.mpi
@pytest.mark.skipif(
    not MPIEXEC.exists() and not shutil.which("mpiexec"), reason="no mpiexec; pip install mpich"
)
def test_the_files_do_not_depend_on_the_number_of_ranks(place: Path) -> None:
    trees = []
    for ranks in (2, 1):  # two compile at once
        launcher = [str(MPIEXEC) if MPIEXEC.exists() else "mpiexec", "-n", str(ranks)]
        done = subprocess.run(
            [
                *(launcher if ranks > 1 else []),
                sys.executable,
                str(SCRIPT),
                *arguments(place, "forward", f"out{ranks}"),
                f"--ranks={ranks}",
            ],
            env={**os.environ, "TMPDIR": str(place)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert sorted(str(f["event"]) for f in facts(done.stdout)) == list(NAMES)
        trees.append(tree(place / f"out{ranks}"))
    assert trees[0] == trees[1]
