"""From raw traces to a filtered pair on one time axis."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from headrace.seismic.config import ProcessingConfig
from headrace.seismic.errors import IN_CONFIGURATION, Problem, StationProblem
from headrace.seismic.waveforms.reading import Samples, Seismogram

# Starts that are no further apart are equal, in sampling intervals: what text files round away,
# and what interpolation would change by less than it errs.
_EQUAL_STARTS = 0.01
_EQUAL_STARTS_RESAMPLED = 1e-3
_SAMPLES_PER_PERIOD = 4  # fewer are too few to interpolate


@dataclass(frozen=True, eq=False)
class AlignedPair:
    """An observed and a synthetic trace where both exist, on the synthetic's times.

    Attributes:
        observed: samples, shape ``(npts,)``.
        synthetic: samples, same shape.
        first: sample of the synthetic at which they begin.
    """

    observed: Samples
    synthetic: Samples
    first: int = 0

    @property
    def part(self) -> slice:
        """Part of the synthetic in which they stand."""
        return slice(self.first, self.first + len(self.observed))


def alignment_problems(
    observed: Seismogram, synthetic: Seismogram, config: ProcessingConfig
) -> list[Problem]:
    """Find everything that keeps a pair from being compared sample by sample.

    Args:
        observed: the recorded trace.
        synthetic: the computed trace, whose axis is the measure.
        config: says whether resampling is wanted, and the period band.

    Returns:
        Each problem with its way out; none if `align` will do.
    """
    differences = _differences(observed, synthetic, config)
    found = []
    if differences and not config.resample:
        way_out = "set resample = true to bring the observed onto the synthetic's times"
        text = f"{differences[0]}; {way_out}"
        found.append(Problem(text, "other times", IN_CONFIGURATION, "resample = true"))
    if observed.dt * _SAMPLES_PER_PERIOD > config.min_period and differences:
        text = (
            f"observed dt of {observed.dt:g} s is too coarse to interpolate for periods of "
            f"{config.min_period:g} s; give at least {_SAMPLES_PER_PERIOD} samples a period"
        )
        # All digits: a band that is rounded down would be refused in its turn.
        shortest, longest = _SAMPLES_PER_PERIOD * observed.dt, config.max_period
        line = f"period_band = [{shortest!r}, {longest!r}]" if shortest < longest else ""
        edit = IN_CONFIGURATION if line else ""
        found.append(Problem(text, f"too coarse {shortest:g}", edit, line, decide=True))
    half = 0.5 * synthetic.dt
    if observed.end < synthetic.start - half or observed.start > synthetic.end + half:
        text = (
            f"observed ({observed.start:g} to {observed.end:g} s) and synthetic "
            f"({synthetic.start:g} to {synthetic.end:g} s) do not overlap in time; is the origin "
            "time right, and in UTC?"
        )
        found.append(Problem(text, "no overlap", decide=True))
    return found


def _differences(
    observed: Seismogram, synthetic: Seismogram, config: ProcessingConfig
) -> list[str]:
    found = []
    limit = _EQUAL_STARTS_RESAMPLED if config.resample else _EQUAL_STARTS
    # A small difference adds up over a long record.
    drift = abs(observed.dt - synthetic.dt) * len(synthetic.data)
    if drift > max(limit, _EQUAL_STARTS) * synthetic.dt:
        found.append(f"observed dt is {observed.dt:.8g} s, synthetic {synthetic.dt:.8g} s")
    if abs(observed.start - synthetic.start) > limit * synthetic.dt:
        found.append(
            f"observed starts at {observed.start:.9g} s, synthetic at {synthetic.start:.9g} s"
        )
    if len(observed.data) != len(synthetic.data):
        found.append(f"observed has {len(observed.data)} samples, synthetic {len(synthetic.data)}")
    return found


def align(observed: Seismogram, synthetic: Seismogram, config: ProcessingConfig) -> AlignedPair:
    """Bring the observed trace onto the time axis of the synthetic one.

    Args:
        observed: the recorded trace.
        synthetic: the computed trace, whose axis is the measure.
        config: says whether resampling is wanted.

    Returns:
        The pair where both traces exist: what was not recorded is left out, and is never zero.
        With ``config.resample``: low-passed below the new Nyquist frequency if need be, cubic
        interpolation.

    Raises:
        StationProblem: the axes differ and resampling is not wanted, the observed is too coarse
            to be interpolated, or they do not overlap.
    """
    problems = alignment_problems(observed, synthetic, config)
    if problems:
        raise StationProblem(problems=problems)
    if not _differences(observed, synthetic, config):
        return AlignedPair(observed.data, synthetic.data)
    return _resample(observed, synthetic)


def _resample(observed: Seismogram, synthetic: Seismogram) -> AlignedPair:
    from obspy.signal.filter import lowpass
    from scipy.interpolate import CubicSpline

    data = observed.data - observed.data.mean()
    if observed.dt < 0.999 * synthetic.dt:
        data = lowpass(data, 0.4 / synthetic.dt, 1 / observed.dt, corners=4, zerophase=True)
    times = observed.start + observed.dt * np.arange(len(data))
    wanted = synthetic.start + synthetic.dt * np.arange(len(synthetic.data))
    # A sample that rounding puts just outside of the record is the record's own.
    margin = 1e-6 * synthetic.dt
    inside = np.flatnonzero((wanted >= times[0] - margin) & (wanted <= times[-1] + margin))
    if len(inside) < 2:
        raise StationProblem(
            f"observed ({times[0]:g} to {times[-1]:g} s) and synthetic "
            f"({wanted[0]:g} to {wanted[-1]:g} s) share fewer than two samples"
        )
    part = slice(int(inside[0]), int(inside[-1]) + 1)
    aligned: Samples = CubicSpline(times, data)(wanted[part])
    return AlignedPair(aligned, synthetic.data[part], part.start)


def filter_pair(
    observed: Samples, synthetic: Samples, dt: float, config: ProcessingConfig
) -> tuple[Samples, Samples]:
    """Filter a pair to the period band.

    Both traces alike: remove the mean, taper, band-pass, remove the line through the first and
    the last sample, remove the mean, taper.

    Args:
        observed: samples, shape ``(npts,)``.
        synthetic: samples, same shape.
        dt: sampling interval, s.
        config: period band, corners, phase, taper.

    Returns:
        Observed and synthetic after the filter; the arguments stay as they are.

    Raises:
        StationProblem: a trace is zero everywhere, shorter than the shortest period, or sampled
            too coarsely for the band.
    """
    npts = len(synthetic)
    if config.min_period <= 2 * dt:
        raise StationProblem(f"dt of {dt:g} s is too coarse for periods of {config.min_period:g} s")
    if npts * dt < config.min_period:
        raise StationProblem(
            f"{npts} samples ({npts * dt:g} s) are shorter than the shortest period, "
            f"{config.min_period:g} s"
        )
    pair = np.stack([observed, synthetic])
    for name, row in zip(("observed", "synthetic"), pair, strict=True):
        if np.ptp(row) == 0:
            raise StationProblem(f"the {name} trace is constant, as of a dead channel")
    taper = _taper(npts, config.taper)
    pair -= pair.mean(axis=1, keepdims=True)
    pair *= taper
    pair = _bandpass(pair, dt, config)
    first, last = pair[:, :1], pair[:, -1:]
    pair = pair - (first + np.arange(npts) * (last - first) / float(npts - 1))
    pair -= pair.mean(axis=1, keepdims=True)
    pair *= taper
    return np.ascontiguousarray(pair[0]), np.ascontiguousarray(pair[1])


def transpose_filter(source: Samples, dt: float, config: ProcessingConfig) -> Samples:
    """Carry an adjoint source from the filtered trace back to the trace as it was read.

    `filter_pair` is linear in each trace; this is its transpose, step by step from the last to
    the first.

    Args:
        source: derivative with respect to the filtered trace, shape ``(npts,)``.
        dt: sampling interval, s.
        config: period band, corners, phase, taper.

    Returns:
        Derivative with respect to the trace before the filter, shape ``(npts,)``.
    """
    npts = len(source)
    taper = _taper(npts, config.taper)
    filtered = source * taper
    filtered = filtered - filtered.mean()
    ramp = np.arange(npts) / float(npts - 1)
    first, last = float((1.0 - ramp) @ filtered), float(ramp @ filtered)
    filtered[0] -= first
    filtered[-1] -= last
    # The transpose of a causal filter runs backwards; forwards and backwards is its own transpose.
    turn = slice(None) if config.zero_phase else slice(None, None, -1)
    filtered = _bandpass(filtered[turn], dt, config)[turn]
    filtered = filtered * taper
    found: Samples = filtered - filtered.mean()
    return found


def _bandpass(samples: Samples, dt: float, config: ProcessingConfig) -> Samples:
    """Filter as ``obspy.signal.filter.bandpass`` does, which designs its filter at every call.

    Args:
        samples: shape ``(..., npts)``.
        dt: sampling interval, s.
        config: period band, corners, phase.
    """
    from scipy.signal import sosfilt

    lowest, highest = 1 / config.max_period, 1 / config.min_period
    sections = _sections(lowest, highest, 1 / dt, config.corners)
    filtered: Samples = sosfilt(sections, samples)
    if config.zero_phase:
        filtered = np.flip(sosfilt(sections, np.flip(filtered, axis=-1)), axis=-1)
    return filtered


@functools.lru_cache(maxsize=8)
def _sections(lowest: float, highest: float, rate: float, corners: int) -> Samples:
    """Design a Butterworth band-pass; a high-pass where the band ends at the Nyquist frequency."""
    from scipy.signal import iirfilter

    nyquist = 0.5 * rate
    band, kind = [lowest / nyquist, highest / nyquist], "band"
    if band[1] - 1.0 > -1e-6:
        band, kind = band[:1], "highpass"
    sections: Samples = iirfilter(corners, np.squeeze(band), btype=kind, output="sos")
    return sections


@functools.lru_cache(maxsize=8)
def _taper(npts: int, share: float) -> Samples:
    """Return a Hann taper of ``share`` of the record at each end."""
    half = min(int(share * npts), npts // 2)
    size = 2 * half if 2 * half == npts else 2 * half + 1
    sides = np.hanning(size) if size > 1 else np.ones(size)
    taper = np.concatenate([sides[:half], np.ones(npts - 2 * half), sides[size - half :]])
    taper.setflags(write=False)
    return taper
