"""Fits of stations, from tables of traces as the waveform program writes them."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from headrace.pipelines.inversion.fits import FitReader
from headrace.pipelines.inversion.iterations import Iteration
from headrace.seismic.inversion.paths import Paths
from headrace.seismic.measurement.results import COLUMNS


def write_table(staging: Path, event: str, *traces: dict[str, object]) -> None:
    target = Paths(staging).evaluation("000_long").windows(event) / "misfit.csv"
    target.parent.mkdir(parents=True)
    with target.open("w", newline="") as stream:
        table = csv.DictWriter(stream, COLUMNS, restval="", lineterminator="\n")
        table.writeheader()
        table.writerows(traces)


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
    name, fits = FitReader().stations(tmp_path, Iteration(0, works={"000_long": {}}))
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
    _, (fit,) = FitReader().stations(tmp_path, Iteration(0, works={"000_long": {}}))
    assert (fit.traces, fit.misfit) == (1, 0.5)
