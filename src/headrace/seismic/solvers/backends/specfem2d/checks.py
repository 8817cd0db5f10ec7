"""Checks of a run of SPECFEM2D before it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from headrace.seismic.errors import SolverError
from headrace.seismic.models import Values
from headrace.seismic.solvers.backends.specfem2d.channels import channels_of
from headrace.seismic.solvers.backends.specfem2d.mesh import ORDER, Mesh
from headrace.seismic.solvers.backends.specfem2d.run_directory import SOURCE_FILE, read_template
from headrace.seismic.solvers.backends.specfem2d.settings import Settings
from headrace.seismic.solvers.events import Event, read_event
from headrace.seismic.solvers.limits import NO_REACH, Reach, rounded_down
from headrace.seismic.specfem_files import ParFile

MAX_COURANT = 0.5
"""SPECFEM2D's own limit for its Newmark scheme."""

_SAME_PLACE = 1e-3
"""Places that are no further apart are the same, m."""

FEWEST_POINTS = 4.5
"""GLL points per shortest wavelength, SPECFEM2D's own limit."""


def find_problems(
    settings: Settings,
    mesh: Mesh,
    model: Path,
    fields: Mapping[str, Values],
    events: Sequence[Path],
    reach: Mapping[str, Reach] = NO_REACH,
) -> list[str]:
    """Look at model, time step and events.

    Args:
        settings: the solver's settings.
        mesh: the mesh.
        model: the model's file, for messages.
        fields: its rho, vp and vs on the mesh's points.
        events: directories of events.
        reach: field -> how far an inversion may take it from this model.

    Returns:
        One line per problem.
    """
    par_file = read_template(settings).with_values(settings.par_file)
    found = [*_output_problems(par_file), *model_problems(par_file, model, fields)]
    slowest = dict(fields)
    if not found:
        fastest = {
            name: reach[name].highest(field) if name in reach else field
            for name, field in fields.items()
        }
        for name in ("vp", "vs"):
            if name in reach:
                slowest[name] = reach[name].lowest(fields[name])
        bounds = "; the bounds and the largest change allow such a model" if reach else ""
        found += [
            problem + bounds for problem in time_step_problems(par_file, mesh, model, fastest)
        ]
    for directory in events:
        try:
            event = read_event(directory)
            found += _event_problems(event, directory, mesh, slowest)
            if not found:
                found += _medium_problems(par_file, event, directory, mesh, fields)
        except SolverError as error:
            found.append(str(error))
    return found


def _output_problems(par_file: ParFile) -> list[str]:
    found = []
    try:
        channels_of(par_file)
        for key, wanted in (("NTSTEP_BETWEEN_OUTPUT_SAMPLE", 1), ("NSOURCES", 1)):
            if par_file.has(key) and par_file.number(key) != wanted:
                found.append(f"{par_file.path}: {key} must be {wanted}")
        if par_file.has("SU_FORMAT") and par_file.flag("SU_FORMAT"):
            found.append(f"{par_file.path}: SU_FORMAT must be .false.")
    except SolverError as error:
        found.append(str(error))
    return found


def model_problems(par_file: ParFile, model: Path, fields: Mapping[str, Values]) -> list[str]:
    """Values with which no simulation is possible."""
    rho, vp, vs = fields["rho"], fields["vp"], fields["vs"]
    found = [
        f"{model}: {name} falls to {field.min():g}; it must be above 0"
        for name, field in (("rho", rho), ("vp", vp))
        if field.min() <= 0.0
    ]
    if vs.min() < 0.0:
        found.append(f"{model}: vs falls to {vs.min():g}; it cannot be below 0")
    if not found and not par_file.flag("P_SV") and vs.min() == 0.0:
        found.append(f"{model}: vs is 0 somewhere; membrane waves (P_SV = .false.) need it above 0")
    ratio = float((vp**2 - 4.0 / 3.0 * vs**2).min())
    if not found and ratio <= 0.0:
        worst = int(np.argmin(vp**2 - 4.0 / 3.0 * vs**2))
        found.append(
            f"{model}: vp {vp[worst]:g} and vs {vs[worst]:g} m/s: the bulk modulus is not above 0"
        )
    return found


