"""Seismograms without a download: SH waves of a line source in a layer over a half-space.

The Green's function is a sum over discrete wavenumbers at complex frequencies, as in Bouchon and
Aki, Discrete wave-number representation of seismic-source wave fields, BSSA 67, 259-277, 1977.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from headrace.seismic.measurement.station import TimeAxis
from headrace.seismic.waveforms.reading import Samples
from headrace.seismic.waveforms.specfem_ascii import write_two_columns

Spectrum = npt.NDArray[Any]

_DAMPING = 8.0  # what wraps around in time is weaker by exp(-_DAMPING)
_WAVENUMBERS_BEYOND = 2.0  # sum up to this times the largest shear wavenumber, or further


@dataclass(frozen=True)
class LayeredModel:
    """A layer over a half-space.

    Attributes:
        thickness: of the layer, km.
        layer_speed: shear-wave speed in the layer, km/s.
        speed: shear-wave speed below, km/s.
        layer_density: g/cm3.
        density: below, g/cm3.
    """

    thickness: float
    layer_speed: float
    speed: float
    layer_density: float = 2.7
    density: float = 3.3


@dataclass(frozen=True)
class LineSource:
    """A horizontal line force across the plane of the stations, with a Ricker wavelet in time.

    Attributes:
        x: horizontal position, km.
        depth: km.
        frequency: dominant frequency of the wavelet, Hz; its centre is at time zero.
    """

    x: float
    depth: float
    frequency: float = 0.035


def seismograms(
    model: LayeredModel, source: LineSource, receivers: Sequence[float], axis: TimeAxis
) -> Samples:
    """Displacement at the free surface.

    Args:
        model: the Earth.
        source: the line force.
        receivers: horizontal positions, km.
        axis: times of the samples.

    Returns:
        Samples, shape ``(receivers, axis.npts)``, in arbitrary units.
    """
    distances = np.abs(np.asarray(receivers, dtype=np.float64) - source.x)
    npts = 2 * axis.npts
    duration = npts * axis.dt
    decay = _DAMPING / duration
    highest = 4 * source.frequency
    count = min(int(np.ceil(highest * duration)) + 1, npts // 2)
    omega = 2 * np.pi * np.arange(count) / duration - 1j * decay
    transfer = _green(model, source.depth, distances, omega, duration)
    spectrum = np.zeros((len(distances), npts // 2 + 1), dtype=complex)
    spectrum[:, :count] = (
        transfer * _ricker(omega, source.frequency) * np.exp(1j * omega * axis.start)
    )
    traces = np.fft.irfft(spectrum, npts, axis=1)[:, : axis.npts] / axis.dt
    result: Samples = traces * np.exp(decay * axis.dt * np.arange(axis.npts))
    return result


def _ricker(omega: Spectrum, frequency: float) -> Spectrum:
    """Spectrum of a Ricker wavelet centred at time zero."""
    peak = 2 * np.pi * frequency
    shape: Spectrum = 4 * np.sqrt(np.pi) * omega**2 / peak**3 * np.exp(-((omega / peak) ** 2))
    return shape


def _green(
    model: LayeredModel,
    depth: float,
    distances: Spectrum,
    omega: Spectrum,
    duration: float,
) -> Spectrum:
    """Surface displacement per line force, shape ``(distances, frequencies)``."""
    slowest = min(model.layer_speed, model.speed)
    fastest = max(model.layer_speed, model.speed)
    # Sources repeat every `period`; the nearest repeated one must come too late to matter.
    period = 2 * float(distances.max()) + fastest * duration
    step = 2 * np.pi / period
    largest = max(_WAVENUMBERS_BEYOND * float(omega.real.max()) / slowest, 12.0 / depth)
    k = step * np.arange(int(np.ceil(largest / step)) + 1)
    weight = np.where(k == 0, 1.0, 2.0) / period
    basis = np.cos(np.outer(k, distances)) * weight[:, None]
    response: Spectrum = _surface_response(model, depth, k[None, :], omega[:, None]) @ basis
    return response.T


def _surface_response(model: LayeredModel, depth: float, k: Spectrum, omega: Spectrum) -> Spectrum:
    """Surface displacement by wavenumber and frequency: all reverberations of the layer."""
    above = np.sqrt(k**2 - (omega / model.layer_speed) ** 2 + 0j)
    below = np.sqrt(k**2 - (omega / model.speed) ** 2 + 0j)
    stiff_above = model.layer_density * model.layer_speed**2 * above
    stiff_below = model.density * model.speed**2 * below
    total = stiff_above + stiff_below
    reflected = (stiff_above - stiff_below) / total
    reverberation = 1 - reflected * np.exp(-2 * above * model.thickness)
    response: Spectrum
    if depth <= model.thickness:
        up = np.exp(-above * depth) + reflected * np.exp(-above * (2 * model.thickness - depth))
        response = up / (stiff_above * reverberation)
    else:
        passed = np.exp(-below * (depth - model.thickness) - above * model.thickness)
        response = 2 * passed / (total * reverberation)
    return response


DEMO_OBSERVED = LayeredModel(thickness=32.0, layer_speed=3.42, speed=4.42)
DEMO_SYNTHETIC = LayeredModel(thickness=30.0, layer_speed=3.50, speed=4.50)
DEMO_AXIS = TimeAxis(start=-48.0, dt=0.06, npts=5000)


def write_event(
    directory: Path,
    source: LineSource,
    receivers: Mapping[str, float],
    observed: LayeredModel = DEMO_OBSERVED,
    synthetic: LayeredModel = DEMO_SYNTHETIC,
    axis: TimeAxis = DEMO_AXIS,
    noise: float = 0.0,
    seed: int = 0,
) -> None:
    """Write ``obs/`` and ``syn/`` of one event, ``NET.STA.BXY.semd`` for two velocity models.

    Args:
        directory: where; made if need be.
        source: the line force.
        receivers: position (km) of each station ``NET.STA``.
        observed: the Earth that is to be found.
        synthetic: the Earth as it is thought to be.
        axis: times of the samples; by default 5000 samples of 0.06 s from -48 s.
        noise: of the observed traces, standard deviation over the largest amplitude of a trace.
        seed: of the noise.
    """
    chance = np.random.default_rng(seed)
    for name, model in (("obs", observed), ("syn", synthetic)):
        folder = directory / name
        folder.mkdir(parents=True, exist_ok=True)
        traces = seismograms(model, source, list(receivers.values()), axis)
        if name == "obs":
            traces = traces + noise * _noise(chance, traces, axis)
        for code, samples in zip(receivers, traces, strict=True):
            write_two_columns(folder / f"{code}.BXY.semd", axis, samples)


def _noise(chance: np.random.Generator, traces: Samples, axis: TimeAxis) -> Samples:
    """Noise as strong as the traces, white up to periods of about 10 s."""
    frequencies = np.fft.rfftfreq(axis.npts, axis.dt)
    spectrum = np.fft.rfft(chance.standard_normal(traces.shape), axis=1)
    noise: Samples = np.fft.irfft(spectrum * np.exp(-((frequencies / 0.1) ** 4)), axis.npts, axis=1)
    noise *= np.abs(traces).max(axis=1, keepdims=True) / noise.std(axis=1, keepdims=True)
    return noise


def demo_event(directory: Path, name: str, seed: int = 0, stations: int = 10) -> Path:
    """Write an event whose source depends on the seed.

    Args:
        directory: where the event's directory is made.
        name: the event's name and its directory's.
        seed: the same seed gives the same bytes.
        stations: how many, from 110 km on, 32 km apart.

    Returns:
        The event's directory, with ``obs/`` and ``syn/``.
    """
    chance = np.random.default_rng(seed)
    source = LineSource(
        x=float(chance.uniform(0.0, 60.0)),
        depth=float(chance.uniform(8.0, 22.0)),
        frequency=float(chance.uniform(0.032, 0.042)),
    )
    receivers = {f"HR.S{number:02d}": 110.0 + 32.0 * number for number in range(stations)}
    # Without noise the quiet before the arrival would correlate, too.
    write_event(directory / name, source, receivers, noise=0.01, seed=seed)
    return directory / name
