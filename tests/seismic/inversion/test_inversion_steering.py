"""What a person does while an inversion runs, and what is seen of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

pytest.importorskip("h5py", reason="needs the extra `inversion`")
pytest.importorskip("pyadjoint", reason="needs the extra `seismic`")

from headrace.seismic.errors import SeismicError
from headrace.seismic.inversion import (
    InversionError,
    Paths,
    optimisation_stages,
    read_request,
    read_steering,
)
from headrace.seismic.inversion.branching import branch
from headrace.seismic.inversion.commands import (
    back_to,
    drop,
    pause,
    published_iterations,
    redo,
    resume,
    set_band,
    unfinished_iteration,
)
from headrace.seismic.inversion.preflight import check_before
from headrace.seismic.inversion.records import read_lines
from headrace.seismic.inversion.report import write_reports
from headrace.seismic.inversion.status import inversion_status
from headrace.seismic.inversion.steering import PAUSED_BEFORE_START
from headrace.seismic.models import FieldReader
from tests.support.seismic import ray_inversion as rays


def bring_home(paths: Paths) -> None:
    """Does what the flow's transfers do, where home and staging are one directory."""
    for box in sorted(paths.outbox.iterdir()):
        shutil.copytree(box / "results", paths.results(int(box.name)), dirs_exist_ok=True)
        shutil.copytree(box / "models", paths.models, dirs_exist_ok=True)


def run_in(staging: Paths, home: Paths, number: int) -> dict:
    """Runs an iteration beside its home, as it is computed elsewhere."""
    send(staging, home, number)
    return rays.run_iteration(staging, number)


def send(staging: Paths, home: Paths, number: int) -> None:
    """Does what the flow's first transfers do."""
    for name in (home.steering.name, home.settings.name):
        shutil.copyfile(home.root / name, staging.root / name)
    staging.iteration(number).mkdir(exist_ok=True)
    if home.request(number).is_file():
        shutil.copyfile(home.request(number), staging.request(number))


@pytest.fixture
def staging(finished: Paths, tmp_path: Path) -> Paths:
    shutil.copytree(finished.root, tmp_path / "staging", symlinks=True)
    return Paths(tmp_path / "staging")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    paths = rays.make(tmp_path_factory.mktemp("steered") / "rays")
    rays.run_all(paths)
    bring_home(paths)
    return paths


@pytest.fixture
def paths(finished: Paths, tmp_path: Path) -> Paths:
    shutil.copytree(finished.root, tmp_path / "rays", symlinks=True)
    return Paths(tmp_path / "rays")


def test_status_tells_how_it_went(paths: Paths):
    told = inversion_status(paths.root)
    assert told["state"] == "finished"
    assert told["reason"] == "the last band is done"
    assert [row["iteration"] for row in told["iterations"]] == [0, 1, 2]
    assert told["model_errors"][0] == 1.0
    assert told["model_error"] == told["model_errors"][3] < 0.6
    assert told["stages"]["forward"]["computed"] > told["stages"]["adjoint"]["computed"] == 12
    assert told["core_hours"] > 0.0
    assert told["forecast"]["iterations"] == 0
    accepted = [row for row in told["misfits"] if row.get("accepted")]
    assert len(accepted) == 3
    json.dumps(told)


def test_a_summary_that_no_iteration_wrote_is_named(paths: Paths):
    told = json.loads(paths.summary(0).read_text())
    del told["trials"]
    paths.summary(0).write_text(json.dumps(told))
    with pytest.raises(InversionError, match=r"summary\.json: no 'trials' in it.*redo"):
        inversion_status(paths.root)


def test_reports_need_nothing_else(paths: Paths):
    reports = write_reports(paths.root)
    assert [path.relative_to(paths.root).as_posix() for path in reports] == [
        "report.html",
        *(f"iterations/{number:03d}/results/report.html" for number in range(3)),
    ]
    whole = reports[0].read_text()
    assert whole.count("data:image/png;base64,") >= 2
    assert "the last band is done" in whole
    assert "000_trial_01" in reports[1].read_text()
    assert not {"http:", "https:", 'src="/'} & set(whole.split())


def test_status_forecasts_from_what_was_done(paths: Paths):
    shutil.rmtree(paths.iteration(2) / "results")
    paths.marker(2).touch()
    told = inversion_status(paths.root)
    assert told["state"] == "unknown"
    assert told["forecast"]["iterations"] == 1
    seconds = [row["seconds"] for row in told["iterations"]]
    assert told["forecast"]["seconds"] == pytest.approx(sum(seconds) / 2, abs=0.1)


