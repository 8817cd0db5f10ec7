"""Models on GLL points as HDF5 files, and back; one process' field is in memory at a time.

Such a file has one axis, ``gll_point``, and each of its fields has a number per element and GLL
point, processes one after the other. Where the points are is in the fields ``x``, ``z`` (``y``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from headrace.seismic.errors import ModelError
from headrace.seismic.models import (
    Axis,
    FieldReader,
    FieldSpec,
    FieldWriter,
    Layout,
    Provenance,
    Slab,
)
from headrace.seismic.specfem_files.fields import check_points, field_file, field_points
from headrace.seismic.specfem_files.records import ByteOrder, read_record, write_record

GLL_AXIS = "gll_point"
_LENGTHS = {"x", "y", "z"}
_VELOCITIES = {"vp", "vs", "vpv", "vph", "vsv", "vsh"}


def gll_layout(points: int, fields: Sequence[str], dtype: str = "float32") -> Layout:
    """Return the layout of a file on GLL points.

    Args:
        points: how many there are in all.
        fields: names of the fields, as SPECFEM's files have them.
        dtype: ``float32``, as SPECFEM keeps them, or ``float64``.
    """
    axis = Axis.counted(GLL_AXIS, points)
    return Layout((axis,), tuple(FieldSpec(name, _units(name)) for name in fields), dtype)


def is_gll(layout: Layout) -> bool:
    """Return whether fields are on GLL points."""
    return [axis.name for axis in layout.axes] == [GLL_AXIS]


def model_from_fields(
    directory: Path,
    target: Path,
    names: Sequence[str],
    *,
    rename: Mapping[str, str] | None = None,
    kind: str = "model",
    provenance: Provenance | None = None,
) -> tuple[int, ...]:
    """Make an HDF5 file of SPECFEM's binary fields.

    Args:
        directory: where ``proc*_NAME.bin`` are.
        target: the file to write; it is there whole or not at all.
        names: the fields, for example ``["x", "z", "rho", "vp", "vs"]``.
        rename: SPECFEM's name -> name in the file, for example ``alpha_kernel`` -> ``vp``.
        kind: ``model`` or ``kernel``.
        provenance: where they come from; by default only that they were SPECFEM's.

    Returns:
        How many points each process has: needed to write them back.

    Raises:
        ModelError: a field is missing, torn, not as long as the others, or not finite.
    """
    if not names:
        raise ModelError(f"{target}: name at least one field")
    points = field_points(directory, names[0])
    for name in names[1:]:
        check_points(directory, name, field_points(directory, name), points)
    kept = {name: (rename or {}).get(name, name) for name in names}
    layout = gll_layout(sum(points), list(kept.values()))
    with FieldWriter(target, layout, kind, provenance or Provenance("SPECFEM fields")) as writer:
        for name, as_name in kept.items():
            for process in range(len(points)):
                writer.append(as_name, read_record(field_file(directory, name, process)))
    return points


def fields_from_model(
    model: Path,
    directory: Path,
    names: Sequence[str],
    points: Sequence[int],
    *,
    byte_order: ByteOrder = "little",
) -> None:
    """Write fields of an HDF5 file on GLL points as SPECFEM reads them.

    Args:
        model: the file.
        directory: where to; it must be there.
        names: the fields.
        points: how many points each process has.
        byte_order: of the machine that will read them.

    Raises:
        ModelError: the file is not on these points, or a field is not in it.
    """
    with FieldReader(model) as reader:
        if not is_gll(reader.layout):
            axes = ", ".join(axis.name for axis in reader.layout.axes)
            raise ModelError(f"{model}: its axes are {axes}, not {GLL_AXIS}")
        if reader.layout.shape != (sum(points),):
            raise ModelError(
                f"{model}: {reader.layout.shape[0]} GLL points, the mesh has {sum(points)}"
            )
        for name in names:
            first = 0
            for process, count in enumerate(points):
                rows = Slab(first, first + count).rows
                part = reader.rows(name, rows)
                write_record(field_file(directory, name, process), part, byte_order)
                first += count


def _units(name: str) -> str:
    bare = name.split("_", 1)[1] if name.startswith("reg") and "_" in name else name
    if bare in _LENGTHS:
        return "m"
    if bare in _VELOCITIES:
        return "m/s"
    return "kg/m^3" if bare == "rho" else "1"
