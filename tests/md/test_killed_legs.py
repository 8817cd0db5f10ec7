"""Three legs, each killed: every frame once, the target exactly, energies that continue."""

from __future__ import annotations

import importlib.util
import shutil
import time
from pathlib import Path

import psutil
import pytest

from headrace.md.energies import joined, read_energies
from headrace.md.errors import MdError
from headrace.md.leg import read_outcome
from headrace.md.water_boxes import write_water_box
from headrace.md.xtc import read_frames
from tests.support.md.legs import Member, frames_by_gromacs

STEPS, LEG, FRAME, ENERGY = 3600, 1200, 100, 50

ENGINES = [
    pytest.param(
        "gromacs",
        marks=pytest.mark.skipif(
            shutil.which("gmx") is None, reason="needs gmx (Debian's package gromacs)"
        ),
    ),
    pytest.param(
        "openmm",
        marks=pytest.mark.skipif(
            importlib.util.find_spec("openmm") is None, reason="needs the extra `md`"
        ),
    ),
]


def make_member(root: Path, engine: str, steps: int = STEPS) -> Member:
    member = Member(root, engine)
    write_water_box(
        engine,
        member.leg(1) / "input",
        steps=steps,
        frame_steps=FRAME,
        energy_steps=ENERGY,
        seed=5,
    )
    return member


@pytest.mark.parametrize("engine", ENGINES)
def test_three_legs_each_killed(engine: str, tmp_path: Path) -> None:
    member = make_member(tmp_path, engine)
    killed = 0
    for number in (1, 2, 3):
        for _ in range(2):
            killed += member.run_killed(number, f"--steps={LEG}") == -9
        told = member.run(number, f"--steps={LEG}")
        assert told["step"] == number * LEG
        assert told["first_step"] == (number - 1) * LEG
        assert told["done"] is (number == 3)
    assert killed >= 3

    trajectory = member.files("*.xtc")
    frames = [frame.step for path in trajectory for frame in read_frames(path)]
    assert frames == list(range(0, STEPS + 1, FRAME))
    if shutil.which("gmx"):
        assert frames_by_gromacs(trajectory) == frames

    energies = joined([read_energies(path) for path in member.files("energies.csv")])
    times = [round(time / 0.002) for time in energies.times]
    assert times == list(range(0, STEPS + 1, ENERGY))
    # The thermostat holds the temperature; a state that was lost would begin anew or explode.
    temperature = energies.mean("temperature")
    assert temperature is not None
    assert 285 < temperature < 315
    assert read_outcome(member.leg(3)).done


