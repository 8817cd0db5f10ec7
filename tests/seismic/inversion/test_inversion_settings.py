"""Mistakes in ``inversion.toml`` are told in one line that names file and key."""

from __future__ import annotations

import tomllib

import pytest

from headrace.seismic.errors import ConfigError
from headrace.seismic.inversion.objectives import waveform_settings_text
from headrace.seismic.inversion.settings import parse_settings
from tests.support.seismic.ray_inversion import SETTINGS

TEXT = SETTINGS.format(events=4)


def read(text: str):
    return parse_settings(tomllib.loads(text), "inversion.toml")


def test_the_example_is_read():
    settings = read(TEXT)
    assert [band.name for band in settings.bands] == ["long", "short"]
    assert settings.iterations == 3
    assert settings.optimiser.bound("vp") == (1000.0, 4000.0)
    assert settings.resources["forward"].events_per_task == 2


def test_settings_of_the_waveform_program_come_through():
    settings = read(TEXT)
    told = tomllib.loads(waveform_settings_text(settings.waveforms, (0.5, 1.0)))
    assert told == {**settings.waveforms, "period_band": [0.5, 1.0]}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[events]", "[evnts]", "unknown key evnts; did you mean events?"),
        ("expected = 4", "", "key events.expected is missing"),
        ("expected = 4", "expected = 0", "key events.expected must be a whole number"),
        ("[0.3, 2.0]", "[2.0, 0.3]", r"key bands\[0\].periods must be two rising numbers"),
        ('name = "short"', 'name = "long"', r"key bands\[1\].name must be a name of its own"),
        ("iterations = 2", "", r"key bands\[0\].iterations is missing"),
        ('["P"]', "3", r"\[misfit\]: key components must be"),
        ("water_level = 0.5", "water_level = 0", "key preconditioner.water_level must be"),
        ("clip = 0.9999", "clip = 2", "key clip must be between 0 and 1"),
        ("max_relative_model_change = 0.03", "memory = 0", "optimiser.memory: 0 must be"),
        ("[parameters.vp]", "[parameter.vp]", "unknown key parameter; did you mean parameters?"),
        ("bounds = [1000.0, 4000.0]", "bounds = [4, 1]", "key parameters.vp.bounds must be two"),
        (
            "[resources.adjoint]\n",
            '[resources.adjoint]\nwalltime = "1h"\n',
            "key resources.adjoint.walltime must be a time such as",
        ),
        ("[solver]\n", "[solver]\nspeed = 2\n", "unknown key solver.speed"),
    ],
)
def test_a_mistake_is_named(old: str, new: str, message: str):
    assert old in TEXT
    with pytest.raises(ConfigError, match=f"inversion.toml: .*{message}"):
        read(TEXT.replace(old, new, 1))


@pytest.mark.parametrize("kind", ["cc_traveltime", "multitaper"])
def test_the_error_of_a_shift_is_not_in_the_misfit_unless_asked_for(kind: str) -> None:
    document = tomllib.loads(TEXT)
    document["misfit"] = {"components": ["P"], "adjoint_source": kind}
    assert parse_settings(document, "i.toml").waveforms["measure"]["use_cc_error"] is False
    document["misfit"]["measure"] = {"use_cc_error": True}
    assert parse_settings(document, "i.toml").waveforms["measure"]["use_cc_error"] is True
