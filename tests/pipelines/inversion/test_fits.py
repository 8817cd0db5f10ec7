"""Fits of stations, from tables of traces as the waveform program writes them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from headrace.pipelines.inversion.fits import FitReader
from headrace.pipelines.inversion.iterations import Iteration
from headrace.seismic.inversion.paths import Paths
from headrace.seismic.measurement.results import COLUMNS
from headrace.seismic.measurement.station_fits import fit_documents


def write_table(staging: Path, event: str, *traces: dict[str, object]) -> None:
    target = Paths(staging).evaluation("000_long").windows(event) / "misfit.csv"
    target.parent.mkdir(parents=True)
    with target.open("w", newline="") as stream:
        table = csv.DictWriter(stream, COLUMNS, restval="", lineterminator="\n")
        table.writeheader()
        table.writerows(traces)


def measured(root: Path) -> tuple[Paths, Path, Iteration]:
    """Return an evaluation that is being measured: its inversion, its staging, its iteration."""
    return Paths(root / "home"), root, Iteration(0, works={"000_long": {}})


def test_every_window_of_a_trace_counts(tmp_path: Path) -> None:
    two = {"station": "AA.S01", "misfit": 0.5, "windows": 2}
    one = {"station": "AA.S01", "misfit": 0.1, "windows": 1, "shift_s": "-0.3"}
    none = {"station": "AA.S01", "windows": 0, "problem": "no data"}
    other = {
        "station": "AA.S02",
        "misfit": 2,
        "windows": 1,
        "shift_s": 0.2,
        "measured_shift_s": 0.4,
    }
    write_table(tmp_path, "001", {**two, "shift_s": "-0.1;0.2", "measured_shift_s": ";0.5"}, one)
    write_table(tmp_path, "002", none, other)
    name, fits = FitReader().stations(*measured(tmp_path))
    assert name == "000_long"
    worst, best = fits
    assert (worst.station, worst.per_window, worst.shift) == ("AA.S02", 2.0, 0.4)
    assert (best.station, best.windows, best.traces, best.unused) == ("AA.S01", 3, 3, 1)
    assert best.misfit == pytest.approx(0.6)
    assert best.shift == pytest.approx((0.1 + 0.5 + 0.3) / 3)


def test_lines_and_tables_that_are_torn_are_left_out(tmp_path: Path) -> None:
    whole = {"station": "AA.S01", "misfit": 0.5, "windows": 1, "shift_s": "0.1"}
    write_table(tmp_path, "001", whole)
    torn = Paths(tmp_path).evaluation("000_long").windows("001") / "misfit.csv"
    torn.write_text(torn.read_text() + "001,AA.S01,P,0.")
    for event, text in (("002", ""), ("003", "event,station\n003,AA.S01\n")):
        write_table(tmp_path, event)
        torn.parent.with_name(event).joinpath("misfit.csv").write_text(text)
    _, (fit,) = FitReader().stations(*measured(tmp_path))
    assert (fit.traces, fit.misfit) == (1, 0.5)


def evaluated(misfit: float) -> dict[str, object]:
    sums = {"AA.S01": [misfit, 4, 3, 1, 0.2], "AA.S02": [0.1, 1.0, 1.0, 0.0, 0.5]}
    return {"misfit": misfit, "events": {"001": misfit}, "stations": fit_documents(sums)}


def test_fits_of_an_evaluation_whose_misfit_is_known_are_read_from_it_alone(
    tmp_path: Path,
) -> None:
    paths, staging, iteration = measured(tmp_path)
    write_table(staging, "001", {"station": "AA.S09", "misfit": 9, "windows": 1})
    computed = Paths(staging).evaluation("000_long").misfit
    computed.write_text(json.dumps(evaluated(2.0)))
    name, (worst, best) = FitReader().stations(paths, staging, iteration)
    assert (name, worst.station, worst.per_window, worst.unused) == ("000_long", "AA.S01", 0.5, 1)
    assert (worst.windows, worst.traces, worst.shift) == (4, 3, pytest.approx(0.05))
    assert (best.station, best.shift) == ("AA.S02", 0.5)
    assert FitReader().events(paths, staging, iteration) == ("000_long", [("001", 2.0)])
    paths.results(0).mkdir(parents=True)
    at_home = paths.results(0) / "misfits.json"
    at_home.write_text(json.dumps({"000_long": evaluated(4.0)}))
    _, (worst, _) = FitReader().stations(paths, None, iteration)
    assert worst.misfit == 4.0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"events": {"001": 1.0}}',
        '{"events": {"001": 1.0}, "stations": {"AA.S01": {"misfit": 1.0}}}',
        '{"events": {"001": 1.0}, "stations": {"AA.S01": 5}}',
        '{"events": {"001": 1.0}, "stations": 7}',
    ],
)
def test_a_misfit_without_stations_has_them_from_their_tables(tmp_path: Path, text: str) -> None:
    paths, staging, iteration = measured(tmp_path)
    write_table(staging, "001", {"station": "AA.S09", "misfit": 9, "windows": 1})
    Paths(staging).evaluation("000_long").misfit.write_text(text)
    _, (fit,) = FitReader().stations(paths, staging, iteration)
    assert (fit.station, fit.misfit) == ("AA.S09", 9.0)