@pytest.mark.skipif(shutil.which("gmx") is None, reason="needs gmx (Debian's package gromacs)")
def test_killed_legs_of_gromacs_equal_one_undisturbed_run(tmp_path: Path) -> None:
    """With ``-reprod``, which makes GROMACS's own continuations exact, byte for byte."""
    disturbed = make_member(tmp_path / "disturbed", "gromacs", steps=2400)
    for number in (1, 2):
        disturbed.run_killed(number, "--steps=1200")
        disturbed.run(number, "--steps=1200")
    undisturbed = make_member(tmp_path / "undisturbed", "gromacs", steps=2400)
    undisturbed.run(1)

    pieces = b"".join(path.read_bytes() for path in disturbed.files("*.xtc"))
    (whole,) = undisturbed.files("*.xtc")
    assert pieces == whole.read_bytes()
    tables = [
        joined([read_energies(path) for path in member.files("energies.csv")])
        for member in (disturbed, undisturbed)
    ]
    assert tables[0] == tables[1]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_damaged_checkpoint_costs_only_what_came_after_the_one_before(
    engine: str, tmp_path: Path
) -> None:
    member = make_member(tmp_path, engine, steps=2400)
    member.run(1, "--steps=1200")
    state = member.leg(1) / "state"
    newest, before = (
        ("run.cpt", "run_prev.cpt")
        if engine == "gromacs"
        else ("checkpoint.json", "checkpoint_prev.json")
    )
    assert (state / before).exists()
    content = (state / newest).read_bytes()
    (state / newest).write_bytes(content[: len(content) // 2])  # a disk that was full

    told = member.run(1, "--steps=1200")
    assert told["step"] == 1200
    told = member.run(2)
    assert told["done"] is True
    frames = [frame.step for path in member.files("*.xtc") for frame in read_frames(path)]
    assert frames == list(range(0, 2401, FRAME))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_leg_without_any_good_checkpoint_is_not_begun_anew(engine: str, tmp_path: Path) -> None:
    member = make_member(tmp_path, engine, steps=2400)
    member.run(1, "--steps=1200")
    for path in (member.leg(1) / "state").glob("*"):
        if path.suffix in (".cpt", ".chk") or path.name.startswith("checkpoint"):
            path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(AssertionError, match="can be gone on from"):
        member.run(1, "--steps=1200")
    assert member.files("*.xtc"), "what was there is kept"


@pytest.mark.parametrize("engine", ENGINES)
def test_a_leg_stops_by_itself_when_its_time_is_over(engine: str, tmp_path: Path) -> None:
    member = make_member(tmp_path, engine, steps=10_000_000)
    told = member.run(1, "--seconds=1")
    assert 0 < told["step"] < 10_000_000  # type: ignore[operator]
    assert told["complete"] is True
    assert told["done"] is False
    again = member.run(1, "--assess")
    assert {**again, "complete": True} == told


@pytest.mark.parametrize("engine", ENGINES)
def test_a_start_that_was_given_up_ends_when_another_takes_over(
    engine: str, tmp_path: Path
) -> None:
    """As on a node that a scheduler takes for lost, and that goes on all the same."""
    member = make_member(tmp_path, engine, steps=200_000)
    lost = member.start(1)
    told = member.run(1, "--seconds=4")
    assert told["step"] > 0  # type: ignore[operator]
    assert lost.wait(60) == 1
    assert lost.stderr is not None
    assert "another start of the leg has taken over" in lost.stderr.read().decode()
    frames = [frame.step for path in member.files("*.xtc") for frame in read_frames(path)]
    assert frames == list(range(0, frames[-1] + 1, FRAME))
    assert member.run(1, "--assess")["step"] == told["step"]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_start_that_was_suspended_writes_into_nothing_that_another_has_made(
    engine: str, tmp_path: Path
) -> None:
    """As on a node that the scheduler suspends, and wakes when the leg has long been run again."""
    member = make_member(tmp_path, engine, steps=200_000)
    lost = member.start(1)
    processes = [psutil.Process(lost.pid), *psutil.Process(lost.pid).children(recursive=True)]
    for each in processes:
        each.suspend()
    told = member.run(1, "--seconds=4")
    frames = [frame.step for path in member.files("*.xtc") for frame in read_frames(path)]
    assert frames == list(range(0, frames[-1] + 1, FRAME))
    # Its program first, which writes for as long as nobody has looked at the token.
    for each in reversed(processes):
        each.resume()
        time.sleep(0.3)
    assert lost.wait(60) == 1
    assert frames == [frame.step for path in member.files("*.xtc") for frame in read_frames(path)]
    assert member.run(1, "--assess")["step"] == told["step"]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_signal_to_stop_ends_in_a_checkpoint(engine: str, tmp_path: Path) -> None:
    member = make_member(tmp_path, engine, steps=200_000)
    program = member.start(1)
    program.terminate()
    assert program.wait(120) == 0
    outcome = read_outcome(member.leg(1))
    assert outcome.step > 0
    assert (outcome.done, outcome.complete) == (False, False)


def test_a_leg_without_record_says_so(tmp_path: Path) -> None:
    with pytest.raises(MdError, match=r"leg\.json"):
        read_outcome(tmp_path)
