"""Work of an inversion that must not grow faster than its number of events."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("h5py", reason="needs the extra `inversion`")
pytest.importorskip("pyadjoint", reason="needs the extra `seismic`")

from headrace.seismic.inversion import open_inversion
from headrace.seismic.inversion.pictures import draw_pictures
from headrace.seismic.inversion.records import read_lines
from headrace.seismic.measurement.event_origin import find_origin
from tests.support.seismic import ray_inversion as rays


def test_an_origin_is_looked_for_in_files_of_its_names_alone(tmp_path: Path, monkeypatch):
    (tmp_path / "001").mkdir()
    (tmp_path / "event.toml").write_text('time = "2020-01-01T00:00:00Z"\n')
    for number in range(2, 30):
        (tmp_path / f"{number:03d}").mkdir()
        (tmp_path / f"{number:03d}.semp").write_text("")
    looked_at = []
    is_file = Path.is_file

    def counted(path: Path) -> bool:
        looked_at.append(path.name)
        return is_file(path)

    monkeypatch.setattr(Path, "is_file", counted)
    found = find_origin(tmp_path / "001", tmp_path / "001")
    assert found is not None
    assert found.time.year == 2020
    assert set(looked_at) == {"event.toml"}


def test_the_settings_of_a_band_are_parsed_once(tmp_path: Path):
    inversion = open_inversion(rays.make(tmp_path / "rays", events=1, stations=2).root)
    long, short = inversion.settings.bands
    config = inversion.processing_config(long)
    assert config.min_period == long.periods[0]
    assert inversion.processing_config(short).min_period == short.periods[0]
    assert inversion.processing_config(long) is config


@pytest.mark.service
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_pictures_are_the_same_by_two_processes(tmp_path: Path):
    paths = rays.make(tmp_path / "rays", events=2, stations=3)
    rays.run_iteration(paths, 0)
    place = paths.outbox / "000" / "results" / "pictures"
    by_one = draw_pictures(paths.root, 0)
    first = {path.name: path.read_bytes() for path in place.iterdir()}
    for path in place.iterdir():
        path.unlink()
    assert draw_pictures(paths.root, 0, processes=2) == by_one
    assert {path.name: path.read_bytes() for path in place.iterdir()} == first
    assert "fits.png" in first
    records = read_lines(paths.records(0) / "pictures.jsonl")
    assert [record["cores"] for record in records] == [1, 2]
