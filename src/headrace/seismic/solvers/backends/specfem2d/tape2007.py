"""The checkerboard of Tape, Liu and Tromp (2007) out of SPECFEM2D's own examples.

Carl Tape, Qinya Liu and Jeroen Tromp, Finite-frequency tomography using adjoint methods,
Geophysical Journal International 168 (2007). Membrane waves of about 12 s in a square of 480 km;
what is sought is a checkerboard in a homogeneous start.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from headrace.seismic.errors import SeismicError, SolverError
from headrace.seismic.measurement.geometry import Vertical, read_stations
from headrace.seismic.models import Axis, FieldSpec, Layout, Provenance, Values, write_model
from headrace.seismic.solvers.backends.specfem2d.mesh import MODEL_FIELDS, Mesh
from headrace.seismic.solvers.backends.specfem2d.projection import GridProjection
from headrace.seismic.solvers.backends.specfem2d.settings import BINARIES
from headrace.seismic.solvers.events import Receiver, Source, write_simulation_event
from headrace.seismic.specfem_files import ParFile, gll_layout

_PAR_FILE = "Par_file_Tape2007_onerec"
_INTERFACES = "interfaces_Tape2007.dat"
_STATIONS = "STATIONS_checker"
_CHECKERBOARD = "model_velocity.dat_checker"
_MATERIAL = re.compile(r"^\s*1\s+1\s+(\S+)\s+(\S+)\s+(\S+)")
_UNITS = {"rho": "kg/m^3", "vp": "m/s", "vs": "m/s"}


@dataclass(frozen=True)
class Tape2007:
    """Inputs of an inversion of the example.

    Attributes:
        template: the solver's template.
        events: directories of the events.
        start: the homogeneous model, on a grid.
        target: the checkerboard on SPECFEM2D's own points, that makes the observed seismograms.
        target_on_grid: the checkerboard on the grid, to compare models with.
        settings: settings of the solver ``specfem2d``.
    """

    template: Path
    events: tuple[Path, ...]
    start: Path
    target: Path
    target_on_grid: Path
    settings: Mapping[str, object]


def find_tape2007(binaries: Path | None = None) -> Path:
    """Return where SPECFEM2D keeps the example.

    Args:
        binaries: SPECFEM2D's bin directory; by default the environment's ``SPECFEM2D_BIN``.

    Returns:
        The directory that holds the example's ``DATA``.

    Raises:
        SolverError: it is not beside the programs.
    """
    named = binaries or (Path(os.environ[BINARIES]) if os.environ.get(BINARIES) else None)
    if named is None:
        raise SolverError(f"example specfem2d: set {BINARIES} to SPECFEM2D's bin directory")
    examples = named.absolute().parent / "EXAMPLES"
    found = sorted(path.parent for path in examples.glob(f"**/Tape2007/DATA/{_STATIONS}"))
    if not found:
        raise SolverError(
            f"{examples}: no Tape2007 in it; {BINARIES} must be the bin directory of a whole "
            "SPECFEM2D, with its examples"
        )
    return found[0].parent


def write_tape2007(
    directory: Path,
    *,
    example: Path | None = None,
    events: int = 2,
    stations: int = 8,
    spacing: float = 6000.0,
) -> Tape2007:
    """Write template, events and models of the example, out of SPECFEM2D's own files.

    Args:
        directory: where to; made if missing.
        example: directory that holds the example's ``DATA``; by default that beside
            ``SPECFEM2D_BIN``.
        events: how many of its 25 events.
        stations: how many of its 132 stations, the first of its list.
        spacing: of the grid on which the model is sought, m.

    Returns:
        What was written.

    Raises:
        SolverError: a file of the example is missing or not as it was in SPECFEM2D 8.
    """
    data = (example or find_tape2007()) / "DATA"
    board = _read_checkerboard(data / _CHECKERBOARD)
    par_file = ParFile.read(data / _PAR_FILE)
    template = directory / "template" / "DATA"
    template.mkdir(parents=True, exist_ok=True)
    par_file.with_values({"use_existing_STATIONS": True}).write(template / "Par_file")
    _copy(data / _INTERFACES, template / _INTERFACES)
    receivers = _read_stations(data / _STATIONS, board.top)[:stations]
    made = []
    for number in range(1, events + 1):
        source = data / f"SOURCE_{number:03d}"
        read = ParFile.read(source)
        place = Source(
            read.number("xs"), board.top - read.number("zs"), frequency=read.number("f0")
        )
        made.append(directory / "events" / f"{number:03d}")
        write_simulation_event(made[-1], place, receivers)
        _copy(source, made[-1] / "SOURCE")
    _copy(made[0] / "SOURCE", template / "SOURCE")
    models = _write_models(directory / "models", board, _material(par_file), spacing)
    settings = {"template": os.fspath(directory / "template"), "parameters": ["vs"]}
    return Tape2007(template.parent, tuple(made), *models, settings)


def _write_models(
    directory: Path, board: Mesh, material: Mapping[str, float], spacing: float
) -> tuple[Path, Path, Path]:
    fields = tuple(FieldSpec(name, _UNITS[name]) for name in MODEL_FIELDS)
    layout = Layout(
        (
            Axis.even("z", "m", 0.0, spacing, int(np.ceil(np.ptp(board.z) / spacing)) + 1),
            Axis.even(
                "x", "m", float(board.x.min()), spacing, int(np.ceil(np.ptp(board.x) / spacing)) + 1
            ),
        ),
        fields,
    )
    start, target = directory / "start.h5", directory / "target.h5"
    on_grid = directory / "target_on_grid.h5"
    uniform = {name: np.full(layout.shape, material[name]) for name in MODEL_FIELDS}
    write_model(start, layout, uniform, Provenance("start"))
    known: dict[str, Values] = {"x": board.x, "z": board.z, **board.fields}
    write_model(target, gll_layout(board.x.size, list(known)), known, Provenance("checkerboard"))
    projection = GridProjection(layout, board, target)
    share = projection.kernel_to_grid(np.ones_like(board.x))
    if not share.min() > 0.0:
        raise SolverError(f"{directory}: a grid every {spacing:g} m is finer than the mesh")
    means = {name: projection.kernel_to_grid(field) / share for name, field in board.fields.items()}
    write_model(on_grid, layout, means, Provenance("checkerboard on the grid"))
    return start, target, on_grid


def _read_checkerboard(path: Path) -> Mesh:
    """SPECFEM2D's text format of a model: number, x, z, rho, vp, vs of each GLL point."""
    try:
        table = np.loadtxt(path, dtype=np.float64, ndmin=2)
    except OSError:
        raise SolverError(f"{path}: cannot be read") from None
    except ValueError as error:
        raise SolverError(f"{path}: not a model of SPECFEM2D: {error}") from None
    if table.shape[1] != 6 or len(table) % 25:
        raise SolverError(f"{path}: not a model of SPECFEM2D: its shape is {table.shape}")
    columns = np.ascontiguousarray(table.T)
    return Mesh(
        (len(table),), columns[1], columns[2], dict(zip(MODEL_FIELDS, columns[3:], strict=True))
    )


def _read_stations(path: Path, top: float) -> list[Receiver]:
    try:
        stations = read_stations(path, Vertical("up", top))
    except SeismicError as error:
        raise SolverError(f"{error}: not a list of stations of SPECFEM2D") from None
    named = ((code.split("."), position) for code, position in stations.items())
    return [Receiver(network, name, x, z) for (network, name), (x, z) in named]


def _material(par_file: ParFile) -> dict[str, float]:
    for line in par_file.lines:
        found = _MATERIAL.match(line)
        if found:
            words = [word.lower().replace("d", "e") for word in found.groups()]
            return dict(zip(MODEL_FIELDS, map(float, words), strict=True))
    raise SolverError(f"{par_file.path}: no line of an elastic material in it")


def _copy(source: Path, target: Path) -> None:
    try:
        shutil.copyfile(source, target)
    except OSError as error:
        raise SolverError(f"{source}: cannot be copied: {error.strerror}") from None
