"""Sections that were never measured."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from headrace.ert import SettingsError
from headrace.ert.data_files import declared_data
from headrace.ert.synthetic import ARRAYS, Section, draw_model, write_section
from tests.support.optional_packages import skip_without
from tests.support.repository import REPOSITORY

skip_without("pygimli", "ert")

SCRIPT = REPOSITORY / "job_scripts/ert_make_example.py"


def test_a_seed_is_a_section(tmp_path: Path) -> None:
    one = write_section(tmp_path / "one", Section(seed=3, array="wenner")).read_text()
    same = write_section(tmp_path / "same", Section(seed=3, array="wenner")).read_text()
    other = write_section(tmp_path / "other", Section(seed=4, array="wenner")).read_text()
    assert one == same != other
    assert draw_model(Section(seed=3)) != draw_model(Section(seed=4))


@pytest.mark.parametrize(("array", "count"), [*zip(ARRAYS, (171, 63, 90), strict=True)])
def test_arrays_are_those_of_pygimlis_examples(tmp_path: Path, array: str, count: int) -> None:
    path = write_section(tmp_path / "line", Section(array=array))
    assert declared_data(path) == count
    lines = path.read_text().splitlines()
    assert lines[0] == "21"
    errors = {float(line.split()[5]) for line in lines if len(line.split()) == 7}
    assert errors == {0.02}


def test_noise_is_as_large_as_was_asked_for(tmp_path: Path) -> None:
    import numpy as np

    clean, noisy = (
        np.loadtxt(
            write_section(tmp_path / str(noise), Section(noise=noise)), skiprows=25, max_rows=171
        )[:, 4]
        for noise in (1e-9, 0.05)
    )
    assert np.std(noisy / clean - 1.0) == pytest.approx(0.05, rel=0.2)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"array": "gradient"}, "there are dipole-dipole, wenner, schlumberger"),
        ({"electrodes": 4}, "at least 8"),
        ({"spacing": 0.0}, "above 0"),
        ({"noise": 2.0}, "between 0 and 1"),
    ],
)
def test_what_cannot_be_measured_is_refused(values: dict[str, object], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        Section(**values)  # type: ignore[arg-type]


@pytest.mark.service
def test_the_script_makes_sections_and_replaces_none(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), str(tmp_path / "sections"), "--count", "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    paths = [tmp_path / f"sections/line0{number}/data.dat" for number in (1, 2)]
    assert done.stdout.split() == [str(path) for path in paths]
    truth = json.loads((paths[0].parent / "truth.json").read_text())
    assert truth["section"]["array"] == "wenner"
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.endswith("line01: is there already; choose another --first\n")
    done = subprocess.run(
        [*command, "--first", "3", "--noise", "2"], capture_output=True, text=True, check=False
    )
    assert done.stderr == "ert_make_example: noise 2.0: must be between 0 and 1; 0.02 is 2 %\n"
