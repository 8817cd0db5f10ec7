"""A whole inversion in one process: what is computed, what is kept, and where it stops."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("h5py", reason="needs the extra `inversion`")
pytest.importorskip("pyadjoint", reason="needs the extra `seismic`")

from headrace.seismic.errors import SeismicError
from headrace.seismic.inversion import InversionError, Request, Steering, write_steering
from headrace.seismic.inversion.records import read_records
from headrace.seismic.models import FieldReader, read_model
from tests.support.seismic import ray_inversion as rays


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory):
    paths = rays.make(tmp_path_factory.mktemp("inversion") / "rays")
    return paths, rays.run_all(paths)


def final_content(paths) -> str:
    last = max((paths.optimiser / "models").glob("[0-9][0-9][0-9].h5"))
    with FieldReader(last) as reader:
        return reader.content


def computed(paths, stage: str) -> list[tuple[str, str]]:
    """Every computation of a stage: evaluation and event."""
    return [
        (record["evaluation"], event)
        for place in sorted(paths.iterations.iterdir())
        for record in read_records(place / "records")
        if record["stage"] == stage
        for event in record["computed"]
    ]


def test_it_finds_the_model(finished):
    paths, answers = finished
    assert [answer["outcome"] for answer in answers] == ["done", "done", "finished"]
    assert [answer["band"] for answer in answers] == ["long", "long", "short"]
    assert all(answer["misfit_after"] < answer["misfit"] for answer in answers)
    true = read_model(paths.true_model).fields["vp"]
    first, last = (
        np.linalg.norm(read_model(paths.optimiser / "models" / f"{name}.h5").fields["vp"] - true)
        for name in ("000", "003")
    )
    assert last < 0.6 * first


def test_an_accepted_trial_is_not_simulated_again(finished):
    paths, answers = finished
    forwards = computed(paths, "forward")
    assert len(set(forwards)) == len(forwards)
    # The first model, and every trial; the new band uses the simulations that are there.
    assert len(forwards) == 4 * (1 + sum(answer["trials"] for answer in answers))
    assert len(computed(paths, "adjoint")) == 4 * len(answers)


def test_a_second_inversion_is_the_same_to_the_bit(finished, tmp_path: Path):
    paths, _ = finished
    again = rays.make(tmp_path / "again")
    rays.run_all(again)
    assert final_content(again) == final_content(paths)


@pytest.mark.parametrize("stage", ["forward", "windows", "adjoint", "update"])
def test_an_iteration_can_be_redone_from_any_stage(finished, tmp_path: Path, stage: str):
    original, _ = finished
    shutil.copytree(original.root, tmp_path / "inversion", symlinks=True)
    paths = type(original)(tmp_path / "inversion")
    before = {name: len(computed(paths, name)) for name in ("forward", "windows", "adjoint")}
    rays.publish(paths, Request(2, "short", redo=stage, restore=True, id="again"))
    answer = rays.run_iteration(paths, 2)
    assert answer["outcome"] == "finished"
    assert final_content(paths) == final_content(original)
    more = {name: len(computed(paths, name)) - before[name] for name in before}
    trials = 4 * answer["trials"]
    assert more["adjoint"] == (0 if stage == "update" else 4)
    assert more["windows"] == (trials + 4 if stage in ("forward", "windows") else 0)
    assert bool(more["forward"]) == (stage in ("forward", "windows"))


def test_going_back_with_an_event_dropped(finished, tmp_path: Path):
    original, _ = finished
    shutil.copytree(original.root, tmp_path / "inversion", symlinks=True)
    paths = type(original)(tmp_path / "inversion")
    write_steering(paths, Steering(events=("002",), stations=("AA.S00",)))
    rays.publish(paths, Request(1, "long", 1, restore=True, id="back"))
    answer = rays.run_iteration(paths, 1)
    assert answer["outcome"] == "done"
    misfits = json.loads((paths.outbox / "001/results/misfits.json").read_text())
    assert {tuple(told["events"]) for told in misfits.values()} == {("001", "003", "004")}
    assert final_content(paths) != final_content(original)


def test_a_pause_is_before_the_next_heavy_stage(tmp_path: Path):
    paths = rays.make(tmp_path / "inversion")
    write_steering(paths, Steering(pause="stage"))
    assert rays.run_iteration(paths, 0)["outcome"] == "paused"
    write_steering(paths, Steering(pause="iteration", pause_iteration=0))
    assert rays.run_iteration(paths, 0)["outcome"] == "done"
    assert rays.run_iteration(paths, 1)["outcome"] == "paused"
    write_steering(paths, Steering())
    assert rays.run_iteration(paths, 1)["outcome"] == "done"


class TestMistakes:
    """The run stops where the mistake is, and names it."""

    def stopped(self, paths) -> str:
        with pytest.raises(SeismicError) as caught:
            rays.run_iteration(paths, 0)
        assert "\n" not in str(caught.value)
        assert computed(paths, "forward") == []
        return str(caught.value)

    def test_a_trace_that_is_not_finite(self, tmp_path: Path):
        paths = rays.make(tmp_path / "inversion")
        trace = paths.observed_event("003") / "AA.S02.BXP.semp"
        lines = trace.read_text().splitlines()
        lines[70] = lines[70].split()[0] + " nan"
        trace.write_text("\n".join(lines) + "\n")
        message = self.stopped(paths)
        assert "event 003: AA.S02 P" in message

    def test_stations_that_are_missing(self, tmp_path: Path):
        paths = rays.make(tmp_path / "inversion")
        (paths.event("002") / "STATIONS").unlink()
        (paths.observed_event("004") / "AA.S03.BXP.semp").unlink()
        message = self.stopped(paths)
        assert "event 002" in message
        assert "STATIONS" in message
        assert "event 004: no observed seismogram of AA.S03" in message

    def test_a_walltime_that_is_too_short(self, tmp_path: Path):
        paths = rays.make(tmp_path / "inversion")
        text = paths.settings.read_text()
        asked = '[resources.forward]\nwalltime = "00:01:00"\nseconds_per_event = 45'
        paths.settings.write_text(text.replace("[resources.forward]", asked))
        assert "resources.forward: walltime 00:01:00 is too short" in self.stopped(paths)

    def test_a_disk_that_is_full(self, tmp_path: Path):
        paths = rays.make(tmp_path / "inversion")
        text = paths.settings.read_text()
        paths.settings.write_text(text.replace("free_disk = 0.0", "free_disk = 1e9"))
        assert "GB are free on this disk" in self.stopped(paths)

    def test_an_event_too_few(self, tmp_path: Path):
        paths = rays.make(tmp_path / "inversion")
        shutil.rmtree(paths.event("004"))
        assert "3 events; events.expected in inversion.toml is 4" in self.stopped(paths)

    def test_a_misfit_that_rises_on_every_trial(self, tmp_path: Path, monkeypatch):
        from headrace.seismic.inversion import optimisation_stages

        paths = rays.make(tmp_path / "inversion")
        real = optimisation_stages._total_misfit
        monkeypatch.setattr(
            optimisation_stages,
            "_total_misfit",
            lambda work, trial: real(work, trial=trial) + (1.0 if trial else 0.0),
        )
        answer = rays.run_iteration(paths, 0)
        assert answer["outcome"] == "stopped"
        assert answer["next"] is None
        assert "no decrease below" in answer["reason"]

    def test_an_iteration_whose_turn_it_is_not(self, tmp_path: Path):
        paths = rays.make(tmp_path / "inversion")
        rays.run_iteration(paths, 0)
        rays.publish(paths, Request(2, "long"))
        with pytest.raises(InversionError, match="the optimiser is at iteration 1"):
            rays.run_iteration(paths, 2)
