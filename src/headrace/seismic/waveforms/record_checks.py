"""Checks of a record's samples beyond its header: raw counts, gaps that were filled.

Only records of instruments are judged: the instrument code ``X`` of SEED means a trace that was
computed, and its zeros and whole numbers are its own.

Sources: FDSN source identifiers, channel codes.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from headrace.seismic.config import ProcessingConfig
from headrace.seismic.errors import IN_CONFIGURATION, Problem
from headrace.seismic.misfits.registry import find_misfit
from headrace.seismic.waveforms.quantities import quantity_of_channel
from headrace.seismic.waveforms.reading import Samples, Seismogram
from headrace.seismic.waveforms.trace_files import FROM_SETTING, TWO_COLUMNS, TraceFile

COUNTS: Final = "counts"
"""The unit of samples that a digitiser wrote."""

_CONSTANT_SAMPLES = 10  # fewer equal ones are no gap, however coarse the record is
_BESIDE = 10  # samples beside a constant end by which it is judged
_FADED = 1e-3  # of the largest sample; less beside a constant end was there before it
_CLIPPED_RUN = 3  # equal samples in a row at the largest or smallest value
_CLIPPED_SAMPLES = 10
_LEVELS_OF_CLIPPED = 200  # a record of few counts is flat at its top without being clipped


def is_counts(record: Seismogram) -> bool:
    """Return whether a record is of raw counts: all its samples are whole numbers."""
    data = record.data
    return _of_instrument(record) and bool(np.ptp(data) > 0 and np.all(data == np.rint(data)))


def is_stated_otherwise(trace: TraceFile) -> bool:
    """Return whether settings call a record something else than its instrument measures."""
    instrument = quantity_of_channel(trace.channel)
    return trace.quantity_from == FROM_SETTING and instrument not in (None, trace.quantity)


def record_problems(record: Seismogram, config: ProcessingConfig) -> list[Problem]:
    """Find what keeps an observed record from being compared, whatever it is compared with.

    Args:
        record: observed.
        config: the period band, and whether raw counts are wanted.

    Returns:
        Each problem with its way out.
    """
    found = []
    name = record.source.id
    if is_counts(record):
        what = f"observed {name} ({record.source.format}) holds raw counts, whole numbers alone"
        instrument = quantity_of_channel(record.source.channel)
        if is_stated_otherwise(record.source):
            text = (
                f"{what}, of an instrument for {instrument}: they are no {record.source.quantity}, "
                "whatever the settings say; remove the instrument's response"
            )
            found.append(Problem(text, f"{COUNTS} are no {record.source.quantity}", decide=True))
        elif not config.normalize_observed:
            text = (
                f"{what}; remove the instrument's response and say what came of it by "
                "observed_quantity, or, for travel times alone, set normalize_observed = true"
            )
            line = (
                "normalize_observed = true"
                if not find_misfit(config.adjoint_source).compares_amplitudes
                else ""
            )
            edit = IN_CONFIGURATION if line else ""
            found.append(Problem(text, COUNTS, edit, line, decide=True))
    if np.ptp(record.data) == 0:
        return found
    shortest = max(_CONSTANT_SAMPLES, config.min_period / record.dt)
    for first, length in _constant_parts(record.data):
        if length >= shortest and _is_filled(record, first, length):
            text = (
                f"observed {name} is {record.data[first]:g} for {length * record.dt:.4g} s from "
                f"sample {first} on: a gap that was filled, or a dead channel; leave out what was "
                "not recorded, or remove the file"
            )
            found.append(Problem(text, "filled gap"))
            break
    if _is_clipped(record.data):
        text = (
            f"observed {name} is clipped: it stays at {record.data.max():g} or "
            f"{record.data.min():g} again and again; remove the file"
        )
        found.append(Problem(text, "clipped"))
    return found


def _of_instrument(record: Seismogram) -> bool:
    return record.source.channel[-2:-1].upper() != "X"


def _runs(data: Samples) -> tuple[Samples, Samples]:
    """First samples and lengths of the runs of equal samples."""
    firsts = np.concatenate([[0], np.flatnonzero(np.diff(data)) + 1])
    return firsts, np.diff(np.concatenate([firsts, [len(data)]]))


def _constant_parts(data: Samples) -> list[tuple[int, int]]:
    """First samples and lengths of the longest constant part amid others and of both ends."""
    firsts, lengths = _runs(data)
    found = [0, len(firsts) - 1]
    if len(firsts) > 2:
        found.insert(0, 1 + int(np.argmax(lengths[1:-1])))
    return [(int(firsts[run]), int(lengths[run])) for run in found]


def _is_filled(record: Seismogram, first: int, length: int) -> bool:
    """Return whether equal samples were put there, and were not recorded or computed so."""
    data = record.data
    value = data[first]
    if value == 0.0 and record.source.format == TWO_COLUMNS and not _of_instrument(record):
        # Solvers write zeros where no wave has come yet, and analytic pulses end in them.
        return False
    beside = [place for place in (first - 1, first + length) if 0 <= place < len(data)]
    if np.all(data == np.rint(data)):
        # A quiet record of few counts is constant by itself, but changes by one at the ends.
        return bool(np.abs(data[beside] - value).max() > 1.0)
    if len(beside) == 1:
        # A record that was tapered, or computed, fades into its end; one that was padded breaks.
        near = data[length:][:_BESIDE] if first == 0 else data[:first][-_BESIDE:]
        return bool(np.abs(near - value).max() > _FADED * np.abs(data - value).max())
    return True


def _is_clipped(data: Samples) -> bool:
    firsts, lengths = _runs(data)
    values = data[firsts]
    flat = ((values == data.max()) | (values == data.min())) & (lengths >= _CLIPPED_RUN)
    several = int(flat.sum()) > 1 and int(lengths[flat].sum()) >= _CLIPPED_SAMPLES
    return several and len(np.unique(data)) > _LEVELS_OF_CLIPPED
