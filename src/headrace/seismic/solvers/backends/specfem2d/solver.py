"""Forward and adjoint runs of SPECFEM2D."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from headrace.seismic.errors import ModelError, ModelRefused, SolverError, StationProblem
from headrace.seismic.measurement.station import TimeAxis
from headrace.seismic.models import FieldReader, FieldSpec, Layout, Provenance, Values, write_model
from headrace.seismic.solvers.backends.specfem2d.channels import Channels, channels_of
from headrace.seismic.solvers.backends.specfem2d.checks import (
    find_problems,
    model_problems,
    time_step_problems,
)
from headrace.seismic.solvers.backends.specfem2d.kernels import HESSIANS, parameter_kernel
from headrace.seismic.solvers.backends.specfem2d.mesh import MODEL_FIELDS, Mesh, read_mesh
from headrace.seismic.solvers.backends.specfem2d.projection import GridProjection
from headrace.seismic.solvers.backends.specfem2d.run_directory import (
    PAR_FILE,
    SOURCE_FILE,
    RunDirectory,
)
from headrace.seismic.solvers.backends.specfem2d.settings import PROGRAMS, Settings
from headrace.seismic.solvers.base import HESSIAN, KERNELS, SYNTHETICS, AdjointRun, ForwardRun
from headrace.seismic.solvers.events import Receiver, read_event
from headrace.seismic.solvers.limits import NO_REACH, Reach
from headrace.seismic.solvers.traces import read_adjoint_sources
from headrace.seismic.specfem_files import (
    ParFile,
    Value,
    check_points,
    field_points,
    gll_layout,
    is_gll,
    read_field,
    write_field,
)
from headrace.seismic.waveforms.reading import TraceFile, read_seismogram
from headrace.seismic.waveforms.specfem_ascii import write_two_columns

RUN = "run"
_WAVEFIELD = ("lastframe_*.bin", "absorb_*.bin", "pml_*.bin")

_FORWARD: Mapping[str, Value] = {
    "SIMULATION_TYPE": 1,
    "MODEL": "gll",
    "SAVE_MODEL": "default",
    "use_existing_STATIONS": True,
    "save_ASCII_seismograms": True,
}
_ADJOINT: Mapping[str, Value] = {
    **_FORWARD,
    "SIMULATION_TYPE": 3,
    "SAVE_FORWARD": False,
    "save_ASCII_kernels": False,
    "APPROXIMATE_HESS_KL": True,
}


class Specfem2D:
    """The solver.

    Args:
        settings: its settings.
    """

    name = "specfem2d"
    needs_wavefield = True

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._known_mesh: Mesh | None = None

    def missing(self) -> str:
        """Return what of SPECFEM2D is not on this machine; see `missing_requirement`."""
        problems = (self.settings.problem_with(name) for name in PROGRAMS)
        return next(filter(None, problems), "")

    def check(
        self, model: Path, events: Sequence[Path], reach: Mapping[str, Reach] = NO_REACH
    ) -> list[str]:
        """Look for what would go wrong; runs the mesher and a few time steps."""
        with tempfile.TemporaryDirectory(prefix="headrace-specfem2d-") as scratch:
            try:
                mesh = self._mesh(Path(scratch) / "mesh")
                fields = _fields_on(mesh, model)
                return find_problems(self.settings, mesh, model, fields, events, reach)
            except (SolverError, ModelError) as error:
                # The directory of the log is gone when this is read.
                return [str(error).split(f"; log: {scratch}")[0]]

    def forward(self, run: ForwardRun) -> None:
        """Write the synthetics of an event, and the last wavefield if it is wanted."""
        event = read_event(run.event)
        mesh = self._mesh(run.output / "mesh")
        directory = RunDirectory.make(
            run.output / RUN,
            self.settings,
            {**_FORWARD, "SAVE_FORWARD": run.save_wavefield},
        )
        channels = channels_of(directory.par_file)
        directory.write_event(event, run.event, mesh.top)
        fields = _fields_on(mesh, run.model)
        wrong = model_problems(directory.par_file, run.model, fields) or time_step_problems(
            directory.par_file, mesh, run.model, fields
        )
        if wrong:
            raise ModelRefused("; ".join(wrong))
        _write_fields(directory, mesh, fields)
        directory.mesh()
        directory.solve(f"*.{channels.suffix}")
        (run.output / SYNTHETICS).mkdir()
        for receiver in event.receivers:
            for code in channels.codes:
                _take_trace(directory, receiver, code, channels, run.output / SYNTHETICS)
        directory.prune(_WAVEFIELD if run.save_wavefield else ())

    def adjoint(self, run: AdjointRun) -> None:
        """Write kernels and pseudo-Hessian of an event, on the model's grid or GLL points."""
        event = read_event(run.event)
        saved = [
            path
            for pattern in _WAVEFIELD
            for path in sorted((run.forward / RUN / "OUTPUT_FILES").glob(pattern))
        ]
        if not any(path.name.startswith("lastframe") for path in saved):
            raise SolverError(
                f"{run.forward}: holds no saved wavefield; run it with save_wavefield"
            )
        mesh = self._mesh(run.output / "mesh")
        directory = RunDirectory.make(
            run.output / RUN,
            self.settings,
            _ADJOINT,
        )
        channels = channels_of(directory.par_file)
        directory.write_event(event, run.event, mesh.top)
        _check_same_setup(run.forward, directory)
        fields = _fields_on(mesh, run.model)
        _write_fields(directory, mesh, fields)
        _write_adjoint_sources(directory, run, event.receivers, channels)
        for path in saved:
            (directory.output / path.name).symlink_to(path.absolute())
        directory.mesh()
        directory.solve("*_kernel.bin")
        self._write_kernels(directory, mesh, run, fields)
        directory.prune()

    def _mesh(self, scratch: Path) -> Mesh:
        """Return the mesh; SPECFEM2D writes it once for all runs."""
        if self._known_mesh is None:
            shutil.rmtree(scratch, ignore_errors=True)
            directory = RunDirectory.make(
                scratch,
                self.settings,
                {
                    "SIMULATION_TYPE": 1,
                    "SAVE_FORWARD": False,
                    "SAVE_MODEL": "gll",
                    "NSTEP": 10,
                    "use_existing_STATIONS": True,
                },
                with_model=True,
            )
            directory.write_own_event()
            directory.mesh()
            directory.solve("DATA/proc*_x.bin")
            self._known_mesh = read_mesh(directory.data)
            shutil.rmtree(scratch)
        return self._known_mesh

    def _write_kernels(
        self, directory: RunDirectory, mesh: Mesh, run: AdjointRun, fields: dict[str, Values]
    ) -> None:
        with FieldReader(run.model) as reader:
            layout, parent = reader.layout, reader.parent
        wanted = self.settings.parameters or _depended_on(directory, fields)
        kept = [name for name in wanted if name in layout.names]
        if not kept:
            raise SolverError(f"{run.model}: holds none of {', '.join(wanted)}: no kernel to keep")
        on_grid = None if is_gll(layout) else GridProjection(layout, mesh, run.model)
        target = _kernel_layout(layout, mesh, kept)
        made: dict[str, dict[str, Values]] = {KERNELS: {}, HESSIAN: {}}
        for name in kept:
            kernel = parameter_kernel(name, partial(_sum_of, directory, mesh), fields)
            hessian = _sum_of(directory, mesh, *HESSIANS)
            if on_grid is None:
                made[KERNELS][name], made[HESSIAN][name] = kernel, hessian
            else:
                with FieldReader(run.model) as reader:
                    given = reader.read_field(name)
                made[KERNELS][name] = on_grid.kernel_to_grid(kernel, given)
                made[HESSIAN][name] = on_grid.kernel_to_grid(hessian)
        provenance = Provenance("specfem2d adjoint", (parent,), {"event": run.event.name})
        for file, values in made.items():
            write_model(run.output / file, target, values, provenance, "kernel")


