"""Legs one after another, and the quick look at them, with records as legs write them."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from headrace.md import MdError
from headrace.md.leg_chain import chain_faults, last_leg, legs_until
from headrace.md.quicklook import block_error, look, main
from tests.support.md.returned_legs import write_leg


def test_legs_are_followed_back_over_attempts_that_nobody_took(tmp_path: Path) -> None:
    write_leg(tmp_path, "box/md-001.1", 0, 1000)
    write_leg(tmp_path, "box/md-002.1", 1000, 1500, "box/md-001.1")
    last = write_leg(tmp_path, "box/md-002.2", 1000, 2000, "box/md-001.1")
    legs = legs_until(last)
    assert [leg.directory.name for leg in legs] == ["md-001.1", "md-002.2"]
    assert chain_faults(legs) == []


def test_the_last_leg_of_a_simulation_is_its_latest_attempt(tmp_path: Path) -> None:
    write_leg(tmp_path, "box/md-001.1", 0, 1000)
    for attempt in (1, 2, 10):
        write_leg(tmp_path, f"box/md-002.{attempt}", 1000, 1500, "box/md-001.1")
    assert last_leg(tmp_path / "box").name == "md-002.10"
    assert last_leg(tmp_path / "box/md-001.1").name == "md-001.1"
    with pytest.raises(MdError, match=r"no leg\.json in it"):
        last_leg(tmp_path)


def test_what_is_missing_or_twice_is_told(tmp_path: Path) -> None:
    write_leg(tmp_path, "a", 0, 1000, frames=range(0, 801, 100))
    write_leg(tmp_path, "b", 900, 1500, "a", range(1000, 1500, 100))
    last = write_leg(tmp_path, "c", 1500, 2000, "b", range(1400, 2001, 100))
    assert chain_faults(legs_until(last)) == [
        "b: begins at step 900, and a ended at 1000",
        "no frame between steps 800 and 1000",
        "a frame of step 1400 follows one of step 1400",
    ]


def test_legs_that_are_not_there_or_lead_in_a_circle(tmp_path: Path) -> None:
    last = write_leg(tmp_path, "b", 1000, 2000, "a")
    with pytest.raises(MdError, match="the leg before it, a, is not beside it"):
        legs_until(last)
    write_leg(tmp_path, "a", 0, 1000, "b")
    with pytest.raises(MdError, match="lead back to it"):
        legs_until(last)


def test_a_look_draws_and_counts(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="needs the extra `md`")
    write_leg(tmp_path, "box/md-001.1", 0, 1000)
    last = write_leg(tmp_path, "box/md-002.1", 1000, 2000, "box/md-001.1")
    found = look(last, last / "quicklook.png")
    assert (found["legs"], found["frames"], found["faults"]) == (2, 20, [])
    assert found["temperature_k"] == 300.0
    assert found["potential_drift_kj_mol_ns"] == 1000.0
    picture = (last / "quicklook.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    look(last, last / "again.png")
    assert (last / "again.png").read_bytes() == picture


def test_the_program_says_what_is_wrong_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert told.startswith("md_quicklook: ")
    assert "leg.json" in told
    assert told.count("\n") == 1


def test_the_error_of_a_mean_counts_what_is_correlated() -> None:
    """Each value ten times: the error is that of the tenth part of the values."""
    source = random.Random(3)
    single = [source.gauss(0.0, 1.0) for _ in range(2000)]
    repeated = [value for value in single for _ in range(10)]
    error = block_error(repeated)
    assert error is not None
    assert error == pytest.approx(1 / 2000**0.5, rel=0.6)
    assert block_error([1.0] * 15) is None
