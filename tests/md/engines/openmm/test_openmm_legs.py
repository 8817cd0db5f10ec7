"""Legs of the real OpenMM: other machines, damaged files, inputs that cannot be used."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from headrace.md import LegDirectory, LegLimits, MdError, SettingsError, open_engine, run_leg
from headrace.md.energies import read_energies
from headrace.md.engines.openmm.outputs import PartWriter
from headrace.md.water_boxes import write_water_box
from headrace.md.xtc import read_frames
from tests.support.optional_packages import skip_without

skip_without("openmm", "md")

SETTINGS = {"platform": "CPU", "properties": {"Threads": 1}}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> LegDirectory:
    """A leg of 100 steps of a simulation of 200; not to be changed."""
    leg = LegDirectory(tmp_path_factory.mktemp("openmm") / "leg")
    write_water_box("openmm", leg.input, steps=200, frame_steps=50, energy_steps=20)
    run_leg(open_engine("openmm", SETTINGS), "openmm", leg.path, LegLimits(steps=100))
    return leg


@pytest.fixture
def leg(done: LegDirectory, tmp_path: Path) -> LegDirectory:
    """A copy of it."""
    return LegDirectory(Path(shutil.copytree(done.path, tmp_path / "leg")))


@pytest.fixture
def second(done: LegDirectory, tmp_path: Path) -> LegDirectory:
    """The leg after it, with the state that it left."""
    leg = LegDirectory(tmp_path / "second")
    shutil.copytree(done.state, leg.previous)
    return leg


def total_energies(leg: LegDirectory) -> list[float]:
    return list(read_energies(leg.parts / "energies.csv").columns["total_kj_mol"])


@pytest.mark.parametrize("machine", ["the same", "another one"])
def test_a_leg_goes_on_at_any_machine(
    done: LegDirectory, second: LegDirectory, machine: str
) -> None:
    record = second.previous / "checkpoint.json"
    found = json.loads(record.read_text())
    if machine == "another one":
        # Its version, platform and name are others; its own checkpoint is of no use there.
        record.write_text(json.dumps({**found, "made_by": "OpenMM 7.7 CUDA aarch64 node0042"}))
    outcome = run_leg(open_engine("openmm", SETTINGS), "openmm", second.path, LegLimits())
    assert (outcome.first_step, outcome.step, outcome.done) == (100, 200, True)
    frames = [
        frame.step for each in (done, second) for frame in read_frames(each.parts / _part(each))
    ]
    assert frames == [0, 50, 100, 150, 200]
    # The state goes on: 20 steps later the energy is close, far from that of a new start.
    before, after = total_energies(done)[-1], total_energies(second)[0]
    assert abs(after - before) < 0.02 * abs(before)


def _part(leg: LegDirectory) -> str:
    (path,) = leg.parts.glob("*.xtc")
    return path.name


def test_the_same_machine_goes_on_from_the_exact_checkpoint(second: LegDirectory) -> None:
    """Twice from the same checkpoint: the thermostat's random numbers are the same, too."""
    twin = LegDirectory(second.path.with_name("twin"))
    shutil.copytree(second.previous, twin.previous)
    for leg in (second, twin):
        run_leg(open_engine("openmm", SETTINGS), "openmm", leg.path, LegLimits(steps=20))
    assert total_energies(second) == pytest.approx(total_energies(twin), rel=1e-6)


def test_outputs_that_are_shorter_than_a_checkpoint_are_not_continued(leg: LegDirectory) -> None:
    path = leg.parts / "run.part0001.xtc"
    path.write_bytes(path.read_bytes()[:-8])
    (leg.state / "checkpoint_prev.json").unlink(missing_ok=True)
    with pytest.raises(MdError, match=r"run\.part0001\.xtc: shorter than the \d+ bytes"):
        open_engine("openmm", SETTINGS).settle(leg)


def test_a_checkpoint_whose_state_was_damaged_is_passed_over(leg: LegDirectory) -> None:
    run_leg(open_engine("openmm", SETTINGS), "openmm", leg.path, LegLimits(number=2, steps=50))
    (leg.state / "150.xml").write_text("<State")
    assert open_engine("openmm", SETTINGS).settle(leg).step == 100
    assert not (leg.parts / "run.part0002.xtc").exists()
    names = {path.name for path in leg.state.glob("1*")}
    assert names == {"100.chk", "100.xml"}


def test_old_checkpoints_do_not_pile_up(leg: LegDirectory) -> None:
    for number in (2, 3, 4):
        limits = LegLimits(number=number, steps=10)
        run_leg(open_engine("openmm", SETTINGS), "openmm", leg.path, limits)
    names = {path.name for path in leg.state.glob("1*")}
    assert names == {"120.chk", "120.xml", "130.chk", "130.xml"}, "the last and the one before"


@pytest.mark.parametrize("name", ["system.xml", "start.xml", "simulation.toml"])
def test_an_input_that_is_missing_or_damaged_is_named(tmp_path: Path, name: str) -> None:
    leg = LegDirectory(tmp_path / "leg")
    write_water_box("openmm", leg.input)
    content = (leg.input / name).read_bytes()
    (leg.input / name).unlink()
    engine = open_engine("openmm", SETTINGS)
    with pytest.raises(MdError, match=rf"{name}: missing; the input of OpenMM is system\.xml"):
        run_leg(engine, "openmm", leg.path, LegLimits())
    (leg.input / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(MdError) as refused:
        run_leg(engine, "openmm", leg.path, LegLimits())
    assert "\n" not in str(refused.value)


def test_a_platform_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(SettingsError, match="platform 'GPU': there are Reference, CPU"):
        open_engine("openmm", {"platform": "GPU"})


def one_atom() -> Any:
    from openmm.app import Element, Topology

    topology = Topology()
    residue = topology.addResidue("AR", topology.addChain())
    topology.addAtom("AR", Element.getBySymbol("Ar"), residue)
    return topology


def test_a_start_that_was_taken_over_writes_into_no_file_of_the_other_one(tmp_path: Path) -> None:
    leg = LegDirectory(tmp_path)
    leg.parts.mkdir()

    def start() -> PartWriter:
        return PartWriter(leg, 2, one_atom(), 0.002, 10)

    def write(writer: PartWriter, step: int) -> dict[str, int]:
        writer.frame(step, [(0.0, 0.0, float(step))], None)
        writer.energy([step * 0.002, -1.0, 0.5, -0.5, 300.0])
        return writer.flush()

    with start() as suspended:
        first = write(suspended, 0)
        for path in leg.parts.iterdir():
            path.unlink()  # as whoever goes on from the checkpoint before does
        with start() as other:
            written = write(other, 0)
            assert written == first
            grown = write(suspended, 10)
            assert all(grown[name] > size for name, size in first.items())
            assert {path.name: path.stat().st_size for path in leg.parts.iterdir()} == written
            write(other, 10)
    frames = [*read_frames(leg.parts / "run.part0002.xtc")]
    assert [frame.step for frame in frames] == [0, 10]
    assert read_energies(leg.parts / "run.part0002.csv").times == [0.0, 0.02]
