"""First contact: events as data centres send them, seen with settings that never saw them."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from obspy import UTCDateTime

from headrace.cli.commands.data._inspection import Look, look_at
from headrace.seismic.config_file import read_config
from headrace.seismic.measurement.cli import main
from tests.support.seismic import data_centre

# As `headrace init` writes them, but for the band.
SETTINGS = """period_band = [10.0, 60.0]
components = ["Y"]
adjoint_source = "cc_traveltime_subsample"
resample = false
"""
ORIGINS = {
    "downloaded": UTCDateTime(2020, 1, 1, 12, 30, 17.25),
    "timeseries": UTCDateTime(2020, 3, 4, 5, 6, 7.5),
    "archive": UTCDateTime(2020, 6, 30, 23, 57, 3.1),
    "dataselect": UTCDateTime(2021, 7, 1, 0, 10, 0),
}


class Project:
    """Four events of four sources, and the settings that meet them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.events = directory / "events"
        self.config = directory / "adjoint_sources.toml"
        self.config.write_text(SETTINGS)
        self.there = data_centre.inventory()
        for name, origin in ORIGINS.items():
            observed = self.events / name / "obs"
            data_centre.write_synthetics(self.events / name / "syn")
            observed.mkdir()
            stream = data_centre.records(self.there, origin)
            if name == "downloaded":
                data_centre.write_mass_downloader(observed, stream, self.there)
            elif name == "timeseries":
                data_centre.write_timeseries_sac(observed, stream)
            elif name == "archive":
                data_centre.write_sds(observed, stream)
            else:
                data_centre.write_dataselect(observed, stream)
            if name != "timeseries":
                data_centre.write_quakeml(self.events / name / "quake.xml", origin)

    def look(self) -> Look:
        return look_at(self.events, None, read_config(self.config), self.config)

    def run(self) -> int:
        listed = [
            {
                "event": name,
                "observed": f"events/{name}/obs",
                "synthetic": f"events/{name}/syn",
                "output": f"results/{name}",
            }
            for name in sorted(ORIGINS)
        ]
        (self.directory / "events.json").write_text(json.dumps(listed))
        return main(
            [
                "--events",
                str(self.directory / "events.json"),
                "--config",
                str(self.config),
                "--figures",
                "none",
            ]
        )

    def write(self, problems: list[dict[str, Any]]) -> None:
        """Do what the look says: write its lines into its files."""
        for problem in problems:
            for file in map(Path, problem["files"]):
                line = problem["line"]
                if line.startswith("time ="):
                    line = f"time = {ORIGINS[file.parent.name]}"
                key = line.split(" =")[0]
                old = file.read_text().splitlines() if file.exists() else []
                kept = [one for one in old if not one.startswith(f"{key} =")]
                file.write_text("\n".join([line, *kept]) + "\n")

    def rows(self, event: str) -> list[dict[str, str]]:
        with (self.directory / "results" / event / "misfit.csv").open() as file:
            return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Project(tmp_path_factory.mktemp("made")).directory


@pytest.fixture
def project(made: Path, tmp_path: Path) -> Project:
    copy = object.__new__(Project)
    copy.directory = tmp_path / "project"
    shutil.copytree(made, copy.directory)
    copy.events = copy.directory / "events"
    copy.config = copy.directory / "adjoint_sources.toml"
    copy.there = data_centre.inventory()
    return copy


def test_four_events_of_data_centres(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert project.run() == 1
    captured = capsys.readouterr()
    refusal = captured.err
    assert refusal.count("\n") == 1
    assert refusal.startswith("adjoint_sources: 4 of 4 events failed: ")
    look = project.look().document()
    assert not look["sound"]
    lines = [problem["line"] for problem in look["problems"] if problem["line"]]
    # All that must be decided, at once: which component, which quantity, resampling, an origin.
    assert sorted(lines) == [
        'components = ["E", "N", "Z"]',
        'observed_quantity = "displacement"',
        "resample = true",
        "time = YYYY-MM-DDThh:mm:ssZ",
    ]
    for problem in look["problems"]:
        assert problem["problem"] in refusal
        assert problem["line"] in refusal
        for file in problem["files"]:
            assert Path(file).name in refusal
    assert "raw counts" in refusal
    # Settings alone do not make displacements of counts.
    project.write(look["problems"])
    assert project.run() == 1
    assert "they are no displacement, whatever the settings say" in capsys.readouterr().err

    for name in ORIGINS:
        data_centre.remove_response(project.events / name / "obs", project.there)
    look = project.look().document()
    assert [problem["problem"] for problem in look["problems"]] == []
    assert look["sound"]
    assert project.run() == 0
    for name in ORIGINS:
        rows = project.rows(name)
        assert len(rows) == 9
        for row in rows:
            assert row["observed"].startswith(f"{row['station']}.00.BH{row['component']} (")
            late = data_centre.LATE[row["station"].removeprefix("AA.")]
            shifts = [float(word) for word in row["measured_shift_s"].split(";")]
            assert shifts == pytest.approx([late] * len(shifts), abs=0.02), (name, row)
