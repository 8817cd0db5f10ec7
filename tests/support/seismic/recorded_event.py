"""An event with one synthetic, records as data centres write them, and what comes of them."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from obspy import Trace, UTCDateTime

from headrace.ranks import SingleRank
from headrace.seismic import SeismicError
from headrace.seismic.measurement.event import EventRequest, process_event
from headrace.seismic.measurement.results import COLUMNS

ORIGIN = UTCDateTime(2020, 1, 1, 23, 57)
DT = 0.5
TIMES = DT * np.arange(800)
SETTINGS = """
period_band = [10.0, 60.0]
components = ["Z"]
adjoint_source = "cc_traveltime_subsample"
resample = true
"""


def wave(times: Any, late: float = 0.0) -> Any:
    """Two pulses of 20 s."""
    pulse = sum(
        size * np.exp(-(((times - at - late) / 9.0) ** 2)) * np.cos((times - at - late) * 0.31)
        for at, size in ((120.0, 1.0), (260.0, 0.6))
    )
    return 1e-4 * pulse


def record(times: Any, channel: str = "BXZ", late: float = 0.0, **codes: Any) -> Trace:
    header = {"network": "AA", "station": "S1", "channel": channel, "delta": times[1] - times[0]}
    header |= {"starttime": ORIGIN + float(times[0])} | codes
    return Trace(wave(times, late).astype(np.float64), header)


class Event:
    """The directories of an event with one synthetic, and what comes of it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.observed, self.synthetic = directory / "obs", directory / "syn"
        for place in (self.observed, self.synthetic):
            place.mkdir()
        self.write_synthetic("AA.S1.BXZ.semd")

    def write_synthetic(self, name: str, values: Any = None) -> None:
        columns = np.column_stack([TIMES, wave(TIMES) if values is None else values])
        np.savetxt(self.synthetic / name, columns)

    def process(self, settings: str = SETTINGS) -> tuple[dict[str, Any], list[dict[str, str]]]:
        config = self.directory / "c.toml"
        config.write_text(settings)
        output = self.directory / "out"
        request = EventRequest(self.observed, self.synthetic, output, config, "e", "none")
        summary = process_event(request, SingleRank(), lambda fact: None)
        lines = (output / "misfit.csv").read_text().splitlines()[1:]
        rows = [dict(zip(COLUMNS, row, strict=True)) for row in csv.reader(lines)]
        return summary, rows

    def shifts(self, settings: str = SETTINGS) -> list[float]:
        _, rows = self.process(settings)
        return [float(word) for row in rows for word in row["measured_shift_s"].split(";") if word]

    def refusal(self, settings: str = SETTINGS) -> str:
        with pytest.raises(SeismicError) as error:
            self.process(settings)
        assert "\n" not in str(error.value)
        return str(error.value)
