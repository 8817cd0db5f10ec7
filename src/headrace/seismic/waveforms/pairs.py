"""One pair of traces, read, judged and filtered: whatever keeps it from being compared is said.

The measurement and the look at data before it (`inspection`) share this judgement.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from headrace.seismic.config import ProcessingConfig
from headrace.seismic.errors import IN_CONFIGURATION, IN_EVENT_FILE, Problem, StationProblem
from headrace.seismic.measurement.event_origin import EventOrigin
from headrace.seismic.misfits.registry import find_misfit
from headrace.seismic.waveforms.correlation import full_correlation
from headrace.seismic.waveforms.processing import (
    AlignedPair,
    align,
    alignment_problems,
    filter_pair,
)
from headrace.seismic.waveforms.quantities import PRESSURE, QUANTITIES
from headrace.seismic.waveforms.reading import (
    NO_ORIGIN,
    Samples,
    Seismogram,
    read_seismogram,
    read_without_origin,
)
from headrace.seismic.waveforms.record_checks import (
    COUNTS,
    is_counts,
    is_stated_otherwise,
    record_problems,
)
from headrace.seismic.waveforms.stations import Pair
from headrace.seismic.waveforms.trace_files import FROM_CHANNEL, TraceFile

_ALIKE = 0.9  # the correlation of a record with its synthetic where nothing else is wrong
_CLEARLY = 0.1  # by how much it must be the better one
_PYFLEX_SHIFT = 10.0  # s; what pyflex accepts by default


@dataclass(frozen=True, eq=False)
class JudgedPair:
    """Pair of traces as judged before anything is measured.

    Attributes:
        observed: the recorded trace; None if it could not be read.
        synthetic: the computed trace; None if it could not be read.
        aligned: both where both exist; None if there is a problem.
        filtered: those in the period band; None if there is a problem.
        problems: all that keeps them from being compared.
    """

    observed: Seismogram | None = None
    synthetic: Seismogram | None = None
    aligned: AlignedPair | None = None
    filtered: tuple[Samples, Samples] | None = None
    problems: tuple[Problem, ...] = ()


def judge_pair(
    pair: Pair,
    config: ProcessingConfig,
    origin: EventOrigin | None,
    judge_amplitudes: bool = True,
) -> JudgedPair:
    """Read a pair and bring it to the period band, or find all that forbids it.

    Args:
        pair: its files.
        config: how.
        origin: of the event; None where no file states it.
        judge_amplitudes: refuse pairs whose amplitudes are of different units, or of
            different sign.

    Returns:
        The pair; nothing is raised.
    """
    if pair.blank:
        return JudgedPair()
    try:
        # What overflows is a problem below, not a warning.
        with np.errstate(all="ignore"):
            return _judge_pair(pair, config, origin, judge_amplitudes)
    except Exception as error:  # noqa: BLE001 - whatever a damaged file brings, the others go on
        return JudgedPair(problems=(_unforeseen(error),))


def _unforeseen(error: Exception) -> Problem:
    detail = (str(error).splitlines() or [""])[0]
    return Problem(f"{type(error).__name__}: {detail}")


def _judge_pair(
    pair: Pair, config: ProcessingConfig, origin: EventOrigin | None, judge_amplitudes: bool
) -> JudgedPair:
    problems = [
        Problem(f"there is no {side} trace{pair.hint}")
        for side, trace in (("observed", pair.observed), ("synthetic", pair.synthetic))
        if trace is None
    ]
    synthetic, found = _read(pair.synthetic, config, origin)
    problems += found
    span = (synthetic.start, synthetic.end) if synthetic else None
    observed, found = _read(pair.observed, config, origin, span)
    problems += found
    if pair.other_origin and origin is None:
        text = (
            f"the header of observed {pair.observed.path.name if pair.observed else ''} puts the "
            f"origin {pair.other_origin}; correct it, or write the event's into event.toml"
        )
        line = "time = YYYY-MM-DDThh:mm:ssZ"
        problems.append(Problem(text, "headers disagree", IN_EVENT_FILE, line, decide=True))
    unlike = quantity_problems(pair, observed)
    problems += unlike
    if observed is not None and not (unlike and is_counts(observed)):
        problems += record_problems(observed, config)
    if observed is not None and synthetic is not None:
        problems += alignment_problems(observed, synthetic, config)
    if problems or observed is None or synthetic is None:
        return JudgedPair(observed, synthetic, problems=_once(problems))
    try:
        aligned = align(observed, synthetic, config)
        filtered = filter_pair(aligned.observed, aligned.synthetic, synthetic.dt, config)
        if judge_amplitudes:
            _refuse_unlike_amplitudes(pair, *filtered, config)
            _refuse_other_records(*filtered, synthetic.dt, config)
    except StationProblem as problem:
        return JudgedPair(observed, synthetic, problems=problem.problems)
    if config.normalize_observed:
        size = float(np.linalg.norm(filtered[1]) / np.linalg.norm(filtered[0]))
        filtered = (filtered[0] * size, filtered[1])
    return JudgedPair(observed, synthetic, aligned, filtered)


def judge_record(
    trace: TraceFile, config: ProcessingConfig, origin: EventOrigin | None
) -> JudgedPair:
    """Judge an observed trace that has no synthetic yet.

    Args:
        trace: which one.
        config: how.
        origin: of the event; None where no file states it.

    Returns:
        A pair without the synthetic; nothing is raised.
    """
    try:
        observed, found = _read(trace, config, origin)
        problems = list(found)
        if observed is not None:
            problems += record_problems(observed, config)
    except Exception as error:  # noqa: BLE001 - whatever a damaged file brings, the others go on
        return JudgedPair(problems=(_unforeseen(error),))
    return JudgedPair(observed, problems=tuple(problems))


def _read(
    trace: TraceFile | None,
    config: ProcessingConfig,
    origin: EventOrigin | None,
    span: tuple[float, float] | None = None,
) -> tuple[Seismogram | None, tuple[Problem, ...]]:
    if trace is None:
        return None, ()
    try:
        return read_seismogram(trace, config.origin_time, origin, span), ()
    except StationProblem as problem:
        problems = problem.problems
    if any(problem.kind == NO_ORIGIN for problem in problems):
        # Its sampling and its samples can be judged all the same, so that all is said at once.
        return read_without_origin(trace), problems
    return None, problems


def _once(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """Leave out what both traces of a pair have alike."""
    found: dict[str, Problem] = {}
    for problem in problems:
        found.setdefault(problem.kind or problem.text, problem)
    return tuple(found.values())


def quantity_problems(pair: Pair, record: Seismogram | None = None) -> list[Problem]:
    """Say why the quantities of a pair cannot be compared; nothing if they can.

    Args:
        pair: its files.
        record: the observed trace; None if it could not be read.
    """
    observed, synthetic = pair.observed, pair.synthetic
    if observed is None or synthetic is None:
        return []
    quantities = {observed.quantity, synthetic.quantity}
    if None in quantities or len(quantities) == 1:
        return []
    text = (
        f"observed {observed.id} is {observed.quantity}, synthetic {synthetic.id} "
        f"{synthetic.quantity}; give both as one, or say what the traces are: observed_quantity, "
        "synthetic_quantity"
    )
    kind = f"{observed.quantity} against {synthetic.quantity}"
    if record is not None and is_counts(record):
        text = (
            f"observed {observed.id} is {observed.quantity} in raw counts, synthetic "
            f"{synthetic.id} {synthetic.quantity}; remove the instrument's response, then say what "
            "came of it: observed_quantity"
        )
        kind += f" in {COUNTS}"
    strange = [trace for trace in (observed, synthetic) if not {trace.quantity} & set(QUANTITIES)]
    if strange or PRESSURE in quantities:
        text = (
            f"observed {observed.id} is {observed.quantity}, synthetic {synthetic.id} "
            f"{synthetic.quantity}, and neither comes of the other: remove one, or say what the "
            "traces are, if their names are wrong: observed_quantity, synthetic_quantity"
        )
    if observed.quantity_from != FROM_CHANNEL or strange or PRESSURE in quantities:
        # A suffix or a header is somebody's statement; a channel code shows the instrument alone.
        return [Problem(text, kind, decide=True)]
    line = f'observed_quantity = "{synthetic.quantity}"'
    return [Problem(text, kind, IN_CONFIGURATION, line, decide=True)]


def _refuse_other_records(
    observed: Samples, synthetic: Samples, dt: float, config: ProcessingConfig
) -> None:
    """Refuse a trace that is the synthetic upside down, or that of another time."""
    found = full_correlation(observed, synthetic)
    found /= np.linalg.norm(observed) * np.linalg.norm(synthetic)
    middle = len(synthetic) - 1
    # Whoever accepts later arrivals gets them.
    accepted = config.windows.get("tshift_acceptance_level", _PYFLEX_SHIFT)
    limit = max(config.max_period, float(accepted))
    longest = round(limit / dt)
    near = found[max(0, middle - longest) : middle + longest + 1]
    lowest, highest = float(near.min()), float(near.max())
    if -lowest >= _ALIKE and -lowest >= highest + _CLEARLY:
        raise StationProblem(
            f"observed is the synthetic upside down (correlation {lowest:.2f}, "
            f"{highest:.2f} at best otherwise): is the polarity reversed? "
            "correct the sign, or remove the file"
        )
    best = int(np.argmax(found))
    if found[best] >= _ALIKE and found[best] >= highest + _CLEARLY:
        late = (best - middle) * dt
        text = (
            f"observed is the synthetic {abs(late):.4g} s {'later' if late > 0 else 'earlier'} "
            f"(correlation {found[best]:.2f}, {highest:.2f} at best within {limit:g} s): "
            "is the origin time right?"
        )
        raise StationProblem(problems=[Problem(text, "of another time", decide=True)])


def _refuse_unlike_amplitudes(
    pair: Pair, observed: Samples, synthetic: Samples, config: ProcessingConfig
) -> None:
    sizes = [float(np.abs(trace).max()) for trace in (observed, synthetic)]
    if not all(map(math.isfinite, sizes)):
        raise StationProblem("the samples are too large to be filtered; is the file damaged?")
    if not all(sizes):
        raise StationProblem("nothing of the traces is in the period band")
    ratio = sizes[0] / sizes[1]
    limit = config.amplitude_ratio_limit
    # What is called a displacement has the size of one, or it is still what the sensor wrote.
    doubtful = pair.observed is not None and is_stated_otherwise(pair.observed)
    if 1.0 / limit <= ratio <= limit or (config.normalize_observed and not doubtful):
        return
    way_out, line = "remove the response or correct the scale", ""
    if not doubtful and not find_misfit(config.adjoint_source).compares_amplitudes:
        line = "normalize_observed = true"
        way_out += f", or set {line} to compare times alone"
    text = (
        f"observed is {ratio:.3g} times as large as synthetic; are these counts, or other "
        f"units? {way_out}; amplitude_ratio_limit says what is allowed"
    )
    # The ratio itself may be too large, or too small, for a number.
    power = math.ceil(abs(math.log10(sizes[0]) - math.log10(sizes[1])))
    edit = IN_CONFIGURATION if line else ""
    problem = Problem(text, f"{COUNTS} {power}", edit, line, decide=True)
    raise StationProblem(problems=[problem])
