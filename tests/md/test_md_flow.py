"""The flow `md` on the embedded endpoint: legs in directories of their own, one after another."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

pytest.importorskip("globus_compute_endpoint", reason="needs the extra `endpoint` (Linux)")
if shutil.which("gmx") is None and importlib.util.find_spec("openmm") is None:
    pytest.skip("needs gmx, or the extra `md`", allow_module_level=True)

from headrace.campaigns import read_campaign
from headrace.campaigns.rendering import (
    Attempt,
    attempt_placeholders,
    member_placeholders,
    render,
    value_at,
)
from headrace.facility import stop_facility
from headrace.md.leg import read_outcome
from headrace.md.water_boxes import available_engine
from headrace.md.xtc import read_frames
from headrace.runs import failure_summary
from headrace.runs.poller import RunView
from tests.support.md.project import Simulations
from tests.support.repository import REPOSITORY
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulations]:
    project = Simulations(tmp_path_factory.mktemp("md") / "project", available_engine())
    yield project
    stop_facility(project.root)


def frames(*legs: Path) -> list[int]:
    found = []
    for leg in legs:
        for name in read_outcome(leg).files:
            found += [frame.step for frame in read_frames(leg / name)]
    return found


def test_a_leg_after_another_from_where_results_are(project: Simulations) -> None:
    project.write_box("box", steps=1200)
    first = project.run_leg("box", "box/md-001.1", steps=600)
    assert (first["done"], first["facts"]["step"]) == (False, 600)
    assert first["core_hours"] > 0
    assert first["lost"] == ""
    assert not project.scratch("box/md-001.1").exists(), "the scratch is cleaned"
    # An attempt of the second leg that nobody accepted, and one that is.
    project.run_leg("box", "box/md-002.1", "box/md-001.1", steps=100)
    second = project.run_leg("box", "box/md-002.2", "box/md-001.1")
    assert (second["done"], second["facts"]["step"]) == (True, 1200)
    assert second["facts"]["target_step"] == 1200
    assert 250 < second["facts"]["temperature_k"] < 350
    legs = [project.returned(f"box/md-00{leg}") for leg in ("1.1", "2.2")]
    assert frames(*legs) == list(range(0, 1201, 100))
    assert read_outcome(legs[1]).previous == "box/md-001.1"
    assert (legs[1] / "parts" / "energies.csv").is_file()

    # The graft of a campaign: a quick look at both legs, where their results are.
    seen = project.look_at("box/md-002.2")
    assert (seen["legs"], seen["frames"], seen["faults"]) == (2, 13, [])
    picture = project.returned("box/md-002.2") / "quicklook.png"
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_the_example_campaign_runs_its_legs_and_grafts(project: Simulations) -> None:
    """Its templates as a driver fills them in, for a member's legs until the target."""
    campaign = read_campaign(REPOSITORY / "campaigns" / "md.toml")
    (step,), (leg_graft,) = campaign.steps, campaign.grafts
    lane = campaign.lanes[0]
    project.write_box("box07", steps=1200)
    row = {"name": "box07", "engine": project.engine, "temperature": "320"}
    previous = ""
    for leg in (1, 2):
        attempt = Attempt(step.name, lane, leg, previous_directory=previous)
        texts = member_placeholders("md", "box07", row) | attempt_placeholders(
            campaign, attempt, "box07"
        )
        output = project.run_named(step.flow, render(step.input, texts))
        done = value_at(output, step.legs.done)
        assert done is (leg == 2)
        assert value_at(output, campaign.results.facts)["step"] == (1000, 1200)[leg - 1]
        assert value_at(output, campaign.results.core_hours) > 0
        seen = project.run_named(leg_graft.flow, render(leg_graft.input, texts))
        assert (seen["summary"]["legs"], seen["summary"]["faults"]) == (leg, [])
        previous = texts["attempt_directory"]


def test_several_legs_of_a_run_stay_in_one_place(project: Simulations) -> None:
    project.write_box("many", steps=900)
    done = project.run_leg("many", "many/md-001.1", steps=300, legs_per_run=5, clean=False)
    assert (done["done"], done["facts"]["step"]) == (True, 900)
    scratch = project.scratch("many/md-001.1")
    assert {path.name for path in scratch.glob("job*")} == {"job", "job-2", "job-3"}
    assert frames(project.returned("many/md-001.1")) == list(range(0, 901, 100))


def test_a_program_that_is_killed_goes_on_from_its_checkpoint(project: Simulations) -> None:
    project.write_box("killed", steps=6000)
    run_id = project.start_leg("killed", "killed/md-001.1")
    state = project.scratch("killed/md-001.1") / "state"

    def program() -> psutil.Process | None:
        if not [*state.glob("run.*.cpt"), *state.glob("checkpoint.json")]:
            return None
        for process in psutil.process_iter():
            try:
                words = process.cmdline()
            except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
                continue
            if str(state.parent) in words and any(word.endswith("md_leg.py") for word in words):
                return process
        return None

    os.kill(wait_until(program, "the leg's program, with a checkpoint").pid, signal.SIGKILL)
    run = project.wait(run_id)
    assert run["status"] == "SUCCEEDED", run["details"]
    assessed = run["details"]["output"]["Assess"]
    assert assessed["done"]
    assert [attempt["cause"] for attempt in assessed["failed_attempts"]] == ["killed"]
    leg = project.returned("killed/md-001.1")
    assert len(read_outcome(leg).files) == 2, "a part for each start"
    assert frames(leg) == list(range(0, 6001, 100))


def test_an_input_that_cannot_be_used_fails_with_the_engines_words(project: Simulations) -> None:
    project.write_box("wrong", steps=100)
    place = project.root / "data" / "simulations" / "wrong"
    for path in (place / "topol.top", place / "system.xml"):
        if path.exists():
            path.write_text("nonsense")
    run_id = project.start_leg("wrong", "wrong/md-001.1")
    run = project.wait(run_id)
    assert run["status"] == "FAILED"
    told = failure_summary(RunView(run))
    assert told is not None
    assert "md_leg: " in told
    assert project.scratch("wrong/md-001.1").exists(), "what there is stays for whoever looks"
