"""The example data of pyflex, pyadjoint and Pyatoa through the waveform program.

``HEADRACE_EXAMPLE_DATA`` names a directory that holds checkouts of the three, by these names;
``HEADRACE_PYATOA_PYTHON`` a Python that has Pyatoa 0.4.2 and pysep-adjtomo, which need an older
numpy than ours. pyflex and pyadjoint are those that the program uses.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headrace.seismic import (
    EventRequest,
    SingleRank,
    Window,
    filter_pair,
    measure,
    parse_config,
    process_event,
)
from headrace.seismic.inversion.toml_text import toml_text
from tests.support.repository import SUPPORT

pytestmark = pytest.mark.slow

DATA, PYATOA = "HEADRACE_EXAMPLE_DATA", "HEADRACE_PYATOA_PYTHON"
REFERENCE = SUPPORT / "seismic" / "pyatoa_reference.py"


def checkout(name: str) -> Path:
    place = os.environ.get(DATA)
    if place is None:
        pytest.skip(f"needs the example data of {name}: set {DATA}")
    return Path(place) / name


def process(place: Path, event: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """Run the program; the traces of ``windows.json``, with their adjoint sources."""
    place.mkdir()
    (place / "config.toml").write_text(toml_text(settings))
    request = EventRequest(
        event / "obs", event / "syn", place / "out", place / "config.toml", "e", figures="none"
    )
    summary = process_event(request, SingleRank(), lambda fact: None)
    assert summary["problems"] == []
    traces: dict[str, Any] = json.loads((place / "out" / "windows.json").read_text())["traces"]
    for name, trace in traces.items():
        trace["adjoint_source"] = np.loadtxt(place / "out" / f"{name}.adj")[:, 1]
    return traces


# What pyflex's own test expects of its example, which is that of FLEXWIN.
PYFLEX_SETTINGS = {
    "stalta_waterlevel": 0.08,
    "tshift_acceptance_level": 15.0,
    "dlna_acceptance_level": 1.0,
    "cc_acceptance_level": 0.80,
    "c_0": 0.7,
    "c_1": 4.0,
    "c_2": 0.0,
    "c_3a": 1.0,
    "c_3b": 2.0,
    "c_4a": 3.0,
    "c_4b": 10.0,
}
PYFLEX_WINDOWS = [
    (1551, 1985, 0.95740629, -3, 0.07469),
    (2221, 2709, 0.96646804, 0, 0.12808),
    (2709, 2960, 0.96335716, -5, -0.19277),
    (2960, 3172, 0.98249547, -5, 0.185563),
    (3353, 3609, 0.96838754, -6, 0.093674),
    (3609, 3920, 0.88501979, 4, -0.118859),
    (3983, 4442, 0.82529382, -9, -0.638657),
    (4715, 4962, 0.92953344, -1, 0.25942),
    (4962, 5207, 0.92880873, 7, 0.106571),
]


def test_pyflex(tmp_path: Path) -> None:
    data = checkout("pyflex") / "pyflex" / "tests" / "data"
    for folder, name in (
        ("obs", "1995.122.05.32.16.0000.II.ABKT.00.LHZ.D.SAC"),
        ("syn", "ABKT.II.LHZ.semd.sac"),
    ):
        (tmp_path / folder).mkdir()
        shutil.copy(data / name, tmp_path / folder / name)
    settings = {
        "period_band": [50.0, 150.0],
        "components": ["Z"],
        "corners": 4,
        "resample": True,
        "observed_quantity": "displacement",
        "synthetic_quantity": "displacement",
        "windows": PYFLEX_SETTINGS,
    }
    found = process(tmp_path / "ours", tmp_path, settings)["II.ABKT.LHZ"]["windows"]
    ours = {(one["first_sample"], one["last_sample"]): one for one in found}
    for first, last, cc, shift, dlna in PYFLEX_WINDOWS:
        window = ours.pop((first, last))
        # The two files begin half a sample apart, which pyflex leaves there.
        assert abs(window["shift_samples"] - shift) <= 1
        assert window["cc"] == pytest.approx(cc, rel=0.01)
        assert window["dlnA"] == pytest.approx(dlna, rel=0.01)
    # What pyflex rejects by travel times, which the program does not compute: before the first
    # arrival and after the surface waves.
    assert sorted(ours) == [(1298, 1551), (5207, 5415), (5415, 5744)]


@pytest.mark.parametrize(
    ("kind", "measured", "same_source"),
    [
        ("waveform", {}, True),
        ("cc_traveltime", {"use_cc_error": False}, True),
        ("cc_traveltime", {}, False),
        ("exponentiated_phase", {}, False),
        ("multitaper", {}, False),
    ],
)
def test_pyadjoint_in_its_window(kind: str, measured: dict[str, bool], same_source: bool) -> None:
    import obspy
    import pyadjoint

    place = checkout("pyadjoint") / "pyadjoint" / "example_data"
    observed, synthetic = (
        obspy.read(place / f"{name}_processed.mseed").select(component="Z")[0]
        for name in ("observed", "synthetic")
    )
    settings = pyadjoint.get_config(adjsrc_type=kind, min_period=30.0, max_period=75.0, **measured)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = pyadjoint.calculate_adjoint_source(
            observed=observed, synthetic=synthetic, config=settings, windows=[[2076.0, 2418.0]]
        )
    config = parse_config(
        {
            "period_band": [30.0, 75.0],
            "components": ["Z"],
            "adjoint_source": kind,
            "measure": measured,
        }
    )
    pair = [np.asarray(trace.data, dtype=np.float64) for trace in (observed, synthetic)]
    windows = [Window(2076, 2418, 0, 1.0, 0.0)]
    ours = measure(*pair, windows, 1.0, config)
    assert ours.misfit == pytest.approx(theirs.misfit, rel=1e-9)
    expected = theirs.adjoint_source[::-1]
    error = np.abs(ours.adjoint_source - expected).max() / np.abs(expected).max()
    print(f"pyadjoint, {kind}: misfit {theirs.misfit:.6g}, sources differ by {error:.2g}")
    assert (error < 1e-9) == same_source
    if not same_source:
        # Where they differ, ours are what finite differences of the misfit are. The shift of
        # cc_traveltime is in whole samples: the slope is that of a curve through many changes.
        rounded = kind == "cc_traveltime"
        later = -np.gradient(pair[1])
        steps = np.linspace(-3.0, 3.0, 121) if rounded else np.array([-1e-3, 1e-3])
        misfits = [
            measure(pair[0], pair[1] + step * later, windows, 1.0, config).misfit for step in steps
        ]
        curve = np.polynomial.Polynomial.fit(steps, misfits, 3 if rounded else 1)
        difference = float(curve.deriv()(0.0))
        tolerance = 0.05 if rounded else 1e-3
        assert float(ours.adjoint_source @ later) == pytest.approx(difference, rel=tolerance)
        assert abs(float(expected @ later) / difference - 1.0) > 0.05


@pytest.mark.parametrize("kind", ["waveform", "cc_traveltime"])
def test_pyadjoint_through_the_program(kind: str, tmp_path: Path) -> None:
    import obspy
    import pyadjoint

    place = checkout("pyadjoint") / "pyadjoint" / "example_data"
    for folder, name in (("obs", "observed"), ("syn", "synthetic")):
        (tmp_path / folder).mkdir()
        shutil.copy(place / f"{name}_processed.mseed", tmp_path / folder / f"{name}.mseed")
    pair = [
        obspy.read(tmp_path / folder / f"{name}.mseed").select(component="Z")[0]
        for folder, name in (("obs", "observed"), ("syn", "synthetic"))
    ]
    settings = {
        "period_band": [30.0, 75.0],
        "components": ["Z"],
        "adjoint_source": kind,
        "measure": {"use_cc_error": False} if kind == "cc_traveltime" else {},
        "origin_time": str(pair[1].stats.starttime),
        "observed_quantity": "displacement",
        "synthetic_quantity": "displacement",
    }
    (found,) = process(tmp_path / "ours", tmp_path, settings).values()
    assert found["windows"]
    config = parse_config(settings)
    samples = [np.asarray(trace.data, dtype=np.float64) for trace in pair]
    for trace, filtered in zip(pair, filter_pair(*samples, 1.0, config), strict=True):
        trace.data = filtered
    theirs = pyadjoint.calculate_adjoint_source(
        observed=pair[0],
        synthetic=pair[1],
        config=pyadjoint.get_config(
            adjsrc_type=kind, min_period=30.0, max_period=75.0, **settings["measure"]
        ),
        windows=[[one["first_sample"], one["last_sample"]] for one in found["windows"]],
    )
    assert found["misfit"] == pytest.approx(theirs.misfit, rel=1e-9)
    expected = theirs.adjoint_source[::-1]
    assert np.abs(found["adjoint_source"] - expected).max() < 1e-6 * np.abs(expected).max()


@pytest.fixture(scope="module")
def pyatoa(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The traces, and what Pyatoa made of them."""
    data, python = checkout("pyatoa"), os.environ.get(PYATOA)
    if python is None:
        pytest.skip(f"needs a Python that has Pyatoa: set {PYATOA}")
    place = tmp_path_factory.mktemp("pyatoa")
    subprocess.run([python, REFERENCE, data, place], check=True, capture_output=True)
    return place, json.loads((place / "reference.json").read_text())


