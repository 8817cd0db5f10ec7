"""Real seismograms with results of other programs: ours must be the same."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headrace.seismic import EventRequest, SingleRank, process_event

Parse = Callable[[Path], dict[str, dict[str, Any]]]


@pytest.fixture(scope="module")
def output(reference_event: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("processed")
    config = place / "config.toml"
    config.write_text('period_band = [10, 100]\ncomponents = ["Y"]\n', encoding="utf-8")
    request = EventRequest(
        observed=reference_event / "obs",
        synthetic=reference_event / "syn",
        output=place / "results",
        config=config,
        event="001",
        figures="none",
    )
    process_event(request, SingleRank(), lambda fact: None)
    return request.output


def test_windows_misfits_and_shifts_are_the_reference(
    output: Path, reference_event: Path, expected_windows: Parse
) -> None:
    expected = expected_windows(reference_event / "windows.txt")
    found = json.loads((output / "windows.json").read_text())["traces"]
    assert found.keys() == expected.keys()
    assert len(found) == 10
    for name, trace in found.items():
        assert trace["misfit"] == pytest.approx(expected[name]["misfit"], rel=1e-9)
        windows = [
            (
                window["first_sample"],
                window["last_sample"],
                pytest.approx(window["cc"], abs=1e-6),
                pytest.approx(window["dlnA"], abs=1e-6),
                window["shift_samples"],
            )
            for window in trace["windows"]
        ]
        assert windows == expected[name]["windows"]


def test_adjoint_sources_are_the_reference(output: Path, reference_event: Path) -> None:
    paths = sorted((reference_event / "adj").iterdir())
    assert len(paths) == 10
    for path in paths:
        expected = np.loadtxt(path)[:, 1]
        times, found = np.loadtxt(output / path.name).T
        assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()
        synthetic = reference_event / "syn" / path.name.replace(".adj", ".semd")
        assert np.allclose(times, np.loadtxt(synthetic)[:, 0], atol=1e-9)


def test_table_and_summary_agree_with_the_reference(
    output: Path, reference_event: Path, expected_windows: Parse
) -> None:
    expected = expected_windows(reference_event / "windows.txt")
    with (output / "misfit.csv").open(newline="") as file:
        rows = {f"{row['station']}.BX{row['component']}": row for row in csv.DictReader(file)}
    assert rows.keys() == expected.keys()
    for name, row in rows.items():
        assert float(row["misfit"]) == pytest.approx(expected[name]["misfit"])
        shifts = [float(shift) for shift in row["shift_s"].split(";")]
        assert shifts == pytest.approx([0.06 * w[4] for w in expected[name]["windows"]])
        assert int(row["windows"]) == len(shifts)
    summary = json.loads((output / "summary.json").read_text())
    assert summary["stations"] == 10
    assert summary["windows"] == 13
    assert summary["misfit"] == pytest.approx(sum(row["misfit"] for row in expected.values()))
    assert summary["problems"] == []
