"""Misfits and solvers of other packages, found by their entry points."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from headrace.seismic import measure, parse_config
from headrace.seismic.errors import ConfigError, SolverError, SolverMissing
from headrace.seismic.measurement.cli import main
from headrace.seismic.misfits import find_misfit, misfit_names
from headrace.seismic.solvers import open_solver, solver_names
from headrace.seismic.windows.selection import Window

CONFIG = """
period_band = [10.0, 100.0]
components = ["Y"]
adjoint_source = "scaled_difference"

[measure]
scale = SCALE
"""


@pytest.fixture
def outside(extensions: Path, add_entry_point) -> None:
    """The package of the documentation's misfit."""
    add_entry_point("headrace.misfits", "scaled_difference", "scaled_difference:MISFIT")


def test_all_misfits_of_the_package_are_found() -> None:
    names = misfit_names()
    assert {"waveform", "cc_traveltime", "multitaper"} <= set(names)
    for name in names:
        assert find_misfit(name).settings


def test_the_waveform_program_measures_by_a_misfit_of_another_package(
    outside: None, event: Path, tmp_path: Path
) -> None:
    summaries = []
    for scale in (1.0, 2.0):
        config = tmp_path / f"{scale}.toml"
        config.write_text(CONFIG.replace("SCALE", str(scale)))
        output = tmp_path / f"out_{scale}"
        arguments = ["--observed", str(event / "obs"), "--synthetic", str(event / "syn")]
        arguments += ["--config", str(config), "--output", str(output)]
        assert main([*arguments, "--event", "001"]) == 0
        summaries.append(json.loads((output / "summary.json").read_text()))
    assert summaries[0]["adjoint_source"] == "scaled_difference"
    assert summaries[0]["misfit"] > 0.0
    assert summaries[1]["misfit"] == pytest.approx(2.0 * summaries[0]["misfit"])


def test_its_adjoint_source_is_the_derivative(outside: None) -> None:
    document = {"period_band": [10.0, 100.0], "components": ["Y"]}
    config = parse_config({**document, "adjoint_source": "scaled_difference"})
    chance = np.random.default_rng(0)
    observed, synthetic, change = chance.normal(size=(3, 500))
    windows = [Window(50, 200, 0, 1.0, 0.0), Window(150, 300, 0, 1.0, 0.0)]
    found = measure(observed, synthetic, windows, 0.1, config)
    step = 1e-5
    more, less = (
        measure(observed, synthetic + sign * step * change, windows, 0.1, config).misfit
        for sign in (1.0, -1.0)
    )
    predicted = 0.1 * float(found.adjoint_source @ change)
    assert predicted == pytest.approx((more - less) / (2 * step), rel=1e-6)


def test_the_configuration_knows_what_a_misfit_of_another_package_says(outside: None) -> None:
    document = {
        "period_band": [10.0, 100.0],
        "components": ["Y"],
        "adjoint_source": "scaled_difference",
    }
    with pytest.raises(ConfigError, match=r"measure\.scale must be a number"):
        parse_config({**document, "measure": {"scale": "large"}})
    with pytest.raises(ConfigError, match=r"did you mean measure\.scale"):
        parse_config({**document, "measure": {"scales": 1.0}})
    with pytest.raises(ConfigError, match="compares amplitudes"):
        parse_config({**document, "normalize_observed": True})
    with pytest.raises(ConfigError, match=r"one of .*multitaper, scaled_difference, waveform"):
        parse_config({**document, "adjoint_source": "none"})


def test_a_package_that_cannot_be_used_is_named(add_entry_point) -> None:
    add_entry_point("headrace.misfits", "gone", "no_such_module:MISFIT")
    add_entry_point("headrace.misfits", "empty", "json:MISFIT")
    with pytest.raises(ConfigError, match="'gone' needs no_such_module"):
        find_misfit("gone")
    with pytest.raises(ConfigError, match=r"'empty': json:MISFIT: .*no attribute"):
        find_misfit("empty")
    with pytest.raises(ConfigError, match="'none': there are"):
        find_misfit("none")


def test_a_solver_of_another_package_is_opened(add_entry_point) -> None:
    add_entry_point("headrace.solvers", "outside", "headrace.seismic.solvers.backends.rays:make")
    assert "outside" in solver_names()
    assert open_solver("outside", {"dt": 0.1, "npts": 10}).name == "rays"
    add_entry_point("headrace.solvers", "gone", "no_such_module:make")
    with pytest.raises(SolverMissing, match="gone needs no_such_module"):
        open_solver("gone", {})


def test_two_packages_with_one_name_are_refused(add_entry_point) -> None:
    add_entry_point("headrace.solvers", "twice", "one:make")
    add_entry_point("headrace.solvers", "twice", "two:make")
    with pytest.raises(SolverError, match="two packages define it, one:make and two:make"):
        open_solver("twice", {})


def test_another_package_replaces_nothing(add_entry_point) -> None:
    add_entry_point("headrace.solvers", "rays", "no_such_module:make")
    assert open_solver("rays", {"dt": 0.1, "npts": 10}).name == "rays"
