"""What a directory in CRTomo's layout needs: the rule of cr_hydra."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.ert.engine import INVERSION, MODELLING, MODELLING_AND_INVERSION
from headrace.ert.engines.crtomo.directories import is_finished, needed_work
from tests.support.ert.tomodir import make_inversion, make_modelling


def test_data_and_no_result_is_an_inversion(tmp_path: Path) -> None:
    directory = make_inversion(tmp_path / "td")
    assert needed_work(directory) == INVERSION
    (directory / "inv/inv.ctr").write_text("...\n***finished***\n")
    assert is_finished(directory)
    assert needed_work(directory) == ""


def test_an_interrupted_inversion_is_one_again(tmp_path: Path) -> None:
    directory = make_inversion(tmp_path / "td")
    (directory / "inv/inv.ctr").write_text("***finished***\nand more\n")
    assert not is_finished(directory)
    assert needed_work(directory) == INVERSION


def test_a_configuration_and_no_data_is_a_modelling(tmp_path: Path) -> None:
    assert needed_work(make_modelling(tmp_path / "m")) == MODELLING
    assert needed_work(make_modelling(tmp_path / "both", invert=True)) == MODELLING_AND_INVERSION


@pytest.mark.parametrize("name", ["grid/elem.dat", "grid/elec.dat", "exe/crtomo.cfg"])
def test_what_lacks_a_file_is_no_inversion(tmp_path: Path, name: str) -> None:
    directory = make_inversion(tmp_path / "td")
    (directory / name).unlink()
    assert needed_work(directory) == ""


@pytest.mark.parametrize("name", ["config/config.dat", "rho/rho.dat", "exe/crmod.cfg"])
def test_what_lacks_a_file_is_no_modelling(tmp_path: Path, name: str) -> None:
    directory = make_modelling(tmp_path / "td", invert=True)
    (directory / name).unlink()
    assert needed_work(directory) == ""


def test_modelled_data_are_inverted_next(tmp_path: Path) -> None:
    directory = make_modelling(tmp_path / "td", invert=True)
    (directory / "mod/volt.dat").write_text("0\n")
    assert needed_work(directory) == INVERSION


def test_an_empty_directory_needs_nothing(tmp_path: Path) -> None:
    assert needed_work(tmp_path) == ""
