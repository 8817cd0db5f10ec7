"""The computed seismograms against an exact solution."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.special import hankel2

from headrace.seismic import demo_event
from headrace.seismic.measurement.station import TimeAxis
from headrace.seismic.waveforms.analytic_synthetics import LayeredModel, LineSource, seismograms
from headrace.seismic.waveforms.reading import Samples

AXIS = TimeAxis(start=-48.0, dt=0.06, npts=5000)


def half_space(speed: float, density: float, source: LineSource, receivers: list[float]) -> Samples:
    """A line force below the surface of a homogeneous half-space: twice the full space."""
    npts, extra = 8 * AXIS.npts, 8.0 / (8 * AXIS.npts * AXIS.dt)
    omega = 2 * np.pi * np.arange(1, 1500) / (npts * AXIS.dt) - 1j * extra
    peak = 2 * np.pi * source.frequency
    wavelet = 4 * np.sqrt(np.pi) * omega**2 / peak**3 * np.exp(-((omega / peak) ** 2))
    traces = []
    for receiver in receivers:
        distance = np.hypot(receiver - source.x, source.depth)
        green = -0.5j / (density * speed**2) * hankel2(0, omega * distance / speed)
        spectrum = np.zeros(npts // 2 + 1, dtype=complex)
        spectrum[1:1500] = green * wavelet * np.exp(1j * omega * AXIS.start)
        traces.append(np.fft.irfft(spectrum, npts)[: AXIS.npts] / AXIS.dt)
    grown: Samples = np.array(traces) * np.exp(extra * AXIS.dt * np.arange(AXIS.npts))
    return grown


@pytest.mark.parametrize("thickness", [30.0, 5.0])
def test_a_layer_like_the_half_space_gives_the_exact_solution(thickness: float) -> None:
    model = LayeredModel(thickness, layer_speed=3.5, speed=3.5, layer_density=3.0, density=3.0)
    source = LineSource(x=20.0, depth=12.0, frequency=0.04)
    receivers = [60.0, 150.0, 400.0]
    found = seismograms(model, source, receivers, AXIS)
    exact = half_space(3.5, 3.0, source, receivers)
    for ours, theirs in zip(found, exact, strict=True):
        assert np.abs(ours - theirs).max() < 0.01 * np.abs(theirs).max()


def test_nothing_arrives_before_the_fastest_wave() -> None:
    model = LayeredModel(30.0, layer_speed=3.5, speed=4.5)
    source = LineSource(x=0.0, depth=12.0, frequency=0.04)
    (trace,) = seismograms(model, source, [500.0], AXIS)
    arrival = 500.0 / 4.5 - 1.5 / source.frequency
    early = AXIS.start + AXIS.dt * np.arange(AXIS.npts) < arrival
    assert np.abs(trace[early]).max() < 2e-3 * np.abs(trace).max()


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second, other = (
        demo_event(tmp_path / folder, "quake", seed)
        for folder, seed in (("a", 4), ("b", 4), ("c", 5))
    )
    names = sorted(path.name for path in (first / "obs").iterdir())
    assert len(names) == 10
    assert sorted(path.name for path in (first / "syn").iterdir()) == names
    for folder in ("obs", "syn"):
        for name in names:
            data = (first / folder / name).read_bytes()
            assert data == (second / folder / name).read_bytes()
            assert data != (other / folder / name).read_bytes()
