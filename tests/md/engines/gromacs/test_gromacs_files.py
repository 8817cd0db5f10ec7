"""Run inputs, checkpoints and failures as the real GROMACS writes and tells them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from headrace.md import EngineMissing, LegDirectory, LegLimits, MdError, SettingsError, run_leg
from headrace.md.engines.gromacs import make
from headrace.md.engines.gromacs.checkpoint import read_checkpoint, read_run_input
from headrace.md.engines.gromacs.programs import GromacsPrograms
from headrace.md.water_boxes import write_water_box

pytestmark = pytest.mark.skipif(
    shutil.which("gmx") is None, reason="needs gmx (Debian's package gromacs)"
)
PROGRAMS = GromacsPrograms.of("gmx", "gmx mdrun")


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> LegDirectory:
    """A leg of 60 steps of a simulation of 200; not to be changed."""
    leg = LegDirectory(tmp_path_factory.mktemp("gromacs") / "leg")
    write_water_box("gromacs", leg.input, steps=200, frame_steps=50, energy_steps=20)
    run_leg(make({}), "gromacs", leg.path, LegLimits(steps=60))
    return leg


@pytest.fixture
def leg(done: LegDirectory, tmp_path: Path) -> LegDirectory:
    """A copy of it."""
    return LegDirectory(Path(shutil.copytree(done.path, tmp_path / "leg")))


def test_a_run_input_says_how_long_the_simulation_is(done: LegDirectory) -> None:
    found = read_run_input(PROGRAMS, done.state / "run.tpr")
    assert (found.first_step, found.steps, found.target) == (0, 200, 200)
    assert found.step_ps == pytest.approx(0.002)


def test_a_checkpoint_says_its_step_and_the_outputs_before_it(done: LegDirectory) -> None:
    found = read_checkpoint(PROGRAMS, done.state / "run.cpt")
    assert (found.step, found.part) == (60, 1)
    endings = {Path(name).suffix for name in found.outputs}
    assert endings == {".log", ".xtc", ".edr"}
    for name, written in found.outputs.items():
        assert written.is_prefix_of(done.path / name)
    trajectory = found.outputs["parts/run.part0001.xtc"]
    assert trajectory.size == (done.parts / "run.part0001.xtc").stat().st_size


@pytest.mark.parametrize("kept", [100, 5000, -50])
def test_a_checkpoint_that_is_cut_is_no_checkpoint(leg: LegDirectory, kept: int) -> None:
    path = leg.state / "run.cpt"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(MdError):
        read_checkpoint(PROGRAMS, path)


def test_outputs_that_were_changed_are_not_continued(leg: LegDirectory) -> None:
    path = leg.parts / "run.part0001.xtc"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(bytes(content))
    with pytest.raises(MdError, match=r"run\.part0001\.xtc: is not what run\.cpt \(step 60\) says"):
        make({}).settle(leg)


def test_what_a_start_left_that_no_checkpoint_is_of_is_removed(leg: LegDirectory) -> None:
    for name in ("run.part0002.xtc", "#run.part0002.xtc.1#"):
        (leg.parts / name).write_bytes(b"killed before its first checkpoint")
    (leg.parts / "run.part0001.xtc").open("ab").write(b"behind the checkpoint")
    assert make({}).settle(leg).step == 60
    assert [path.name for path in sorted(leg.parts.glob("*.xtc"))] == ["run.part0001.xtc"]
    read_checkpoint(PROGRAMS, leg.state / "run.cpt")


def test_a_kill_between_two_renamings_of_mdrun_costs_nothing(leg: LegDirectory) -> None:
    (leg.state / "run.cpt").rename(leg.state / "run.0f3a9c21_step60.cpt")
    assert make({}).settle(leg).step == 60
    names = {path.name for path in leg.state.glob("*.cpt")}
    assert names <= {"run.cpt", "run_prev.cpt"}


def test_a_part_without_a_frame_has_no_energies(leg: LegDirectory) -> None:
    """As a start has that is killed between its first checkpoint and its first row."""
    steps = [run_leg(make({}), "gromacs", leg.path, LegLimits(number=2, steps=9)).step]
    steps += [run_leg(make({}), "gromacs", leg.path, LegLimits(number=3, steps=9)).step]
    assert steps == [69, 78]
    times = [round(time / 0.002) for time in make({}).energies(leg).times]
    assert times == [0, 20, 40, 60]


def test_grompps_own_words_are_told(tmp_path: Path) -> None:
    leg = LegDirectory(tmp_path / "leg")
    write_water_box("gromacs", leg.input)
    (leg.input / "topol.top").write_text('#include "absent.itp"\n')
    with pytest.raises(MdError, match=r"gmx grompp: .*absent\.itp") as refused:
        run_leg(make({}), "gromacs", leg.path, LegLimits())
    assert "\n" not in str(refused.value)
    assert not (leg.state / "run.tpr").exists()


def test_an_input_with_two_structures_is_refused(tmp_path: Path) -> None:
    leg = LegDirectory(tmp_path / "leg")
    write_water_box("gromacs", leg.input)
    shutil.copyfile(leg.input / "box.gro", leg.input / "copy.gro")
    with pytest.raises(MdError, match=r"one \.gro in it.*there are box\.gro, copy\.gro"):
        run_leg(make({}), "gromacs", leg.path, LegLimits())


def test_a_minimisation_is_no_leg(tmp_path: Path) -> None:
    leg = LegDirectory(tmp_path / "leg")
    write_water_box("gromacs", leg.input)
    mdp = leg.input / "md.mdp"
    mdp.write_text(mdp.read_text().replace("= md\n", "= steep\n").replace("v-rescale", "no"))
    with pytest.raises(MdError, match="integrator steep: legs are of dynamics"):
        run_leg(make({"grompp_arguments": ["-maxwarn", "5"]}), "gromacs", leg.path, LegLimits())


def test_a_run_input_may_be_given_as_it_is(done: LegDirectory, tmp_path: Path) -> None:
    leg = LegDirectory(tmp_path / "leg")
    leg.input.mkdir(parents=True)
    shutil.copyfile(done.state / "run.tpr", leg.input / "topol.tpr")
    assert run_leg(make({}), "gromacs", leg.path, LegLimits()).step == 200


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"gmx": "gmx_of_another_machine"}, EngineMissing, "gmx_of_another_machine: not on PATH"),
        ({"gmx": "'gmx"}, SettingsError, "not a command"),
        ({"mdrun": ""}, SettingsError, "empty"),
        ({"mdruns": "gmx"}, SettingsError, "mdruns"),
    ],
)
def test_settings_that_cannot_be_used(
    settings: Mapping[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        make(settings).version()


def test_the_version_is_told() -> None:
    assert make({}).version().startswith("GROMACS 20")
