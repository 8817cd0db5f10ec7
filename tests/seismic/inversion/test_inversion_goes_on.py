"""An inversion begins from its settings and follows their changes; no file is edited by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("h5py", reason="needs the extra `inversion`")
pytest.importorskip("pyadjoint", reason="needs the extra `seismic`")

import h5py
import numpy as np

from headrace.seismic.errors import SeismicError
from headrace.seismic.inversion.branching import branch
from headrace.seismic.inversion.commands import back_to, drop, redo, resume, set_band, start
from headrace.seismic.inversion.errors import NotReady
from headrace.seismic.inversion.preflight import check_before
from headrace.seismic.inversion.status import inversion_status
from headrace.seismic.models import read_model, write_model
from headrace.seismic.models.provenance import Provenance
from tests.support.seismic.ray_inversion import HomeAndStaging

OWN = (('name = "long"', 'name = "p_1"'), ('name = "short"', 'name = "p_2"'))
ANOTHER = """
[[bands]]
name = "{name}"
periods = [{shortest}, 2.0]
iterations = 1

[misfit]
components"""


@pytest.fixture
def both(tmp_path: Path) -> HomeAndStaging:
    return HomeAndStaging(tmp_path)


def add_band(both: HomeAndStaging, name: str, shortest: float = 0.2) -> None:
    both.change(("\n[misfit]\ncomponents", ANOTHER.format(name=name, shortest=shortest)))


def test_names_of_ones_own_that_end_in_numbers(both: HomeAndStaging) -> None:
    both.change(*OWN)
    start(both.home.root)
    assert [one["band"] for one in both.run_all()] == ["p_1", "p_1", "p_2"]


def test_bands_that_take_turns_keep_their_own_misfits(both: HomeAndStaging) -> None:
    # The second time that `a` comes would be called `a_2`, as the band after it is.
    both.change(
        ('name = "long"', 'name = "a"'),
        ('name = "short"', 'name = "a_2"'),
        ("ions = 2", "ions = 1"),
    )
    start(both.home.root)
    assert both.run(0)["band"] == "a"
    assert both.run(1)["outcome"] == "finished"
    set_band(both.home.root, "a")
    assert resume(both.home.root) == 2
    assert both.run(2)["band"] == "a"
    assert [row.objective for row in both_rows(both)] == ["a", "a_2", "a_3"]


def both_rows(both: HomeAndStaging):
    from headrace.seismic.optimisation import Optimiser

    return Optimiser(both.staging.optimiser).history


def test_what_was_asked_before_the_start_is_no_dead_end(both: HomeAndStaging) -> None:
    start(both.home.root)
    both.change(*OWN)
    for command in (
        lambda: set_band(both.home.root, "p_2"),
        lambda: redo(both.home.root, 0, "forward"),
        lambda: back_to(both.home.root, 0),
        lambda: resume(both.home.root, again=True),
    ):
        command()
    assert both.run(0)["band"] == "p_2"


def test_all_that_would_be_refused_is_told_at_once(both: HomeAndStaging) -> None:
    home = both.home
    both.change(('axis = "z"', 'axis = "y"'), ("periods = [0.2, 2.0]", "periods = [0.05, 2.0]"))
    (home.events / "002").rename(home.events / "two 2")
    (home.observed / "002").rename(home.observed / "two 2")
    (home.observed_event("001") / "AA.S01.BXP.semp").unlink()
    with pytest.raises(NotReady) as caught:
        start(home.root)
    told = "\n".join(caught.value.problems)
    for words in (
        "event 'two 2': rename it",
        "smoothing: axis y is not in 000.h5",
        "no observed seismogram of AA.S01",
        "too few for periods of 0.05 s (band short)",
    ):
        assert words in told
    assert all("\n" not in problem for problem in caught.value.problems)
    assert not home.marker(0).exists()
    assert set(check_before(home.root).problems) == set(caught.value.problems)


def test_times_that_differ_from_the_synthetics_are_told_once(both: HomeAndStaging) -> None:
    text = both.home.settings.read_text()
    step = next(line for line in text.splitlines() if line.startswith("dt = "))
    both.change((step, f"dt = {0.5 * float(step.removeprefix('dt = '))}"))
    [problem] = check_before(both.home.root).problems
    assert problem.startswith("event 001: AA.S00 P: observed dt is ")
    assert "set resample = true" in problem
    assert problem.endswith(" more traces)")
    both.change(("[misfit]", "[misfit]\nresample = true"))
    assert check_before(both.home.root).problems == ()


def test_wrong_settings_are_told_all_together(both: HomeAndStaging) -> None:
    both.change(
        ("clip = 0.9999", "clip = 3"),
        ('name = "rays"', 'name = "beams"'),
        ("max_relative_model_change = 0.03", 'max_relative_model_change = 3\nmethod = "guess"'),
        ("events_per_task = 4", "events_per_tusk = 4"),
    )
    problems = check_before(both.home.root).problems
    for words in ("clip must be", "solver.name must be one of", "change: 3", "guess", "tusk"):
        assert sum(words in problem for problem in problems) == 1, words


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_not_finite_are_named_with_their_place(
    both: HomeAndStaging, value: float
) -> None:
    with h5py.File(both.home.model(0), "r+") as file:
        file["fields/vp"][5, 7] = value
    with h5py.File(both.home.true_model, "r+") as file:
        file["fields/vp"][0, 1] = value
    told = "\n".join(check_before(both.home.root).problems)
    for name, place in (("000.h5", "z = 500 m, x = 700 m"), ("true.h5", "z = 0 m, x = 100 m")):
        assert f"{name}: field vp is not finite ({value:g}) at {place}" in told
    assert "no model error" in inversion_status(both.home.root)["problem"]


def test_a_model_that_was_changed_in_place_is_told(both: HomeAndStaging) -> None:
    with h5py.File(both.home.model(0), "r+") as file:
        file["fields/vp"][5, 7] = 2001.0
    assert "its content is not what was written" in check_before(both.home.root).problems[0]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> HomeAndStaging:
    """An inversion that has ended; a test works on a copy of it."""
    both = HomeAndStaging(tmp_path_factory.mktemp("finished"))
    both.change(("iterations = 2", "iterations = 1"))
    start(both.home.root)
    assert both.run_all()[-1]["outcome"] == "finished"
    return both


class TestAfterTheEnd:
    @pytest.fixture
    def ended(self, finished: HomeAndStaging, tmp_path: Path) -> HomeAndStaging:
        """A copy of the inversion that has ended."""
        return finished.copied(tmp_path)

    def test_nothing_more_to_do_is_said(self, ended: HomeAndStaging) -> None:
        with pytest.raises(SeismicError, match=r"the last band is done; add a band to inversion"):
            resume(ended.home.root)

    def test_a_check_says_so_too(self, ended: HomeAndStaging) -> None:
        found = check_before(ended.home.root)
        assert (found.iteration, found.band, found.problems) == (None, None, ())
        assert "no iteration is left: add a band to inversion.toml" in found.notes[0]
        add_band(ended, "more")
        assert check_before(ended.home.root).band == "more"

    def test_a_band_is_added(self, ended: HomeAndStaging) -> None:
        add_band(ended, "later", 0.25)
        told = inversion_status(ended.home.root)
        assert told["state"] == "finished"
        assert "`headrace inversion resume` begins iteration 2 in band later" in told["reason"]
        assert resume(ended.home.root) == 2
        answer = ended.run(2)
        assert (answer["band"], answer["outcome"]) == ("later", "finished")

    def test_a_band_is_made_longer_under_another_name(self, ended: HomeAndStaging) -> None:
        ended.change(
            (
                'name = "short"\nperiods = [0.2, 2.0]\niterations = 1',
                'name = "tiny"\nperiods = [0.2, 2.0]\niterations = 2',
            )
        )
        assert resume(ended.home.root) == 2
        answer = ended.run(2)
        assert (answer["band"], answer["outcome"]) == ("tiny", "finished")
        # The same function under another name: memory and windows stay.
        assert both_rows(ended)[-1].objective == "short"
        assert both_rows(ended)[-1].direction == "lbfgs"

    def test_a_band_is_asked_for(self, ended: HomeAndStaging) -> None:
        asked = set_band(ended.home.root, "long")
        assert asked.text == "Iteration 2 has band long; `headrace inversion resume` lets it go on."
        assert resume(ended.home.root) == 2
        assert [one["band"] for one in ended.run_all(2)] == ["long", "short"]

    def test_what_was_changed_is_told_and_holds(self, ended: HomeAndStaging) -> None:
        ended.change(("sigma = 0.1", "sigma = 0.2"), ("change = 0.03", "change = 0.02"))
        add_band(ended, "later")
        keys = {row["key"] for row in inversion_status(ended.home.root)["changes"]}
        assert {"bands", "optimiser.max_relative_model_change", "smoothing.0.sigma"} <= keys
        resume(ended.home.root)
        ended.run(2)
        from headrace.seismic.optimisation import Optimiser

        state = Optimiser(ended.staging.optimiser).state
        assert state.settings.max_relative_model_change == 0.02
        assert state.history[-1].direction == "steepest_descent"

    def test_core_hours_that_were_raised(self, both: HomeAndStaging) -> None:
        both.change(("free_disk = 0.0", "free_disk = 0.0\ncore_hours = 0.0"))
        start(both.home.root)
        assert "core hours were used" in both.run(0)["reason"]
        with pytest.raises(SeismicError, match=r"raise limits\.core_hours"):
            resume(both.home.root)
        both.change(("core_hours = 0.0", "core_hours = 100.0"))
        assert resume(both.home.root) == 1
        assert both.run(1)["outcome"] == "done"


def test_a_band_of_a_published_iteration_gets_another_name(both: HomeAndStaging) -> None:
    start(both.home.root)
    both.run(0)
    both.change(("long", "slow"))
    answers = both.run_all(1)
    assert [one["band"] for one in answers] == ["slow", "short"]


def test_a_band_that_is_removed_lets_the_one_after_it_follow(both: HomeAndStaging) -> None:
    add_band(both, "last", 0.15)
    start(both.home.root)
    both.run(0)
    both.change(('[[bands]]\nname = "long"\nperiods = [0.3, 2.0]\niterations = 2\n', ""))
    assert [one["band"] for one in both.run_all(1)] == ["short", "last"]


def test_a_first_model_that_is_replaced_before_anything_came_of_it(both: HomeAndStaging) -> None:
    from headrace.seismic.inversion import optimisation_stages

    start(both.home.root)
    both.change(("bounds = [1000.0, 4000.0]", "bounds = [1000.0, 4100.0]"))
    both.run(0)
    model = read_model(both.home.model(0))
    write_model(
        both.home.model(0), model.layout, {"vp": model.fields["vp"] * 1.01}, Provenance("start")
    )
    told = inversion_status(both.home.root)["changes"]
    assert [row["effect"] for row in told] == ["counts only after `headrace inversion back-to 0`"]
    back_to(both.home.root, 0)
    assert both.run(0)["outcome"] == "done"
    assert optimisation_stages.check(both.staging.root, 0).next == "results"
    first = read_model(both.staging.optimiser / "models" / "000.h5")
    assert first.fields["vp"][0, 0] == model.fields["vp"][0, 0] * 1.01


def test_a_branch_is_made_whole_or_not_at_all(both: HomeAndStaging, tmp_path: Path) -> None:
    start(both.home.root)
    both.change(("clip = 0.9999", "clip = 3"))
    with pytest.raises(SeismicError, match="clip must be"):
        branch(both.home.root, 0, tmp_path / "second")
    assert not (tmp_path / "second").exists()
    both.change(("clip = 3", "clip = 0.9999"))
    branch(both.home.root, 0, tmp_path / "second", "to see")
    made = inversion_status(tmp_path / "second")
    assert (made["band"], made["history"][0]["what"]) == ("long", "branched")


def test_dropping_is_taken_back(both: HomeAndStaging) -> None:
    drop(both.home.root, "event", "001")
    with pytest.raises(SeismicError, match="002: was not dropped; 001"):
        drop(both.home.root, "event", "002", undo=True)
    assert drop(both.home.root, "event", "001", undo=True) == 0
    start(both.home.root)
    both.run(0)
    misfits = json.loads((both.home.results(0) / "misfits.json").read_text())
    assert {tuple(one["events"]) for one in misfits.values()} == {("001", "002")}


def _rewrite(both: HomeAndStaging, change: Callable[[np.ndarray], np.ndarray]) -> None:
    for path in both.home.observed.glob("*/*.semp"):
        np.savetxt(path, change(np.loadtxt(path)))


def _columns(scale: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda table: table * [1.0, scale]


def test_dead_traces_are_told(both: HomeAndStaging) -> None:
    _rewrite(both, _columns(scale=0.0))
    told = check_before(both.home.root).problems
    words = "the observed trace is constant, as of a dead channel"
    assert sum(words in problem for problem in told) == 2 * 3
    with pytest.raises(NotReady):
        start(both.home.root)


def test_resampled_traces_go_with_any_sampling(both: HomeAndStaging) -> None:
    _rewrite(both, lambda table: table[::2])
    both.change(('components = ["P"]', 'components = ["P"]\nresample = true'))
    start(both.home.root)
    assert both.run(0)["band"] == "long"


def test_another_quantity_than_that_of_the_solver_is_told(both: HomeAndStaging) -> None:
    for path in list(both.home.observed.glob("*/*.semp")):
        path.rename(path.with_suffix(".semv"))
    told = check_before(both.home.root).problems
    assert sum("is velocity, and the synthetics are pressure" in one for one in told) == 3
    assert "(and 1 more traces)" in told[0]
    both.change(('components = ["P"]', 'components = ["P"]\nobserved_quantity = "pressure"'))
    assert check_before(both.home.root).problems == ()


def test_an_event_without_a_station_left_is_told(both: HomeAndStaging) -> None:
    for station in ("AA.S00", "AA.S01", "AA.S02"):
        drop(both.home.root, "station", station)
    (first, second) = check_before(both.home.root).problems
    assert first.startswith("event 001: every station of it is left out")
    assert second.startswith("event 002: every station of it is left out")


def test_what_a_run_advises_is_to_be_written_where_people_set_it(both: HomeAndStaging) -> None:
    start(both.home.root)
    _rewrite(both, _columns(scale=1e9))
    both.change(('adjoint_source = "waveform"', 'adjoint_source = "cc_traveltime_subsample"'))
    with pytest.raises(SeismicError) as caught:
        both.run(0)
    line = "to write into [misfit] of inversion.toml: normalize_observed = true"
    assert line in str(caught.value)