@pytest.mark.parametrize("event", ["001", "002", "003"])
def test_pyatoa_synthetics(event: str, pyatoa: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    place, reference = pyatoa
    settings = {"period_band": [10.0, 100.0], "components": ["Y"]}
    found = process(tmp_path / "ours", place / event, settings)
    assert found.keys() == reference[event].keys()
    for name, expected in reference[event].items():
        compare(found[name], expected)


@pytest.mark.parametrize("kind", ["cc_traveltime", "waveform", "multitaper"])
def test_pyatoa_recorded_event(
    kind: str, pyatoa: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    place, reference = pyatoa
    settings = {
        "period_band": [8.0, 20.0],
        "components": ["E", "N", "Z"],
        "adjoint_source": kind,
    }
    found = process(tmp_path / "ours", place / f"bfz-{kind}", settings)
    assert found.keys() == reference[f"bfz-{kind}"].keys()
    for name, expected in reference[f"bfz-{kind}"].items():
        compare(found[name], expected, same_source=kind != "multitaper")


def compare(found: dict[str, Any], expected: dict[str, Any], same_source: bool = True) -> None:
    """Windows, misfit and adjoint source of a trace."""
    ours = [
        (one["first_sample"], one["last_sample"], one["shift_samples"], one["cc"], one["dlnA"])
        for one in found["windows"]
    ]
    assert ours
    assert len(ours) == len(expected["windows"])
    for one, other in zip(ours, expected["windows"], strict=True):
        assert one[:3] == tuple(other[:3])
        assert one[3:] == pytest.approx(other[3:], abs=1e-6)
    assert found["misfit"] == pytest.approx(expected["misfit"], rel=1e-6)
    theirs = np.array(expected["adjoint_source"])
    error = np.abs(found["adjoint_source"] - theirs).max() / np.abs(theirs).max()
    print(f"Pyatoa: {len(ours)} windows, misfit {expected['misfit']:.6g}, sources {error:.2g}")
    assert (error < 1e-6) == same_source
