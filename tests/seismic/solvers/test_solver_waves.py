"""The embedded solver's waves beside exact solutions, and what it refuses."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad_vec

from headrace.seismic import SolverError
from headrace.seismic.kernels import gradient_of
from headrace.seismic.models import Axis, FieldSpec, Layout, Provenance, read_model, write_model
from headrace.seismic.solvers import (
    KERNELS,
    AdjointRun,
    ForwardRun,
    Receiver,
    Source,
    open_solver,
    read_event,
    solver_names,
    write_simulation_event,
)
from headrace.seismic.solvers.backends.devito.checkpoints import Plan, make_plan
from headrace.seismic.solvers.backends.devito.grid import staggered_weights
from tests.support.optional_packages import skip_without
from tests.support.seismic.small_models import (
    SMALL,
    SMALL_SHAPE,
    Values,
    read_traces,
    small_event,
    small_model,
    small_solver,
    write_adjoint_sources,
    write_medium,
)

skip_without("devito", "inversion")

SPEED, DENSITY = 2000.0, 1000.0
PHYSICAL: dict[str, Any] = {
    "dt": 1e-3,
    "npts": 700,
    "start": -0.1,
    "absorbing_velocity": SPEED,
    "absorbing_points": 40,
}


def exact(source: Source, z: float, x: float, times: Values) -> Values:
    """Pressure of a line source in a whole space: the convolution with 1/(2 pi sqrt(t^2-r^2/c^2)).

    With t = r/c cosh(u) the integral has no singularity.
    """
    delay = np.hypot(z - source.z, x - source.x) / SPEED

    def integrand(u: float) -> Values:
        square = (np.pi * source.frequency * (times - delay * np.cosh(u))) ** 2
        found: Values = (1 - 2 * square) * np.exp(-square)
        return found

    highest = float(np.arccosh((times[-1] + 0.2) / delay))
    found: Values = DENSITY / (2 * np.pi) * quad_vec(integrand, 0.0, highest, epsrel=1e-6)[0]
    return found


def traces_of(tmp_path: Path, rho: Values, settings: dict[str, Any]) -> tuple[Values, Any]:
    model = write_medium(tmp_path / "m.h5", np.full(rho.shape, SPEED), rho, "float32")
    receivers = [
        Receiver("HR", "A", 300.0, 100.0),
        Receiver("HR", "B", 780.0, 250.0),
        Receiver("HR", "C", 40.0, 480.0),
    ]
    write_simulation_event(tmp_path / "shot", Source(400.0, 200.0, frequency=12.0), receivers)
    solver = open_solver("devito", settings)
    assert solver.check(model, [tmp_path / "shot"]) == []
    solver.forward(ForwardRun(model, tmp_path / "shot", tmp_path / "out"))
    event = read_event(tmp_path / "shot")
    return read_traces(tmp_path / "out", event), event


def test_waves_below_a_free_surface_and_through_absorbing_sides(tmp_path: Path) -> None:
    found, event = traces_of(tmp_path, np.full((60, 80), DENSITY), PHYSICAL)
    times = -0.1 + 1e-3 * np.arange(700)
    image = dataclasses.replace(event.source, z=-event.source.z)
    for trace, receiver in zip(found, event.receivers, strict=True):
        direct, mirrored = (
            exact(source, receiver.z, receiver.x, times) for source in (event.source, image)
        )
        assert np.abs(trace - (direct - mirrored)).max() < 0.03 * np.abs(direct).max()


def test_reflection_from_a_contrast_of_density(tmp_path: Path) -> None:
    # Where the velocity is the same, the coefficient is the same for all angles.
    rho = np.full((60, 80), DENSITY)
    rho[40:] *= 3.0
    found, event = traces_of(tmp_path, rho, {**PHYSICAL, "free_surface": False})
    times = -0.1 + 1e-3 * np.arange(700)
    image = dataclasses.replace(event.source, z=2 * 395.0 - event.source.z)
    for trace, receiver in zip(found[:2], event.receivers, strict=False):
        direct, mirrored = (
            exact(source, receiver.z, receiver.x, times) for source in (event.source, image)
        )
        assert np.abs(trace - (direct + 0.5 * mirrored)).max() < 0.03 * np.abs(direct).max()
        assert np.abs(trace - direct).max() > 0.1 * np.abs(direct).max()


@pytest.mark.parametrize("order", [2, 4, 8, 16])
def test_staggered_weights_are_exact_for_polynomials(order: int) -> None:
    weights = staggered_weights(order)
    for power in range(order + 1):
        found = sum(
            weight * ((1.0 + at) ** power - (1.0 - at) ** power)
            for at, weight in zip(np.arange(0.5, order / 2), weights, strict=True)
        )
        assert found == pytest.approx(power, rel=1e-4, abs=1e-4)


def test_a_plan_covers_all_steps_within_the_limit() -> None:
    for steps in (2, 3, 100, 2401):
        for limit in (0.2, 0.5, 3.0, 1e4):
            try:
                plan = make_plan(steps, 1000, limit)
            except SolverError as error:
                needed = float(str(error).split("set it to ")[1].split()[0])
                assert needed > limit
                plan = make_plan(steps, 1000, needed)
            assert plan.fields * 1000 <= max(limit, 1.0) * 2**20
            assert sum(segment.count for segment in plan.segments) == steps
            assert all(segment.count % 3 == 0 for segment in plan.segments[:-1])
    assert make_plan(2400, 1000, 1e4) == Plan(2400, 2400)
    with pytest.raises(SolverError, match=r"for 1000 time steps; set it to 0\.1"):
        make_plan(1000, 1000, 0.01)


def test_kernels_do_not_depend_on_how_much_memory_there_is(tmp_path: Path) -> None:
    model, event = small_model(tmp_path / "m.h5"), small_event(tmp_path / "shot")
    rng = np.random.default_rng(0)
    written = []
    for limit in (512.0, 1.5):
        solver = small_solver(memory_limit=limit) if limit < 10.0 else small_solver()
        axis = solver.settings.axis
        if not (tmp_path / "adj").exists():
            noise = list(rng.normal(size=(7, 240)))
            write_adjoint_sources(tmp_path / "adj", read_event(event), axis, noise)
        output = tmp_path / f"out{limit}"
        # No forward run before it: the wavefield is computed again anyhow.
        solver.adjoint(AdjointRun(model, event, tmp_path / "none", tmp_path / "adj", output))
        written.append([(output / name).read_bytes() for name in (KERNELS, "hessian.h5")])
    assert written[0] == written[1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dt": 0.01}, "unstable in this model; at most 0.00"),
        ({"memory_limit": 0.01}, "memory_limit: 0.01 MiB is too little"),
        ({"start": -0.001}, "cut off at its start"),
        ({"start": 5.0}, "zero on the time axis|cut off"),
        ({"space_order": 2}, "points per wavelength at 30 Hz"),
    ],
)
def test_what_cannot_work_is_said_before_it_is_tried(
    change: dict[str, float], message: str, tmp_path: Path
) -> None:
    solver = open_solver("devito", {**SMALL, **change})
    problems = solver.check(small_model(tmp_path / "m.h5"), [small_event(tmp_path / "shot")])
    assert problems
    assert any(re.search(message, problem) for problem in problems)
    assert not any("\n" in problem for problem in problems)


def test_events_that_do_not_fit_the_model(tmp_path: Path) -> None:
    model = small_model(tmp_path / "m.h5")
    good = Receiver("HR", "A", 10.0, 20.0)
    for name, source, receiver in (
        ("left", Source(-5.0, 50.0), good),
        ("deep", Source(5.0, 50.0), Receiver("HR", "A", 10.0, 231.0)),
        ("dry", Source(5.0, 50.0), Receiver("HR", "A", 10.0, 0.0)),
        ("fast", Source(5.0, 50.0, frequency=60.0), good),
    ):
        write_simulation_event(tmp_path / name, source, [receiver])
    solver = small_solver()
    names = ("left", "deep", "dry", "fast", "missing")
    problems = solver.check(model, [tmp_path / name for name in names])
    text = "\n".join(problems)
    assert "left: the source is at x = -5 m; the model goes from 0 to 290 m" in text
    assert "deep: station HR.A is at z = 231 m" in text
    assert "dry: station HR.A is at the free surface" in text
    assert "time steps per period at 150 Hz" in text
    assert "source.toml: cannot be read" in text
    with pytest.raises(SolverError, match="left: the source"):
        solver.forward(ForwardRun(model, tmp_path / "left", tmp_path / "out"))


def test_models_that_it_cannot_use(tmp_path: Path) -> None:
    event, solver = small_event(tmp_path / "shot"), small_solver()
    axes = (Axis.even("z", "m", 0.0, 10.0, 5), Axis.even("x", "m", 0.0, 10.0, 5))
    for names, layout_axes, value, message in (
        ("vp vs", axes, 1.0, "has no rho"),
        ("vp rho", axes, -1.0, "vp goes down to -1"),
        ("vp rho", axes[::-1], 1.0, "axes are x, z; this solver needs z and x"),
    ):
        fields = [FieldSpec(name, "1") for name in names.split()]
        layout = Layout(layout_axes, tuple(fields), "float64")
        numbers = {field.name: np.full(layout.shape, value) for field in fields}
        write_model(tmp_path / "bad.h5", layout, numbers, Provenance("test"))
        assert message in solver.check(tmp_path / "bad.h5", [event])[0]
    assert "no such file" in solver.check(tmp_path / "none.h5", [event])[0]


def test_a_step_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    fast = small_model(tmp_path / "m.h5", {"vp": np.full(SMALL_SHAPE, 1.2)})
    solver = small_solver()
    with pytest.raises(SolverError, match=r"m\.h5: dt of 0\.0012 s is unstable in this model"):
        solver.forward(ForwardRun(fast, small_event(tmp_path / "shot"), tmp_path / "out"))


@pytest.mark.parametrize("spoil", ["missing", "short", "late", "nan"])
def test_adjoint_sources_that_do_not_fit(spoil: str, tmp_path: Path) -> None:
    solver = small_solver()
    event, axis = read_event(small_event(tmp_path / "shot")), solver.settings.axis
    write_adjoint_sources(tmp_path / "adj", event, axis, [np.ones(240)] * 7)
    path = tmp_path / "adj" / "HR.S03.BXP.adj"
    lines = path.read_text().splitlines()
    if spoil == "missing":
        path.unlink()
    elif spoil == "short":
        path.write_text("\n".join(lines[:-1]))
    elif spoil == "late":
        times, values = np.loadtxt(path).T
        np.savetxt(path, np.stack([times + 0.01, values], axis=1))
    else:
        path.write_text("\n".join([*lines[:5], lines[5].split()[0] + " nan", *lines[6:]]))
    run = AdjointRun(
        small_model(tmp_path / "m.h5"), tmp_path / "shot", tmp_path, tmp_path / "adj", tmp_path
    )
    with pytest.raises(SolverError, match=r"HR\.S03\.BXP\.adj"):
        solver.adjoint(run)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dt": 0.0}, "solver.dt: 0.0 must be above 0"),
        ({"dt": "fast"}, "solver.dt: must be a finite number, not 'fast'"),
        ({"npts": 2.5}, "solver.npts: must be a whole number, not 2.5"),
        ({"free_surface": 1}, "solver.free_surface: must be true or false, not 1"),
        ({"threads": True}, "solver.threads: must be a whole number, not True"),
        ({"start": float("nan")}, "solver.start: must be a finite number, not nan"),
        ({"spce_order": 4}, "solver.spce_order: no such setting; there are dt, npts"),
        ({"space_order": 5}, "solver.space_order: 5 must be even"),
        ({"threads": 0}, "solver.threads: 0 must be at least 1"),
        ({"precision": "half"}, "float32 or float64"),
    ],
)
def test_settings_that_cannot_be_used(change: dict[str, Any], message: str) -> None:
    with pytest.raises(SolverError, match=message):
        open_solver("devito", {**SMALL, **change})
    with pytest.raises(SolverError, match=r"solver\.npts: this setting is missing"):
        open_solver("devito", {"dt": 1.0})


def test_no_compiler_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    with pytest.raises(SolverError, match="no C compiler gcc in PATH") as caught:
        open_solver("devito", SMALL)
    assert "\n" not in str(caught.value)


def test_a_model_in_km_is_the_same_model(tmp_path: Path) -> None:
    solver = small_solver()
    event, read = small_event(tmp_path / "shot"), read_model(small_model(tmp_path / "m.h5"))
    axes = tuple(
        Axis(one.name, "km", tuple(np.divide(one.values, 1e3))) for one in read.layout.axes
    )
    layout = Layout(axes, read.layout.fields, read.layout.dtype)
    write_model(tmp_path / "km.h5", layout, read.fields, Provenance("test"))
    noise = list(np.random.default_rng(0).normal(size=(7, 240)))
    write_adjoint_sources(tmp_path / "adj", read_event(event), solver.settings.axis, noise)
    gradients = []
    for name in ("m", "km"):
        run = AdjointRun(
            tmp_path / f"{name}.h5", event, tmp_path, tmp_path / "adj", tmp_path / name
        )
        solver.adjoint(run)
        gradient_of(run.output / KERNELS, run.output / "gradient.h5")
        gradients.append(read_model(run.output / "gradient.h5").fields["vp"])
    largest = np.abs(gradients[0]).max()
    np.testing.assert_allclose(gradients[0], gradients[1], rtol=0.0, atol=1e-9 * largest)


def test_it_leaves_the_arithmetic_of_its_caller_alone(tmp_path: Path) -> None:
    solver = small_solver()
    model, event = small_model(tmp_path / "m.h5"), small_event(tmp_path / "shot")
    solver.forward(ForwardRun(model, event, tmp_path / "out"))
    denormal = np.array([1e-310])
    assert (denormal / 2.0)[0] > 0.0


def test_threads_change_nothing_but_rounding(tmp_path: Path) -> None:
    model, event = small_model(tmp_path / "m.h5"), small_event(tmp_path / "shot")
    found = []
    for threads in (1, 2):
        solver = small_solver(threads=threads) if threads > 1 else small_solver()
        solver.forward(ForwardRun(model, event, tmp_path / f"out{threads}"))
        found.append(read_traces(tmp_path / f"out{threads}", read_event(event)))
    np.testing.assert_allclose(found[0], found[1], rtol=0.0, atol=1e-9 * np.abs(found[0]).max())


def test_it_is_found_by_its_name() -> None:
    assert "devito" in solver_names()
    assert open_solver("devito", SMALL).name == "devito"


def test_kernels_say_what_they_were_made_from(tmp_path: Path) -> None:
    solver = small_solver()
    model, event = small_model(tmp_path / "m.h5"), small_event(tmp_path / "shot")
    zero = [np.zeros(240)] * 7
    write_adjoint_sources(tmp_path / "adj", read_event(event), solver.settings.axis, zero)
    run = AdjointRun(model, event, tmp_path, tmp_path / "adj", tmp_path / "out")
    solver.adjoint(run)
    kernels = read_model(run.output / KERNELS)
    assert not kernels.fields["vp"].any()
    assert not kernels.fields["rho"].any()
    hessian = read_model(run.output / "hessian.h5")
    assert hessian.fields["vp"].min() >= 0.0 < hessian.fields["vp"].max()
    import h5py

    with h5py.File(run.output / KERNELS) as file:
        told = json.loads(file.attrs["provenance"])
    assert told["step"] == "adjoint run of shot"
    assert told["parents"][0][0] == "m.h5"
    assert "devito" in told["versions"]