def time_step_problems(
    par_file: ParFile, mesh: Mesh, model: Path, fields: Mapping[str, Values]
) -> list[str]:
    """Return the time step against the fastest wave of a model."""
    fastest = fields["vp"] if par_file.flag("P_SV") else fields["vs"]
    step = par_file.number("DT")
    courant = float((mesh.largest(fastest) / mesh.spacing).max()) * step
    if courant <= MAX_COURANT:
        return []
    return [
        f"{model}: DT {step:g} s gives a Courant number of {courant:.2f}; at most {MAX_COURANT} "
        f"is stable: DT at most {rounded_down(step * MAX_COURANT / courant):g} s"
    ]


def _medium_problems(
    par_file: ParFile, event: Event, directory: Path, mesh: Mesh, fields: Mapping[str, Values]
) -> list[str]:
    """Adjoint sources are pressure in a fluid and displacement in a solid, and nothing else."""
    of_pressure = channels_of(par_file).of_pressure
    found = []
    for one in event.receivers:
        away = np.square(mesh.x - one.x) + np.square(mesh.z - (mesh.top - one.z))
        in_fluid = fields["vs"][int(np.argmin(away))] == 0.0
        if in_fluid != of_pressure:
            medium, wanted = ("fluid", "4, pressure") if in_fluid else ("solid", "1, displacement")
            found.append(
                f"{directory}: station {one.code} is in a {medium}: seismotype must be {wanted}"
            )
    return found


def _event_problems(
    event: Event, directory: Path, mesh: Mesh, fields: Mapping[str, Values]
) -> list[str]:
    found = []
    places = [("source", event.source.x, event.source.z)]
    places += [(f"station {one.code}", one.x, one.z) for one in event.receivers]
    for what, x, z in places:
        if not mesh.holds(x, mesh.top - z):
            found.append(f"{directory}: {what} at x {x:g}, z {z:g} m is outside the model")
    found += _turned_over(event, directory, mesh.top)
    if event.source.file is not None and not event.source.file.is_file():
        found.append(f"{event.source.file}: no such file")
    highest = event.source.highest_frequency
    if highest is not None:
        slowest = np.where(fields["vs"] > 0.0, fields["vs"], fields["vp"])
        per_wavelength = float(
            (mesh.smallest(slowest) / highest / (mesh.sides / (ORDER - 1))).min()
        )
        if per_wavelength < FEWEST_POINTS:
            found.append(
                f"{directory}: {per_wavelength:.1f} points per wavelength at {highest:g} Hz; "
                f"at least {FEWEST_POINTS} are needed"
            )
    return found


def _turned_over(event: Event, directory: Path, top: float) -> list[str]:
    """Find places whose z was taken for the other one: depth for SPECFEM2D's height, or back."""
    found = []
    vertical = event.vertical
    if vertical.positive == "up" and not math.isclose(vertical.top, top, abs_tol=_SAME_PLACE):
        found.append(
            f"{directory}: source.toml says z_top = {vertical.top:g}, but the mesh's highest point "
            f"is at z = {top:g} m"
        )
    path = directory / SOURCE_FILE
    if path.is_file():
        source = ParFile.read(path)
        x, z = source.number("xs"), source.number("zs")
        same = (
            math.isclose(a, b, abs_tol=_SAME_PLACE)
            for a, b in ((x, event.source.x), (z, event.source.z))
        )
        height = top - event.source.z
        if all(same) and not math.isclose(z, height, abs_tol=_SAME_PLACE):
            found.append(
                f"{directory}: source.toml has the z of {SOURCE_FILE}, {z:g} m, where it counts "
                f"downwards and the source would be at zs = {height:g} m: "
                f'set z_positive = "up" and z_top = {top:g} in source.toml, or mend zs'
            )
    return found
