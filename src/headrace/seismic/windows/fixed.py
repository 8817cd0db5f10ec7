"""Windows of an earlier result, so that all trials of a line search are measured in the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headrace.seismic.config import ProcessingConfig
from headrace.seismic.errors import SeismicError, StationProblem
from headrace.seismic.waveforms.reading import Samples
from headrace.seismic.windows.selection import Window, compare_in_window, window_weight

WINDOWS_FILE = "windows.json"


@dataclass(frozen=True)
class FixedWindows:
    """Windows that an earlier run measured of one trace.

    Attributes:
        dt: sampling interval, s.
        npts: number of samples.
        borders: first sample, last sample and weight of each window.
    """

    dt: float
    npts: int
    borders: tuple[tuple[int, int, float], ...]

    def compare(
        self, observed: Samples, synthetic: Samples, dt: float, npts: int, offset: int = 0
    ) -> list[Window]:
        """Compare the present traces in the same windows.

        Args:
            observed: filtered samples where both traces exist.
            synthetic: filtered samples, same shape.
            dt: sampling interval, s.
            npts: number of samples of the whole synthetic.
            offset: sample of the synthetic at which both begin.

        Returns:
            The windows, by samples of what both have; their weights are those of the earlier
            run.

        Raises:
            StationProblem: the traces have other times, one is zero in a window, or a window is
                not in the record.
        """
        if not self.borders:
            return []
        if npts != self.npts or abs(dt - self.dt) > 1e-5 * dt:
            raise StationProblem(
                f"the earlier windows are of {self.npts} samples every {self.dt:g} s, the "
                f"synthetic has {npts} every {dt:g} s"
            )
        outside = [
            (first, last)
            for first, last, _ in self.borders
            if first < offset or last >= offset + len(observed)
        ]
        if outside:
            raise StationProblem(
                f"the earlier window from sample {outside[0][0]} to {outside[0][1]} is not in the "
                f"record, which has samples {offset} to {offset + len(observed) - 1}"
            )
        return [
            compare_in_window(observed, synthetic, first - offset, last - offset, weight)
            for first, last, weight in self.borders
        ]


def read_fixed_windows(
    directory: Path, event: str, config: ProcessingConfig
) -> Mapping[str, FixedWindows]:
    """Read the windows that an earlier run of the program wrote.

    Args:
        directory: output directory of that run.
        event: name of the event, which must be that run's.
        config: says what a window weighs if that run did not.

    Returns:
        The windows of each trace ``NET.STA.CHA``.

    Raises:
        SeismicError: the file is missing, torn or of another event.
    """
    path = directory / WINDOWS_FILE
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        name = str(document["event"])
        traces = {
            str(trace): _trace(facts, config) for trace, facts in dict(document["traces"]).items()
        }
    except OSError as error:
        raise SeismicError(f"{path}: cannot read earlier windows: {error.strerror}") from None
    except (ValueError, KeyError, TypeError) as error:
        problem = f"{type(error).__name__} {error}".splitlines()[0]
        raise SeismicError(f"{path}: not the windows of an earlier run: {problem}") from None
    if name != event:
        raise SeismicError(f"{path}: windows of event {name}, not of {event}")
    return traces


def _trace(facts: Mapping[str, Any], config: ProcessingConfig) -> FixedWindows:
    dt, npts = float(facts["dt"]), int(facts["samples"])
    borders = []
    for window in facts["windows"]:
        first, last = int(window["first_sample"]), int(window["last_sample"])
        if not 0 <= first < last < npts:
            raise ValueError(f"samples {first} to {last} of {npts}")
        usual = window_weight(float(window["cc"]), (last - first) * dt, config)
        borders.append((first, last, float(window.get("weight", usual))))
    return FixedWindows(dt, npts, tuple(borders))
