"""The configuration file: what it says, and what it says wrong."""

from __future__ import annotations

import datetime
import inspect
import json
from pathlib import Path

import pyadjoint
import pyflex
import pytest

from headrace.seismic import ConfigError, read_config
from headrace.seismic.config_file import config_problems
from headrace.seismic.misfits import find_misfit, misfit_names
from headrace.seismic.windows.settings import WINDOW_SETTINGS

MINIMUM = 'period_band = [10, 100]\ncomponents = ["Y"]\n'


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults(tmp_path: Path) -> None:
    config = read_config(write(tmp_path, MINIMUM))
    assert config.period_band == (10.0, 100.0)
    assert config.components == ("Y",)
    assert config.adjoint_source == "cc_traveltime"
    assert config.taper == 0.05
    assert dict(config.windows) == {}


def test_the_shipped_configuration_has_the_defaults(repository: Path, tmp_path: Path) -> None:
    shipped = read_config(repository / "job_scripts" / "adjoint_sources.toml")
    assert shipped == read_config(write(tmp_path, MINIMUM))


def test_everything_can_be_said(tmp_path: Path) -> None:
    text = """
        period_band = [20.0, 60.0]
        components = ["X", "Z"]
        adjoint_source = "multitaper"
        taper = 0.1
        origin_time = 2020-03-01T12:00:00+02:00
        [windows]
        cc_acceptance_level = 0.8
        resolution_strategy = "merge"
        [measure]
        num_taper = 3
        [figures]
        sample = 2
    """
    config = read_config(write(tmp_path, text))
    assert config.windows == {"cc_acceptance_level": 0.8, "resolution_strategy": "merge"}
    assert config.measure == {"num_taper": 3}
    assert config.figure_sample == 2
    assert config.origin_time == datetime.datetime(2020, 3, 1, 10, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (MINIMUM + "tapper = 0.1", ["unknown key tapper", "did you mean taper?"]),
        (MINIMUM + "[windows]\ncc_accept = 1", ["windows.cc_accept"]),
        (MINIMUM + "[windows]\nc_1 = 'long'", ["windows.c_1", "a number", "'long'"]),
        (MINIMUM + "[measure]\nlnpt = 15", ["unknown key measure.lnpt"]),
        (MINIMUM + "windows = 3", ["key windows must be a table"]),
        (MINIMUM + "taper = 0.7", ["key taper", "from 0 to 0.5"]),
        (MINIMUM + "corners = true", ["key corners", "whole number"]),
        (MINIMUM + "zero_phase = 1", ["key zero_phase", "true or false"]),
        (MINIMUM + "origin_time = 'noon'", ["key origin_time", "UTC"]),
        (MINIMUM + "adjoint_source = 'l1'", ["key adjoint_source", "cc_traveltime_subsample"]),
        ('components = ["Y"]', ["key period_band is missing"]),
        ('period_band = [9, 3]\ncomponents = ["Y"]', ["key period_band", "rising"]),
        ("period_band = [1, 3]\ncomponents = ['BXY']", ["key components"]),
        ("period_band = [1, 3]\ncomponents = []", ["key components"]),
        ("period_band = [1, 3", ["not valid TOML"]),
    ],
)
def test_a_wrong_key_gets_one_line_with_file_and_key(
    tmp_path: Path, text: str, words: list[str]
) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        read_config(path)
    message = str(caught.value)
    assert "\n" not in message
    for word in [str(path), *words]:
        assert word in message
    assert caught.value.exit_code == 2


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml: cannot read"):
        read_config(tmp_path / "nowhere.toml")


def test_window_settings_are_those_of_pyflex() -> None:
    names = set(inspect.signature(pyflex.Config).parameters)
    # A file cannot hold a function.
    assert set(WINDOW_SETTINGS) == names - {"min_period", "max_period", "window_weight_fct"}


@pytest.mark.parametrize("kind", sorted(set(misfit_names()) - {"cc_traveltime_subsample"}))
def test_measure_settings_are_those_ofmeasure_with_pyadjoint(kind: str) -> None:
    names = set(vars(pyadjoint.get_config(kind, min_period=1.0, max_period=2.0)))
    ours = {"min_period", "max_period", "adjsrc_type", "double_difference"}
    assert set(find_misfit(kind).settings) == names - ours


def test_the_defaults_of_window_settings_are_those_of_pyflex() -> None:
    parameters = inspect.signature(pyflex.Config).parameters
    told = {"noise_end_index": "none", "signal_start_index": "that after the noise"}
    for name, key in WINDOW_SETTINGS.items():
        default = parameters[name].default
        assert key.default == told.get(name, json.dumps(default)), name


@pytest.mark.parametrize("kind", sorted(set(misfit_names()) - {"cc_traveltime_subsample"}))
def test_the_defaults_of_measure_settings_are_those_of_pyadjoint(kind: str) -> None:
    theirs = vars(pyadjoint.get_config(kind, min_period=1.0, max_period=2.0))
    for name, key in find_misfit(kind).settings.items():
        assert key.default.split(";")[0] == json.dumps(theirs[name]), name


def test_all_faults_are_listed_with_their_lines(tmp_path: Path) -> None:
    path = write(tmp_path, "period_band = [9, 3]\ntaper = 2\n[windows]\nselekt = 'whole'\n")
    assert config_problems(path) == [
        f"{path}: line 1: key period_band must be [shortest, longest] period in seconds, two "
        "rising positive numbers, not [9, 3]",
        f"{path}: line 1: key components is missing; it must be a list of different component "
        'letters such as ["Y"]',
        f"{path}: line 2: key taper must be a number from 0 to 0.5, not 2",
        f"{path}: line 4: unknown key windows.selekt; did you mean windows.select?",
    ]
