"""The flow of resistivity inversions on the embedded endpoint, with members that fail."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("globus_compute_endpoint", reason="needs the extra `endpoint` (Linux)")

from headrace.ert.synthetic import Section, write_section
from headrace.facility import stop_facility
from tests.support.ert.project import ErtProject, member
from tests.support.ert.tomodir import make_inversion, make_modelling
from tests.support.optional_packages import skip_without

skip_without("pygimli", "ert")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ErtProject]:
    project = ErtProject(tmp_path_factory.mktemp("ert") / "project")
    write_section(project.data / "section", Section(seed=1, array="wenner"))
    make_inversion(project.data / "tomodir")
    make_modelling(project.data / "modelling")
    (make_inversion(project.data / "bad") / "grid/elec.dat").unlink()
    bad = project.data / "no_data"
    bad.mkdir()
    (bad / "data.dat").write_text("what the instrument printed\n")
    yield project
    stop_facility(project.root)


@pytest.fixture(scope="module")
def outcome(project: ErtProject) -> dict[str, Any]:
    return project.process(
        [
            member("section", settings={"pygimli": {"invert": {"lam": 50.0}}}),
            member("tomodir"),
            member("modelling"),
            member("bad", engine="crtomo"),
            member("no_data"),
            member("gone"),
        ]
    )


def test_a_bad_member_fails_alone(outcome: dict[str, Any]) -> None:
    members = outcome["members"]
    assert {key: one["state"] for key, one in members.items()} == {
        "section": "done",
        "tomodir": "done",
        "modelling": "done",
        "bad": "failed",
        "no_data": "failed",
        "gone": "failed",
    }
    assert (outcome["done"], outcome["failed"]) == (3, 3)
    assert "engine crtomo finds nothing to invert or model" in members["bad"]["cause"]
    assert "no data file of the unified data format" in members["no_data"]["cause"]
    assert members["no_data"]["category"] == "error of the program"
    assert members["gone"]["cause"] == "input missing: input/"


def test_facts_are_of_the_data_and_of_the_members_own_settings(outcome: dict[str, Any]) -> None:
    facts = outcome["members"]["section"]["facts"]
    assert facts["lambda"] == 50.0
    assert facts["chi2"] < 2.0
    assert facts["rms"] < 5.0
    assert facts["iterations"] >= 1
    assert outcome["members"]["section"]["core_hours"] > 0.0
    assert outcome["members"]["tomodir"]["facts"]["stop_reason"] == "Min. rel. CHI decrease"
    assert outcome["members"]["modelling"]["facts"] == {"modelled": 39}


def test_results_come_home_of_those_that_failed_too(
    project: ErtProject, outcome: dict[str, Any]
) -> None:
    home = {key: project.home / key / "start-000.1" for key in outcome["members"]}
    assert (home["section"] / "model.npz").stat().st_size > 0
    assert (home["section"] / "response.dat").is_file()
    assert not (home["section"] / "input").exists()
    assert (home["tomodir"] / "inv/rho02.mag").is_file()
    assert (home["tomodir"] / "exe/inv.lastmod").read_text().strip() == "../inv/rho02.mag"
    assert (home["modelling"] / "mod/volt.dat").is_file()
    for key, place in home.items():
        record = json.loads((place / "member.json").read_text())
        assert (record["key"], record["state"]) == (key, outcome["members"][key]["state"])
    for key in ("section", "no_data"):
        record = json.loads((home[key] / "result.json").read_text())
        assert record["state"] == outcome["members"][key]["state"]


def test_the_files_of_an_error_come_home(project: ErtProject) -> None:
    directory = make_inversion(project.data / "short")
    (directory / "mod/volt.dat").write_text("39\n10002 40003 0.5 0.0\n")
    found = project.process([member("short"), member("tomodir")])["members"]
    assert found["tomodir"]["state"] == "done"
    assert found["short"]["state"] == "failed"
    assert "End of File encountered ../mod/volt.dat" in found["short"]["cause"]
    home = project.home / "short" / "start-000.1"
    assert "End of File encountered" in (home / "exe/error.dat").read_text()
    assert "STOP -1" in (home / "exe/crtomo.log").read_text()
    assert json.loads((home / "result.json").read_text())["engine"] == "crtomo"


def test_scratch_is_clean_afterwards(project: ErtProject, outcome: dict[str, Any]) -> None:
    assert [*project.scratch.glob("section/*")] == []


def test_a_run_that_is_repeated_inverts_only_what_failed(project: ErtProject) -> None:
    first = [
        {**member("tomodir"), "directory": "a/start-000.1"},
        {**member("late"), "directory": "b/start-000.1"},
    ]
    found = project.process(first, clean=False)["members"]
    assert (found["tomodir"]["state"], found["late"]["state"]) == ("done", "failed")
    make_inversion(project.data / "late")
    found = project.process(first, clean=True)["members"]
    assert (found["tomodir"]["state"], found["late"]["state"]) == ("done", "done")
    assert found["tomodir"]["redone"] is False
    assert found["late"].get("redone", True) is True


def test_a_configuration_that_is_wrong_fails_the_run_in_one_line(project: ErtProject) -> None:
    run = project.wait(project.start_run([member("tomodir")], config="job_scripts/none.toml"))
    assert run["status"] == "FAILED"
    assert "none.toml: no such file; it is the settings of inversions" in json.dumps(run["details"])
