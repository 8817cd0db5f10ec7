"""A whole event: what is written, and what one bad trace does to the others (nothing)."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headrace.seismic import EventRequest, SeismicError, SingleRank, process_event
from headrace.seismic.measurement.cli import event_name, main
from headrace.seismic.measurement.figures import choose_sample
from headrace.seismic.parallel import slice_of_rank

Process = Callable[..., dict[str, Any]]


@pytest.fixture
def process(event: Path, config_file: Path, tmp_path: Path) -> Process:
    def run(more: str = "", figures: Any = "none") -> dict[str, Any]:
        config_file.write_text(
            more or 'period_band = [10.0, 100.0]\ncomponents = ["Y"]\n', encoding="utf-8"
        )
        request = EventRequest(
            event / "obs", event / "syn", tmp_path / "results", config_file, "quake", figures
        )
        return process_event(request, SingleRank(), lambda fact: None)

    return run


def files(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def rows(directory: Path) -> list[dict[str, str]]:
    with (directory / "misfit.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_whole_event(process: Process, tmp_path: Path) -> None:
    summary = process(figures="all")
    assert summary["stations"] == summary["traces"] == 10
    assert summary["traces_with_windows"] >= 8
    assert 0.1 < summary["misfit"] < 100
    found = files(tmp_path / "results")
    names = [f"HR.S{number:02d}.BXY" for number in range(10)]
    expected = {f"{name}.adj" for name in names} | {f"figures/{name}.png" for name in names}
    assert found.keys() == expected | {"windows.json", "misfit.csv", "summary.json"}
    assert all(found[name].startswith(b"\x89PNG") for name in found if name.endswith("png"))
    shifts = [
        float(part) for row in rows(tmp_path / "results") for part in row["shift_s"].split(";")
    ]
    assert 1.0 < max(shifts) < 10.0


def test_bad_traces_are_reported_and_stop_nobody(
    process: Process, event: Path, tmp_path: Path
) -> None:
    process()
    before = files(tmp_path / "results")
    lines = (event / "obs/HR.S00.BXY.semd").read_text().splitlines(keepends=True)
    (event / "obs/HR.S00.BXY.semd").write_text("".join([*lines[:2000], "corrupt\n"]))
    (event / "obs/HR.S01.BXY.semd").unlink()
    (event / "obs/HR.S02.BXY.semd").write_text("".join(lines[:3000]))
    values = np.loadtxt(event / "obs/HR.S03.BXY.semd")
    np.savetxt(event / "obs/HR.S04.BXY.semd", np.column_stack([values[:, 0] * 2, values[:, 1]]))
    np.savetxt(event / "obs/HR.S05.BXY.semd", values * [1, 0])
    values[77, 1] = np.nan
    np.savetxt(event / "obs/HR.S03.BXY.semd", values)
    (event / "syn/HR.S06.BXY.semd").write_bytes(b"\x00" * 5000)
    (event / "syn/HR.S07.BXY.semd").unlink()
    (event / "obs/broken.sac").write_bytes(b"no SAC file")
    summary = process()
    problems = {problem["station"]: problem["problem"] for problem in summary["problems"]}
    for station, words in {
        "HR.S00": "corrupt",
        "HR.S01": "no observed trace",
        "HR.S02": "observed has 3000 samples, synthetic 5000",
        "HR.S03": "not finite",
        "HR.S04": "observed dt is 0.12 s",
        "HR.S05": "the observed trace is constant",
        "HR.S06": "corrupt",
        "HR.S07": "no synthetic trace",
        "broken.sac": "cannot be read",
    }.items():
        assert words in problems.pop(station)
    assert problems == {}
    after = files(tmp_path / "results")
    for name in ("HR.S08.BXY.adj", "HR.S09.BXY.adj"):
        assert after[name] == before[name]
    for number in range(8):
        times, zero = np.loadtxt(tmp_path / f"results/HR.S{number:02d}.BXY.adj").T
        assert not zero.any()
        assert (len(times), times[0]) == (5000, -48.0)
    by_station = {row["station"]: row for row in rows(tmp_path / "results")}
    assert len(by_station) == 10
    assert by_station["HR.S03"]["misfit"] == ""
    assert "not finite" in by_station["HR.S03"]["problem"]


def test_a_trace_without_window_gets_a_zero_trace(process: Process, tmp_path: Path) -> None:
    summary = process(
        'period_band = [10, 100]\ncomponents = ["Y"]\n[windows]\ntshift_acceptance_level = 2.0\n',
        figures="all",
    )
    assert 0 < summary["traces_with_windows"] < summary["traces"] == 10
    assert summary["problems"] == []
    without = [row["station"] for row in rows(tmp_path / "results") if row["windows"] == "0"]
    assert "HR.S09" in without
    zero = np.loadtxt(tmp_path / "results/HR.S09.BXY.adj")[:, 1]
    assert zero.shape == (5000,)
    assert not zero.any()


def test_every_component_asked_for_gets_a_file(
    process: Process, event: Path, tmp_path: Path
) -> None:
    for folder in ("obs", "syn"):
        shutil.copy(event / folder / "HR.S00.BXY.semd", event / folder / "HR.S00.BXX.semd")
    summary = process('period_band = [10, 100]\ncomponents = ["X", "Y", "Z"]\n')
    names = {path.name for path in (tmp_path / "results").glob("*.adj")}
    assert names == {f"HR.S{i:02d}.BX{c}.adj" for i in range(10) for c in "XYZ"}
    x, y, z = (np.loadtxt(tmp_path / f"results/HR.S00.BX{c}.adj")[:, 1] for c in "XYZ")
    assert np.array_equal(x, y)
    assert not z.any()
    assert summary["problems"] == []
    assert len(rows(tmp_path / "results")) == 11


def test_observed_traces_can_be_resampled(process: Process, event: Path) -> None:
    plain = process()
    for path in (event / "obs").iterdir():
        times, values = np.loadtxt(path).T
        fine = np.arange(-40.0, 251.0, 0.05)
        np.savetxt(path, np.column_stack([fine, np.interp(fine, times, values)]))
    text = 'period_band = [10, 100]\ncomponents = ["Y"]\n'
    with pytest.raises(SeismicError, match="resample = true"):
        process(text)
    resampled = process(text + "resample = true\n")
    assert resampled["traces"] == 10
    assert resampled["misfit"] == pytest.approx(plain["misfit"], rel=0.1)


def test_an_earlier_run_leaves_nothing_behind(process: Process, tmp_path: Path) -> None:
    process()
    before = files(tmp_path / "results")
    (tmp_path / "results/stale.adj").write_text("old")
    left = tmp_path / ".results.partial-0123"
    left.mkdir()
    (left / "HR.S00.BXY.adj").write_text("of a run that was killed")
    process()
    assert files(tmp_path / "results") == before
    assert not list(tmp_path.glob(".results*"))


def test_nothing_usable_keeps_the_results_of_before(
    process: Process, event: Path, tmp_path: Path
) -> None:
    process()
    before = files(tmp_path / "results")
    for path in (event / "obs").iterdir():
        path.write_text("rubbish")
    with pytest.raises(SeismicError, match=r"none of 10 stations .* HR\.S00\.Y: .*corrupt"):
        process()
    assert files(tmp_path / "results") == before
    assert not list(tmp_path.glob(".results*"))


def test_the_program_reports_json_lines(
    event: Path, config_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (event / "obs/HR.S04.BXY.semd").unlink()
    arguments = [
        f"--observed={event / 'obs'}",
        f"--synthetic={event / 'syn'}",
        f"--output={tmp_path / 'results'}",
        f"--config={config_file}",
        "--figures=none",
    ]
    assert main(arguments) == 0
    captured = capsys.readouterr()
    facts = [json.loads(line) for line in captured.out.splitlines()]
    assert captured.err == ""
    assert facts[0].keys() == {"stage", "rank", "size", "host", "pid", "slurm_job_id"}
    assert (facts[0]["stage"], facts[0]["size"]) == ("start", 1)
    progress = [fact["done"] for fact in facts if fact["stage"] == "progress"]
    assert progress == sorted(progress)
    assert progress[-1] == 10
    (problem,) = [fact for fact in facts if fact["stage"] == "problem"]
    assert (problem["station"], problem["component"]) == ("HR.S04", "Y")
    assert facts[-1]["stage"] == "end"
    assert facts[-1]["event"] == "quake"
    assert facts[-1]["problems"] == 1


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"observed": "/nowhere"}, 1, "/nowhere: no such directory"),
        ({"config": "/nowhere.toml"}, 2, "/nowhere.toml: cannot read"),
        ({"figures": "some"}, 2, "--figures"),
        ({"output": "/proc/results"}, 1, "/proc/results"),
    ],
)
def test_bad_input_is_one_line_and_an_exit_code(
    event: Path,
    config_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: dict[str, str],
    code: int,
    words: str,
) -> None:
    options = {
        "observed": str(event / "obs"),
        "synthetic": str(event / "syn"),
        "output": str(tmp_path / "results"),
        "config": str(config_file),
        **change,
    }
    assert main([f"--{name}={value}" for name, value in options.items()]) == code
    error = capsys.readouterr().err
    assert error.startswith("adjoint_sources: ")
    assert error.count("\n") == 1
    assert words in error


def test_missing_options_are_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "--observed" in capsys.readouterr().err


@pytest.mark.parametrize("size", [1, 2, 3, 4, 9, 31])
def test_shares_are_even_and_in_order(size: int) -> None:
    items = list(range(10))
    shares = [list(slice_of_rank(items, rank, size)) for rank in range(size)]
    assert [item for share in shares for item in share] == items
    lengths = [len(share) for share in shares]
    assert max(lengths) - min(lengths) <= 1


def test_a_sample_is_spread_over_the_list() -> None:
    assert choose_sample(list(range(100)), 3) == [0, 50, 99]
    assert choose_sample([1, 2], 8) == [1, 2]
    assert choose_sample(list(range(9)), 1) == [0]


def test_the_event_is_named_by_its_directory() -> None:
    assert event_name(Path("/data/001/waveforms/obs")) == "001"
    assert event_name(Path("/data/quake/observed")) == "quake"