def _fields_on(mesh: Mesh, model: Path) -> dict[str, Values]:
    """Rho, vp and vs of a model on the mesh's points; what it has not is the template's."""
    found = dict(mesh.fields)
    with FieldReader(model) as reader:
        layout = reader.layout
        on_grid = None if is_gll(layout) else GridProjection(layout, mesh, model)
        if on_grid is None and layout.shape != mesh.x.shape:
            raise SolverError(f"{model}: {layout.shape[0]} GLL points, the mesh has {mesh.x.size}")
        for name in MODEL_FIELDS:
            if name in layout.names:
                field = reader.read_field(name)
                found[name] = field if on_grid is None else on_grid.to_points(field)
    return found


def _write_fields(directory: RunDirectory, mesh: Mesh, fields: dict[str, Values]) -> None:
    for name, field in fields.items():
        write_field(directory.data, name, field, mesh.points)


def _take_trace(
    directory: RunDirectory, receiver: Receiver, code: str, channels: Channels, target: Path
) -> None:
    path = directory.output / f"{receiver.code}.{code}.{channels.suffix}"
    if not path.is_file():
        raise directory.solver_failure(f"left no trace {path.name}")
    try:
        trace = read_seismogram(TraceFile(path, receiver.network, receiver.station, code))
    except StationProblem as problem:
        raise directory.solver_failure(f"left a trace that cannot be used: {problem}") from None
    steps = int(directory.par_file.number("NSTEP"))
    if len(trace.data) != steps:
        raise directory.solver_failure(
            f"left {len(trace.data)} samples of {path.name}, not {steps}"
        )
    path.rename(target / path.name)


