# ruff: noqa: E501 - lines as CRTomo writes them
"""What CRTomo's control files say, in the forms in which it writes them."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from headrace.ert import ErtError
from headrace.ert.engines.crtomo.control_files import (
    ControlFile,
    error_text,
    fortran_number,
    is_limit,
    last_model,
    stop_reason,
)
from headrace.ert.engines.crtomo.data_files import read_resistances, relative_rms

RULE = "*" * 109 + " \n"
WITH_PHASES = f"""***Model stats***
# Model parameters               9360
# Data points                     190

 ID it.   data RMS    stepsize    lambda      roughn.    CG-steps    mag RMS     pha RMS    - # data    steplength

{RULE} IT   0    134.7                                                     134.7        Infinity     0
{RULE} UP   1    1.218      0.582E+04   9360.      0.1200E-01      78                                         1.000
 UP   5    67.36      0.289E+04   2993.      0.3027E-01      57                                         0.500
{RULE} IT   1    1.075       5773.      2993.      0.1211          57      1.070        Infinity     0        1.000
{RULE} PIT  0    12.1                                                      1.007        12.1         0
{RULE} PIT  1    0.995       1.00       0.1000E+05 0.1211          57      1.007        0.995        0        1.000
{RULE}***finished***
"""


def test_iterations_of_magnitudes_count_and_those_of_phases_do_not(tmp_path: Path) -> None:
    path = tmp_path / "inv.ctr"
    path.write_text(WITH_PHASES)
    found = ControlFile.read(path)
    assert (found.data, found.cells) == (190, 9360)
    assert found.history == (134.7, 1.075)
    assert found.last_lambda == 1e4


def test_a_file_that_breaks_off_says_less(tmp_path: Path) -> None:
    path = tmp_path / "inv.ctr"
    assert ControlFile.read(path) == ControlFile(0, 0, (), None)
    path.write_text(WITH_PHASES.partition(" IT ")[0] + " IT   0    NaN\n IT   1")
    found = ControlFile.read(path)
    assert found.data == 190
    assert len(found.history) == 2
    assert all(map(math.isnan, found.history))


@pytest.mark.parametrize(
    ("text", "number"),
    [("0.130E-02", 0.0013), ("0.1000-110", 1e-111), ("1.D+03", 1000.0), ("2993.", 2993.0)],
)
def test_numbers_as_fortran_writes_them(text: str, number: float) -> None:
    assert fortran_number(text) == pytest.approx(number)


@pytest.mark.parametrize("text", ["NaN", "**********", "xx", ""])
def test_what_is_no_number(text: str) -> None:
    assert math.isnan(fortran_number(text))
    assert fortran_number("Infinity") == math.inf


def test_the_reason_is_the_last_one(tmp_path: Path) -> None:
    path = tmp_path / "run.ctr"
    assert stop_reason(path) == ""
    path.write_text(" Iteration terminated: Min. CHI.\n Iteration terminated: Max. # iterations.\n")
    assert stop_reason(path) == "Max. # iterations"
    assert is_limit("Max. # iterations")
    assert not is_limit("Min. rel. CHI decrease")


def test_an_error_is_its_message(tmp_path: Path) -> None:
    path = tmp_path / "error.dat"
    assert error_text(path) is None
    message = "Error opening ../grid/elec.dat"
    text = (
        f" CRTomo PID        2787  exited abnormally\n{'../grid/elec.dat':80} 12\n {message:256}\n"
    )
    path.write_text(text)
    assert error_text(path) == message
    path.write_text("")
    assert error_text(path) == "error.dat says nothing"


def test_the_final_model_is_named_from_the_directory(tmp_path: Path) -> None:
    path = tmp_path / "inv.lastmod"
    assert last_model(path) == ""
    path.write_text(" ../inv/rho03.mag\n")
    assert last_model(path) == "inv/rho03.mag"


def test_resistances_are_read_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "volt.dat"
    path.write_text("  2\n 10002 40003 0.524234 -12.9\n 20003 50004 NaN 0.0\n")
    first, second = read_resistances(path)
    assert first == 0.524234
    assert math.isnan(second)
    path.write_text("3\n 10002 40003 0.5\n")
    with pytest.raises(ErtError, match="3 data expected, 1 are there"):
        read_resistances(path)
    path.write_text("")
    with pytest.raises(ErtError, match="line 1 must be the number of data"):
        read_resistances(path)


def test_relative_differences_are_of_magnitudes() -> None:
    assert relative_rms([1.0, -2.0], [1.1, 2.2]) == pytest.approx(10.0)
    assert relative_rms([1.0], []) is None
    assert relative_rms([math.nan], [1.0]) is None
