"""The keys of ``[windows]``, declared: pyflex's settings by their names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from headrace._internal.settings import Key, Kind
from headrace.seismic.checks import boolean, integer, number, one_of


def _number(description: str, default: str, unit: str = "") -> Key:
    return Key(description, number(), unit, default=default)


def _index(description: str, default: str) -> Key:
    return Key(description, integer(), default=default)


def _other(description: str, kind: Kind, default: str) -> Key:
    return Key(description, kind, default=default)


WINDOW_SETTINGS: Final[Mapping[str, Key]] = {
    "stalta_waterlevel": _number("Water level of the STA/LTA function.", "0.07"),
    "tshift_acceptance_level": _number(
        "Largest shift of a window, from tshift_reference.", "10.0", "s"
    ),
    "tshift_reference": _number("Shift that all windows are expected to have.", "0.0", "s"),
    "dlna_acceptance_level": _number(
        "Largest logarithm of the amplitudes' ratio, from dlna_reference.", "1.3"
    ),
    "dlna_reference": _number(
        "Logarithm of the amplitudes' ratio that all windows are expected to have.", "0.0"
    ),
    "cc_acceptance_level": _number("Smallest correlation of a window.", "0.7"),
    "s2n_limit": _number("Smallest ratio of signal to noise of a window.", "1.5"),
    "min_surface_wave_velocity": _number(
        "Windows later than a wave of this velocity are refused; without travel times it has no "
        "effect.",
        "3.0",
        "km/s",
    ),
    "max_time_before_first_arrival": _number(
        "Time before the first arrival at which a window may begin; without travel times it has "
        "no effect.",
        "50.0",
        "s",
    ),
    "c_0": _number("Windows with a minimum below this many water levels are refused.", "1.0"),
    "c_1": _number("Shortest window, in shortest periods.", "1.5"),
    "c_2": _number(
        "Windows whose outer minima are below this share of the maximum are refused.", "0.0"
    ),
    "c_3a": _number("Height of the separation of phases.", "4.0"),
    "c_3b": _number("Time of the separation of phases, in shortest periods.", "2.5"),
    "c_4a": _number("Curtailing of windows before the first maximum.", "2.0"),
    "c_4b": _number("Curtailing of windows after the last maximum.", "6.0"),
    "check_global_data_quality": _other(
        "Whether the ratio of signal to noise of the whole record is judged.", boolean, "false"
    ),
    "snr_integrate_base": _number("Smallest ratio of the energies of signal and noise.", "3.5"),
    "snr_max_base": _number("Smallest ratio of the amplitudes of signal and noise.", "3.0"),
    "noise_start_index": _index("First sample of the noise.", "0"),
    "noise_end_index": _index("Last sample of the noise.", "none"),
    "signal_start_index": _index("First sample of the signal.", "that after the noise"),
    "signal_end_index": _index("Last sample of the signal.", "-1"),
    "earth_model": _other(
        "Model of the travel times; without travel times it has no effect.",
        one_of("ak135", "iasp91"),
        '"ak135"',
    ),
    "window_signal_to_noise_type": _other(
        "Signal and noise are compared by this.", one_of("amplitude", "energy"), '"amplitude"'
    ),
    "resolution_strategy": _other(
        "Overlapping windows: the best set without overlaps, or one window of all.",
        one_of("interval_scheduling", "merge"),
        '"interval_scheduling"',
    ),
}
"""pyflex's settings that a file can hold."""
