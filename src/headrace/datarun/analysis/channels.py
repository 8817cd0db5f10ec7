"""Analysis that comes with the package: what a shift crew looks at first, channel by channel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import hist
import numpy as np
from numpy.typing import NDArray

from headrace.datarun.analysis.batch import Batch, Segment
from headrace.datarun.channel_names import channel_name
from headrace.datarun.extension import LEGACY, counts_as_two
from headrace.datarun.fit.models import maximum

_LARGEST = 65536.0
_WINDOW = 1000.0


def pulse_height(
    amplitude: NDArray[np.float64], steepness: NDArray[np.float64], decay: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the largest value of a fitted pulse above its offset.

    Args:
        amplitude: A, ADC units.
        steepness: k1, 1/sample.
        decay: k2, 1/sample.

    Returns:
        ADC units; not a number where there is no maximum (k1 <= k2).
    """
    return maximum(amplitude, steepness, decay)[1]


class ChannelAnalysis:
    """Per channel: energy, pulse height, time difference, pile-up and quality of the fits.

    * ``energy``: the digitiser's, ADC units.
    * ``height``: of the single-pulse fit, ADC units.
    * ``time``: after the first hit of the event, ns; hits alone in their event are left out.
    * ``pile_up``: where the double-pulse fit is the better one, distance of the pulses in samples
      against the ratio of the second amplitude to the first.
    * ``quality``: chi-square of the single-pulse fit per sample, against the height.

    A trace counts as piled up if the fit gives two pulses a probability above one half; fits
    without probabilities count if two pulses halve chi-square.
    """

    columns: ClassVar[Sequence[str] | None] = (
        "crate",
        "slot",
        "channel",
        "time",
        "energy",
        "trace_length",
        "single_amplitude",
        "single_steepness",
        "single_decay",
        "single_chi_square",
        "double_position1",
        "double_position2",
        "double_amplitude1",
        "double_amplitude2",
        "double_chi_square",
        "p_single",
        "p_double",
        "extension",
    )

    def __init__(self) -> None:
        self._histograms: dict[str, Any] = {}

    def begin(self, segment: Segment) -> None:
        """Forget what was counted before."""
        self._histograms = {}

    def process(self, batch: Batch) -> None:
        """Count the hits of some events."""
        hits = batch.hits
        identity = (
            hits["crate"].astype(np.int64) << 8
            | hits["slot"].astype(np.int64) << 4
            | hits["channel"].astype(np.int64)
        )
        first = batch.first_hit()
        after = hits["time"] - hits["time"][first]
        after = np.where(first == np.arange(len(first)), np.nan, after)
        derived = {name: hits[name] for name in hits} | {"after": after}
        order = np.argsort(identity, kind="stable")
        present, begins = np.unique(identity[order], return_index=True)
        ends = np.append(begins[1:], len(order))
        for channel, begin, end in zip(present.tolist(), begins, ends, strict=True):
            chosen = order[begin:end]
            name = channel_name(channel >> 8, (channel >> 4) & 15, channel & 15)
            self._count(name, {key: values[chosen] for key, values in derived.items()})

    def end(self) -> dict[str, Any]:
        """Return the histograms, ``CHANNEL/energy`` and so on."""
        return dict(sorted(self._histograms.items()))

    def _count(self, channel: str, hits: dict[str, NDArray[Any]]) -> None:
        self._histogram(channel, "energy").fill(hits["energy"].astype(np.float64))
        after = hits["after"]
        self._histogram(channel, "time").fill(after[np.isfinite(after)])
        fitted = hits["extension"] >= LEGACY
        if not fitted.any():
            return
        fits = {key: values[fitted] for key, values in hits.items()}
        height = pulse_height(
            fits["single_amplitude"], fits["single_steepness"], fits["single_decay"]
        )
        per_sample = fits["single_chi_square"] / np.maximum(fits["trace_length"], 1)
        good = np.isfinite(height) & np.isfinite(per_sample)
        self._histogram(channel, "height").fill(height[good])
        self._histogram(channel, "quality").fill(height[good], per_sample[good])
        piled = piled_up(fits)
        distance = (fits["double_position2"] - fits["double_position1"])[piled]
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = (fits["double_amplitude2"] / fits["double_amplitude1"])[piled]
        self._histogram(channel, "pile_up").fill(distance, np.nan_to_num(ratio))

    def _histogram(self, channel: str, kind: str) -> Any:
        name = f"{channel}/{kind}"
        if name not in self._histograms:
            self._histograms[name] = _new_histogram(kind)
        return self._histograms[name]


def piled_up(fits: dict[str, NDArray[Any]]) -> NDArray[np.bool_]:
    """Return which fitted hits count as two pulses, shape (hits,)."""
    return counts_as_two(
        *(fits["p_single"], fits["p_double"]), fits["single_chi_square"], fits["double_chi_square"]
    )


def _new_histogram(kind: str) -> Any:
    axes: dict[str, list[Any]] = {
        "energy": [hist.axis.Regular(4096, 0, _LARGEST, name="energy", label="energy (ADC units)")],
        "height": [
            hist.axis.Regular(2048, 0, _LARGEST / 2, name="height", label="height (ADC units)")
        ],
        "time": [
            hist.axis.Regular(
                1000, -_WINDOW, _WINDOW, name="time", label="time after first hit (ns)"
            )
        ],
        "pile_up": [
            hist.axis.Regular(100, 0, 250, name="distance", label="distance (samples)"),
            hist.axis.Regular(60, 0, 3, name="ratio", label="second amplitude / first"),
        ],
        "quality": [
            hist.axis.Regular(128, 0, _LARGEST / 4, name="height", label="height (ADC units)"),
            hist.axis.Regular(
                160,
                1e-4,
                1e4,
                transform=hist.axis.transform.log,
                name="chi_square",
                label="chi-square / sample",
            ),
        ],
    }
    return hist.Hist(*axes[kind], storage=hist.storage.Double())