def _check_same_setup(forward: Path, directory: RunDirectory) -> None:
    """Refuse a wavefield saved with another time step or source: its kernel would be of neither."""
    before = forward / RUN / "DATA"
    par_file = ParFile.read(before / PAR_FILE).with_values(_ADJOINT)
    source = ParFile.read(before / SOURCE_FILE)
    now = ParFile.read(directory.data / SOURCE_FILE)
    for name, same in (
        (PAR_FILE, par_file.entries == directory.par_file.entries),
        (SOURCE_FILE, source.entries == now.entries),
    ):
        if not same:
            raise SolverError(
                f"{forward}: was run with another {name} than that of "
                f"{directory.settings.template} now; do the forward run again"
            )


def _write_adjoint_sources(
    directory: RunDirectory, run: AdjointRun, receivers: Sequence[Receiver], channels: Channels
) -> None:
    """Write ``SEM``; a channel that has no adjoint source at any station is zero."""
    first = receivers[0]
    path = run.forward / SYNTHETICS / f"{first.code}.{channels.codes[0]}.{channels.suffix}"
    try:
        trace = read_seismogram(TraceFile(path, first.network, first.station, channels.codes[0]))
    except StationProblem as problem:
        raise SolverError(f"{run.forward}: {problem}") from None
    axis = TimeAxis(trace.start, trace.dt, len(trace.data))
    used = [code for code in channels.codes if any(run.adjoint_sources.glob(f"*.{code}.adj"))]
    if not used:
        codes = " or ".join(channels.codes)
        raise SolverError(f"{run.adjoint_sources}: no adjoint source NET.STA.{codes}.adj in it")
    for code in channels.codes:
        sources = np.zeros((axis.npts, len(receivers)))
        if code in used:
            sources = read_adjoint_sources(run.adjoint_sources, receivers, code, axis)
        sources = channels.as_specfem_takes(sources, axis.dt)
        for number, receiver in enumerate(receivers):
            target = directory.path / "SEM" / f"{receiver.code}.{code}.adj"
            write_two_columns(target, axis, np.ascontiguousarray(sources[:, number]))


def _depended_on(directory: RunDirectory, fields: dict[str, Values]) -> tuple[str, ...]:
    """Membrane waves know no vp, and acoustic ones no vs."""
    if not directory.par_file.flag("P_SV"):
        return ("vs", "rho")
    return ("vp", "vs", "rho") if fields["vs"].max() > 0.0 else ("vp", "rho")


def _sum_of(directory: RunDirectory, mesh: Mesh, *names: str) -> Values:
    """Return the sum of SPECFEM2D's fields that are there, each zero where the other is not."""
    found = np.zeros(mesh.x.size)
    there = [name for name in names if (directory.output / f"proc000000_{name}.bin").is_file()]
    if not there:
        raise directory.solver_failure(f"left no proc000000_{names[0]}.bin")
    for name in there:
        check_points(directory.output, name, field_points(directory.output, name), mesh.points)
        found += read_field(directory.output, name, mesh.points)
        if not np.isfinite(found).all():
            raise directory.solver_failure(f"left a field {name} that is not finite")
    return found


def _kernel_layout(layout: Layout, mesh: Mesh, names: Sequence[str]) -> Layout:
    if is_gll(layout):
        return gll_layout(mesh.x.size, names, "float64")
    return layout.with_fields([FieldSpec(name, "m^-2") for name in names], "float64")