def test_a_pause_and_what_takes_it_back(paths: Paths):
    pause(paths.root, "iteration", "a look at the model")
    assert read_steering(paths).pause_iteration == 2
    assert resume(paths.root) is None
    assert read_steering(paths).pause == ""
    with pytest.raises(SeismicError, match="the last band is done; add a band"):
        resume(paths.root)
    assert resume(paths.root, again=True) == 2
    assert paths.marker(2).is_file()
    told = read_lines(paths.history)
    assert [row["what"] for row in told] == ["pause after iteration", "resume", "resume"]
    assert told[0]["why"] == "a look at the model"


def test_an_iteration_that_is_done_again_sets_later_ones_aside(paths: Paths, staging: Paths):
    redo(paths.root, 1, "adjoint", "another smoothing")
    assert published_iterations(paths) == [0, 1]
    assert {place.name for place in paths.superseded.iterdir()} == {"001.1", "002.1"}
    request = read_request(paths, 1)
    assert (request.redo, request.band, request.band_iterations) == ("adjoint", "long", 1)
    assert run_in(staging, paths, 1)["outcome"] == "done"


def test_going_back_and_another_band(paths: Paths, staging: Paths):
    back_to(paths.root, 1)
    asked = set_band(paths.root, "short", "", staging.root)
    assert asked.iteration == 1
    assert asked.text == "Iteration 1 has band short; it has not started yet."
    assert run_in(staging, paths, 1)["band"] == "short"
    with pytest.raises(SeismicError, match="no band shrt; there are long, short"):
        set_band(paths.root, "shrt")


def test_a_band_that_is_asked_for_in_a_pause_is_that_of_the_next_iteration(
    paths: Paths, staging: Paths
):
    back_to(paths.root, 1)
    send(staging, paths, 1)
    optimisation_stages.check(staging.root, 1)
    pause(paths.root, "stage")
    reason = run_in(staging, paths, 1)["reason"]
    assert reason.startswith("paused before ")
    assert reason != PAUSED_BEFORE_START
    shutil.copytree(staging.outbox / "001" / "results", paths.results(1), dirs_exist_ok=True)
    asked = set_band(paths.root, "short")
    assert asked.text == "Iteration 2 has band short; 1 goes on as it started."
    assert resume(paths.root) == 1
    assert inversion_status(paths.root, staging.root)["band"] == "long"
    assert run_in(staging, paths, 1)["band"] == "long"
    assert read_request(staging, 2).band == "short"


def test_an_iteration_that_was_gone_back_to_and_paused_at_once_has_not_started(
    paths: Paths, staging: Paths
):
    back_to(paths.root, 1)
    pause(paths.root, "stage")
    assert run_in(staging, paths, 1)["reason"] == PAUSED_BEFORE_START
    shutil.copytree(staging.outbox / "001" / "results", paths.results(1), dirs_exist_ok=True)
    assert "Iteration 1 has band short" in set_band(paths.root, "short").text
    assert check_before(paths.root).band == "short"
    assert resume(paths.root) == 1
    assert inversion_status(paths.root, staging.root)["band"] == "short"
    assert run_in(staging, paths, 1)["band"] == "short"


def test_what_is_dropped_must_be_there(paths: Paths):
    assert drop(paths.root, "event", "003") == 3
    assert drop(paths.root, "station", "AA.S01") == 3
    assert read_steering(paths).events == ("003",)
    for kind, name in (("event", "003"), ("event", "9"), ("station", "AA.S77")):
        with pytest.raises(SeismicError, match=name):
            drop(paths.root, kind, name)


def test_an_iteration_that_has_not_come_home_may_take_what_is_dropped(paths: Paths):
    assert unfinished_iteration(paths.root) is None
    back_to(paths.root, 1)
    assert unfinished_iteration(paths.root) == 1


def test_a_branch_is_an_inversion_of_its_own(paths: Paths, tmp_path: Path):
    branch(paths.root, 2, tmp_path / "second", "without the short periods")
    second = Paths(tmp_path / "second")
    told = inversion_status(second.root)
    assert told["state"] == "waiting"
    assert told["parent"]["iteration"] == 2
    with FieldReader(paths.model(2)) as one, FieldReader(second.model(0)) as other:
        assert one.content == other.content
    assert resume(second.root, again=True) == 0
    assert rays.run_iteration(second, 0)["outcome"] == "finished"
    with pytest.raises(SeismicError, match="is there already"):
        branch(paths.root, 2, tmp_path / "second")


@pytest.mark.parametrize(
    "mistake",
    [
        lambda root: redo(root, 7, "adjoint"),
        lambda root: redo(root, 1, "lunch"),
        lambda root: back_to(root, 9),
        lambda root: pause(root, "lunch"),
    ],
)
def test_what_cannot_be_asked(paths: Paths, mistake):
    before = published_iterations(paths)
    with pytest.raises(SeismicError) as caught:
        mistake(paths.root)
    assert "\n" not in str(caught.value)
    assert published_iterations(paths) == before
