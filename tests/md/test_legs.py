"""Legs by an engine of another package: what `run_leg` promises whatever the engine."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from headrace._internal.entry_points import EntryPoint, EntryPoints
from headrace.md import (
    EngineKilled,
    LegDirectory,
    LegLimits,
    MdError,
    SettingsError,
    Stretch,
    engine_names,
    open_engine,
    read_outcome,
    run_leg,
)
from headrace.md.settings import read_settings, settings_problems
from tests.support.extensions.spring_engine import SpringEngine


@pytest.fixture
def leg(tmp_path: Path) -> LegDirectory:
    leg = LegDirectory(tmp_path / "leg-1")
    leg.input.mkdir(parents=True)
    (leg.input / "start.json").write_text(json.dumps({"steps": 50, "stretched": 0.1}))
    return leg


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine of another package, as its entry point announces it."""
    value = "tests.support.extensions.spring_engine:make"
    entry = EntryPoint("springs", value, "headrace.md_engines", "")
    monkeypatch.setattr("headrace.md.registry.entry_points", lambda group: EntryPoints([entry]))


@pytest.mark.usefixtures("outside")
def test_an_engine_of_another_package_runs_legs(leg: LegDirectory) -> None:
    engine = open_engine("springs", {"stiffness": 4.0})
    assert {"gromacs", "openmm", "springs"} <= set(engine_names())
    first = run_leg(engine, "springs", leg.path, LegLimits(steps=30))
    assert (first.first_step, first.step, first.done, first.complete) == (0, 30, False, True)
    second = LegDirectory(leg.path.with_name("leg-2"))
    shutil.copytree(leg.state, second.previous)
    last = run_leg(engine, "springs", second.path, LegLimits(steps=30), previous="leg-1")
    assert (last.first_step, last.step, last.done) == (30, 50, True)
    assert read_outcome(second.path) == last
    rows = (second.parts / "energies.csv").read_text().splitlines()
    assert rows[0] == "time_ps,potential_kj_mol"
    assert len(rows) == 1 + 20


@pytest.mark.usefixtures("outside")
def test_an_engine_that_is_not_there(leg: LegDirectory) -> None:
    with pytest.raises(SettingsError, match="there are gromacs, openmm, springs"):
        open_engine("charmm", {})


def test_two_packages_with_an_engine_of_one_name(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [EntryPoint("own", f"{name}:make", "headrace.md_engines", "") for name in ("a", "b")]
    monkeypatch.setattr("headrace.md.registry.entry_points", lambda group: EntryPoints(entries))
    with pytest.raises(SettingsError, match="two packages bring it, a:make and b:make"):
        open_engine("own", {})


def test_what_a_leg_is_to_do_stays_when_it_is_run_again(leg: LegDirectory) -> None:
    class Killed(SpringEngine):
        def advance(self, leg: LegDirectory, stretch: Stretch) -> None:
            super().advance(leg, Stretch(0, 10, stretch.seconds, stretch.stop))
            raise EngineKilled("springs", 9)

    with pytest.raises(EngineKilled) as killed:
        run_leg(Killed(1.0), "springs", leg.path, LegLimits(steps=30))
    assert killed.value.exit_code == 137
    checkpoints = leg.state / "checkpoints.jsonl"
    checkpoints.write_text(checkpoints.read_text() + '{"st')  # killed while it wrote
    told = run_leg(SpringEngine(1.0), "springs", leg.path, LegLimits(steps=30))
    assert (told.first_step, told.step) == (0, 30)


def test_the_checkpoint_counts_and_not_how_the_program_ended(leg: LegDirectory) -> None:
    class Fails(SpringEngine):
        def advance(self, leg: LegDirectory, stretch: Stretch) -> None:
            super().advance(leg, stretch)
            raise MdError("ended with 1")

    assert run_leg(Fails(1.0), "springs", leg.path, LegLimits()).done


def test_an_engine_that_ends_well_and_does_nothing_is_a_failure(leg: LegDirectory) -> None:
    class Idle(SpringEngine):
        def advance(self, leg: LegDirectory, stretch: Stretch) -> None:
            return

    with pytest.raises(MdError, match="ended without a checkpoint behind step 0"):
        run_leg(Idle(1.0), "springs", leg.path, LegLimits())


def test_several_legs_in_one_directory(leg: LegDirectory) -> None:
    engine = SpringEngine(1.0)
    steps = [
        run_leg(engine, "springs", leg.path, LegLimits(number=number, steps=20)).step
        for number in (1, 1, 2, 2, 3)
    ]
    assert steps == [20, 20, 40, 40, 50]


def test_a_leg_that_is_assessed_runs_nothing(leg: LegDirectory) -> None:
    told = run_leg(SpringEngine(1.0), "springs", leg.path, LegLimits(steps=30), assess_only=True)
    assert (told.step, told.complete) == (0, False)


def test_a_target_that_is_raised_or_lowered(leg: LegDirectory) -> None:
    engine = SpringEngine(1.0)
    assert run_leg(engine, "springs", leg.path, LegLimits(target_step=60)).step == 60
    with pytest.raises(MdError, match="at step 60, behind the target 40"):
        run_leg(engine, "springs", leg.path, LegLimits(number=2, target_step=40))


def test_a_leg_without_anything_to_begin_with(tmp_path: Path) -> None:
    with pytest.raises(MdError, match="neither input/ nor previous/ is there"):
        run_leg(SpringEngine(1.0), "springs", tmp_path, LegLimits())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[leg]\nstep = 5\n", "leg.step"),
        ("[leg]\nhours = -1\n", "leg.hours"),
        ("[gromacs]\ncheckpoint = 5\n", "gromacs.checkpoint"),
        ("[leg\n", "not valid TOML"),
    ],
)
def test_settings_that_cannot_be_used_are_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "md.toml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=message) as refused:
        read_settings(path, "gromacs")
    assert "\n" not in str(refused.value)
    assert settings_problems(path)[0] == str(refused.value)


def test_an_engine_of_another_package_has_a_table_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "md.toml"
    path.write_text("[leg]\nsteps = 7\n[springs]\nstiffness = 2.0\n")
    leg, own = read_settings(path, "springs")
    assert (leg.steps, own) == (7, {"stiffness": 2.0})
    settings: Mapping[str, Any] = read_settings(path, "gromacs")[1]
    assert settings == {}
    assert not settings_problems(path)
