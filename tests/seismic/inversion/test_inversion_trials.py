"""Trials of an inversion that cannot be computed, or change nothing."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("h5py", reason="needs the extra `inversion`")
pytest.importorskip("pyadjoint", reason="needs the extra `seismic`")

from headrace.seismic.errors import ModelRefused, SeismicError
from headrace.seismic.inversion import simulation_stages
from headrace.seismic.inversion.commands import redo, resume, start
from headrace.seismic.inversion.report import write_reports
from headrace.seismic.inversion.status import inversion_status
from headrace.seismic.models import FieldReader
from headrace.seismic.optimisation import Optimiser
from headrace.seismic.parallel import SingleRank
from headrace.seismic.solvers.backends.rays import RaySolver
from tests.support.seismic.ray_inversion import HomeAndStaging

FIRST_TRIAL = "000_trial_01"


@pytest.fixture
def both(tmp_path: Path) -> HomeAndStaging:
    both = HomeAndStaging(tmp_path)
    both.change(("iterations = 2", "iterations = 1"))
    return both


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of models that the solver refuses, as one whose time step is unstable in them."""
    names = [FIRST_TRIAL]
    computed = RaySolver.forward

    def forward(self, run):
        if run.model.stem in names:
            raise ModelRefused("dt is unstable in this model; at most 0.001 s can be used")
        computed(self, run)

    monkeypatch.setattr(RaySolver, "forward", forward)
    return names


def test_a_model_that_the_solver_refuses_is_a_shorter_step(
    both: HomeAndStaging, refusing: list[str]
) -> None:
    start(both.home.root)
    answer = both.run(0)
    assert answer["outcome"] == "done"
    first, second, *_ = inversion_status(both.home.root)["iterations"][0]["trials"]
    assert (first["misfit"], second["step"]) == (None, 0.5 * first["step"])
    assert first["problem"] == (
        "event 001: dt is unstable in this model; at most 0.001 s can be used"
    )
    [_, page, *_] = write_reports(both.home.root)
    assert "dt is unstable in this model" in page.read_text()
    # Plain JSON comes home.
    for path in both.home.results(0).glob("*.json"):
        json.loads(path.read_text(), parse_constant=lambda name: pytest.fail(name))
    # Done again from the simulations, the trial is tried again.
    refusing.clear()
    redo(both.home.root, 0, "forward")
    both.run(0)
    assert inversion_status(both.home.root)["iterations"][0]["trials"][0]["misfit"] is not None


def test_a_trial_whose_result_is_not_finite_is_a_shorter_step(
    both: HomeAndStaging, monkeypatch: pytest.MonkeyPatch
) -> None:
    from headrace.seismic.solvers.backends import rays

    written = rays.write_synthetics

    def of_a_solver_that_blew_up(place, receivers, channel, suffix, axis, traces):
        if Optimiser(both.staging.optimiser).ask().name == FIRST_TRIAL:
            traces = np.where(np.arange(len(traces))[:, None] == 99, np.nan, traces)
        written(place, receivers, channel, suffix, axis, traces)

    monkeypatch.setattr(rays, "write_synthetics", of_a_solver_that_blew_up)
    start(both.home.root)
    assert both.run(0)["outcome"] == "done"
    first = inversion_status(both.home.root)["iterations"][0]["trials"][0]
    assert "AA.S00.BXP.semp: 1 samples are not finite, first at sample 99" in first["problem"]


def test_a_disk_that_is_full_is_no_step_that_was_too_long(
    both: HomeAndStaging, monkeypatch: pytest.MonkeyPatch
) -> None:
    from headrace.seismic.measurement import event

    def full(directory: Path, output: Path) -> None:
        if FIRST_TRIAL in output.parts:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finished(directory, output)

    finished = event.finish_results
    start(both.home.root)
    with monkeypatch.context() as patch:
        patch.setattr(event, "finish_results", full)
        with pytest.raises(SeismicError, match="cannot write results: No space left on device"):
            both.run(0)
    assert both.run(0)["outcome"] == "done"
    first = inversion_status(both.home.root)["iterations"][0]["trials"][0]
    assert (first["problem"], first["misfit"] is None) == ("", False)


def test_a_first_model_that_is_refused_ends_the_run(
    both: HomeAndStaging, refusing: list[str]
) -> None:
    refusing.append("000")
    start(both.home.root)
    with pytest.raises(SeismicError, match="event 001: dt is unstable in this model"):
        both.run(0)


def test_work_on_a_refused_trial_is_over_for_all_jobs(
    both: HomeAndStaging, refusing: list[str]
) -> None:
    start(both.home.root)
    told: list[dict] = []
    real = simulation_stages.simulate

    def watched(root, kind, evaluation, events):
        told.append(real(root, kind, evaluation, events))
        if evaluation == FIRST_TRIAL:
            # The windows of a job that was planned with it.
            told.append(simulation_stages.process_windows(root, evaluation, events, SingleRank()))
        return told[-1]

    simulation_stages.simulate = watched
    try:
        both.run(0)
    finally:
        simulation_stages.simulate = real
    refused = [one for one in told if one.get("refused")]
    assert refused == [{"computed": 0, "found": 0, "refused": refused[0]["refused"]}]
    assert {"computed": 0, "found": 0} in told


def test_a_flat_misfit_ends_its_band_and_the_next_begins(both: HomeAndStaging) -> None:
    both.change(
        ('adjoint_source = "waveform"', 'adjoint_source = "cc_traveltime"'),
        ("max_relative_model_change = 0.03", "max_relative_model_change = 1e-6"),
    )
    start(both.home.root)
    first = both.run(0)
    assert (first["outcome"], first["next"], first["band"]) == ("done", 1, "long")
    assert first["reason"].startswith("model kept: the misfit is flat")
    assert first["misfit_after"] == first["misfit"]
    last = both.run(1)
    assert (last["outcome"], last["band"]) == ("finished", "short")
    assert last["reason"].endswith("; the last band is done")
    told = inversion_status(both.home.root)
    assert [row["kept"] for row in told["iterations"]] == [True, True]
    assert not [row for row in told["misfits"] if row.get("accepted")]
    with FieldReader(both.home.model(0)) as one, FieldReader(both.home.model(2)) as other:
        assert one.content == other.content
    # More iterations of the same would be as flat; longer steps are another matter.
    both.change(("periods = [0.2, 2.0]\niterations = 1", "periods = [0.2, 2.0]\niterations = 2"))
    with pytest.raises(SeismicError, match="add a band"):
        resume(both.home.root)
    both.change(("max_relative_model_change = 1e-6", "max_relative_model_change = 0.03"))
    assert resume(both.home.root) == 2
    assert both.run(2)["misfit_after"] < last["misfit"]


def test_a_search_that_stops_goes_on_when_something_was_changed(
    both: HomeAndStaging, refusing: list[str]
) -> None:
    refusing += [f"000_trial_{number:02d}" for number in range(1, 9)]
    start(both.home.root)
    answer = both.run(0)
    assert answer["outcome"] == "stopped"
    assert "8 of them without a misfit, the last: event 001: dt is unstable" in answer["reason"]
    with pytest.raises(SeismicError, match="nothing was changed since, so it would stop again"):
        resume(both.home.root)
    both.change(("max_relative_model_change = 0.03", "max_relative_model_change = 0.001"))
    assert resume(both.home.root) == 0
    assert both.run(0)["outcome"] == "done"
