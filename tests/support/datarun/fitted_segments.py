"""Fitted segments without a fit: extensions made of the pulses that the traces hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from headrace.datarun.events import EventFile, EventWriter, extend
from headrace.datarun.extension import fitted_extensions, null_extensions


def plausible(traces: np.ndarray, seed: int = 1) -> np.ndarray:
    """Extensions with a height, a position and a probability like those of a fit."""
    rng = np.random.default_rng(seed)
    records = fitted_extensions(len(traces))
    single, double = records["single"], records["double"]
    single["offset"] = traces[:, :10].mean(axis=1)
    single["amplitude"] = traces.max(axis=1) - single["offset"]
    single["position"] = traces.argmax(axis=1)
    single["steepness"], single["decay"] = 0.3, 0.02
    single["chi_square"] = rng.chisquare(traces.shape[1], len(traces))
    single["iterations"] = 7
    double["pulses"]["position"] = np.sort(rng.uniform(0, 100, (len(traces), 2)), axis=1)
    double["pulses"]["amplitude"] = rng.uniform(10, 20, (len(traces), 2))
    double["chi_square"] = 1.0
    records["p_double"] = rng.integers(0, 2, len(traces)) * 0.9 + 0.05
    records["p_single"] = 1 - records["p_double"]
    return records


def fitted_segment(source: Path, target: Path, without: int | None = None) -> Path:
    """A copy of a segment with extensions; one channel's hits have none."""
    with EventFile(source) as file, EventWriter(target) as writer:
        batch = file.read()
        records = plausible(batch.trace_rows())
        skipped = batch.hits["channel"] == (-1 if without is None else without)
        records[skipped] = null_extensions(int(skipped.sum()))
        writer.write_items(extend(file, batch, records))
    return target
