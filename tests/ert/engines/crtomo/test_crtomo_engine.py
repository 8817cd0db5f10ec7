"""CRTomo and CRMod as an engine: what counts as done, and what comes home of what failed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from headrace.ert import EngineMissing, InversionFailed, SettingsError
from headrace.ert.engine import INVERSION, MODELLING, MODELLING_AND_INVERSION, ErtJob, ErtResult
from headrace.ert.engines.crtomo.data_files import read_resistances
from headrace.ert.engines.crtomo.directories import needed_work
from headrace.ert.registry import open_engine
from tests.support.ert.programs import real_programs, stand_ins
from tests.support.ert.tomodir import configurations, half_space, make_inversion, make_modelling
from tests.support.waiting import wait_until


@pytest.fixture(params=["stand-in", "real"])
def programs(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    return stand_ins(tmp_path / "bin") if request.param == "stand-in" else real_programs()


def run(directory: Path, settings: dict[str, object]) -> tuple[ErtResult, Path]:
    engine = open_engine("crtomo", settings)
    output = directory.with_name(f"{directory.name}-output")
    output.mkdir(exist_ok=True)
    return engine.run(ErtJob(engine.find_job(directory) or INVERSION, directory, output)), output


def failure(directory: Path, settings: dict[str, object]) -> tuple[InversionFailed, Path]:
    with pytest.raises(InversionFailed) as caught:
        run(directory, settings)
    return caught.value, directory.with_name(f"{directory.name}-output")


def change_datum(directory: Path, text: str) -> None:
    path = directory / "mod/volt.dat"
    lines = path.read_text().splitlines()
    lines[4] = text
    path.write_text("\n".join(lines) + "\n")


def test_an_inversion_is_done_when_it_says_so(tmp_path: Path, programs: dict[str, str]) -> None:
    directory = make_inversion(tmp_path / "td")
    before = {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}
    result, output = run(directory, dict(programs))
    assert result.facts["converged"] is True
    assert result.facts["stop_reason"] == "Min. rel. CHI decrease"
    assert result.facts["data"] == len(configurations())
    assert result.facts["iterations"] == 2
    assert 0.0 < float(result.facts["chi2"]) < 1.0
    assert 0.5 < float(result.facts["rms"]) < 5.0
    assert result.chi2_history[0] > result.chi2_history[-1]
    assert result.chi2_history[-1] == pytest.approx(result.facts["chi2"], rel=1e-5)
    assert result.files["model"] == "inv/rho02.mag"
    assert (output / "inv/rho02.mag").is_file()
    assert {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()} == before
    assert needed_work(output) == ""


def test_the_limit_of_iterations_is_a_reason_but_no_convergence(
    tmp_path: Path, programs: dict[str, str]
) -> None:
    result, _ = run(make_inversion(tmp_path / "td", iterations=1), dict(programs))
    assert result.facts["stop_reason"] == "Max. # iterations"
    assert result.facts["converged"] is False


def test_a_model_becomes_data(tmp_path: Path, programs: dict[str, str]) -> None:
    directory = make_modelling(tmp_path / "td", resistivity=100.0)
    assert needed_work(directory) == MODELLING
    result, output = run(directory, dict(programs))
    chosen = configurations()
    assert result.facts == {"modelled": len(chosen)}
    wanted = [half_space(one, 100.0) for one in chosen]
    # The grid is coarse.
    assert read_resistances(output / "mod/volt.dat") == pytest.approx(wanted, rel=0.15)


def test_a_model_without_data_is_modelled_and_inverted(
    tmp_path: Path, programs: dict[str, str]
) -> None:
    directory = make_modelling(tmp_path / "td", invert=True)
    assert needed_work(directory) == MODELLING_AND_INVERSION
    result, output = run(directory, dict(programs))
    assert result.facts["modelled"] == result.facts["data"] == len(configurations())
    assert (output / "inv/inv.ctr").read_text().endswith("***finished***\n")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda td: (td / "grid/elec.dat").unlink(), "Error opening ../grid/elec.dat"),
        (lambda td: change_datum(td, "10002 40003 0.0 0.0"), "Magnitude <= 0"),
        (lambda td: change_datum(td, "990002 40003 0.5 0.0"), "Inadmissible electrode denotation"),
        (
            lambda td: (td / "mod/volt.dat").write_text("39\n10002 40003 0.5 0.0\n"),
            "End of File encountered ../mod/volt.dat",
        ),
    ],
)
def test_an_error_is_told_by_error_dat_which_comes_home(
    tmp_path: Path, programs: dict[str, str], damage: Callable[[Path], None], words: str
) -> None:
    directory = make_inversion(tmp_path / "td")
    damage(directory)
    error, output = failure(directory, dict(programs))
    assert words in str(error)
    assert "\n" not in str(error)
    assert words in (output / "exe/error.dat").read_text()
    assert (output / "exe/crtomo.log").stat().st_size


# What the real program makes of a word among numbers depends on what was in its memory: seen were
# a finished inversion without iterations, a segmentation fault, and an error of another kind.


def test_finished_without_a_reason_is_no_result(tmp_path: Path) -> None:
    directory = make_inversion(tmp_path / "td")
    path = directory / "exe/crtomo.cfg"
    path.write_text(path.read_text().replace("T                ! DC", "F                ! DC"))
    change_datum(directory, "10002 xx 3 4")
    error, output = failure(directory, {**stand_ins(tmp_path / "bin")})
    assert (output / "inv/inv.ctr").read_text().endswith("***finished***\n")
    assert "told no reason for its end" in str(error)
    assert "bvolti exception" in str(error)
    assert error.facts["iterations"] == 0


def test_a_program_that_a_signal_ended_has_failed(tmp_path: Path) -> None:
    directory = make_inversion(tmp_path / "td")
    change_datum(directory, "10002 xx 3 4")
    error, output = failure(directory, {**stand_ins(tmp_path / "bin")})
    assert str(error).startswith("CRTomo: ended by signal 11")
    assert not (output / "exe/error.dat").exists()


def test_data_that_are_no_numbers_are_not_iterated_on(
    tmp_path: Path, programs: dict[str, str]
) -> None:
    directory = make_inversion(tmp_path / "td")
    change_datum(directory, "10002 40003 NaN 0.0")
    error, _ = failure(directory, dict(programs))
    assert str(error) == "mod/volt.dat: 1 of 39 data are no numbers"


def test_what_an_earlier_run_has_left_is_not_taken_for_this_ones(
    tmp_path: Path, programs: dict[str, str]
) -> None:
    """An old error.dat stays after a success, an old inv.ctr after an early error."""
    directory = make_inversion(tmp_path / "td")
    (directory / "exe/error.dat").write_text(" CRTomo PID 7 exited abnormally\nx 12\n old error\n")
    result, output = run(directory, dict(programs))
    assert result.facts["converged"] is True
    assert not (output / "exe/error.dat").exists()
    (directory / "grid/elec.dat").unlink()
    error, output = failure(directory, dict(programs))
    assert "Error opening" in str(error)
    assert not (output / "inv/inv.ctr").exists()


def test_an_inversion_without_an_end_is_ended(tmp_path: Path) -> None:
    directory = make_inversion(tmp_path / "td")
    (directory / "exe/crt.lamnull").write_text("NaN\nNaN\n")
    settings = {**stand_ins(tmp_path / "bin"), "time_limit": 0.01}
    error, output = failure(directory, settings)
    assert "CRTomo: ended after 0.01 minutes, the time_limit" in str(error)
    assert (output / "inv/inv.ctr").is_file()


def test_a_signal_to_the_program_ends_crtomo_too(tmp_path: Path) -> None:
    directory = make_inversion(tmp_path / "td")
    (directory / "exe/crt.lamnull").write_text("NaN\nNaN\n")
    output = tmp_path / "output"
    code = "import sys; from headrace.ert.program import main; sys.exit(main())"
    command = [sys.executable, "-c", code, str(directory), "--output", str(output)]
    settings = json.dumps({"crtomo": stand_ins(tmp_path / "bin")})
    process = subprocess.Popen([*command, "--settings", settings], stderr=subprocess.PIPE)
    wait_until(lambda: (output / "inv/run.ctr").is_file(), "the first iteration")
    child = int((output / "exe/crtomo.pid").read_text())
    process.send_signal(signal.SIGTERM)
    process.communicate()
    assert process.returncode == 128 + signal.SIGTERM
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(EngineMissing, match="no program /nowhere/CRTomo; name it by crtomo"):
        run(make_inversion(tmp_path / "td"), {"crtomo": "/nowhere/CRTomo"})


def test_settings_are_checked() -> None:
    with pytest.raises(SettingsError, match="thread"):
        open_engine("crtomo", {"thread": 1})
    with pytest.raises(SettingsError, match="threads"):
        open_engine("crtomo", {"threads": 0})
