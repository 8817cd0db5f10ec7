"""Fields as SPECFEM keeps them: ``proc000000_vp.bin``, one record per process and field.

The numbers are given per spectral element and GLL point in it, so a point that elements share is
there once for each. SPECFEM2D, SPECFEM3D and SPECFEM3D_GLOBE write the same files; the globe's
names begin with the region (``reg1_vpv``), those of kernels end with ``_kernel``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from headrace.seismic.errors import ModelError
from headrace.seismic.models import Values
from headrace.seismic.specfem_files.records import (
    ByteOrder,
    read_record,
    record_length,
    write_record,
)

_NAME = re.compile(r"proc(?P<process>\d{6})_(?P<field>\w+)\.bin")


def field_file(directory: Path, name: str, process: int) -> Path:
    """Return the file of a field of one process."""
    return directory / f"proc{process:06d}_{name}.bin"


def field_names(directory: Path) -> list[str]:
    """Name of the fields that the first process left in a directory, sorted."""
    found = [_NAME.fullmatch(path.name) for path in directory.glob("proc000000_*.bin")]
    return sorted(match["field"] for match in found if match)


def field_points(directory: Path, name: str) -> tuple[int, ...]:
    """Return how many points of a field each process has.

    Args:
        directory: where the files are.
        name: the field, for example ``vp`` or ``alpha_kernel``.

    Returns:
        One number per process, in order.

    Raises:
        ModelError: there is no such field, that of a process is missing, or one is torn.
    """
    processes = sorted(
        int(match["process"])
        for path in directory.glob(f"proc*_{name}.bin")
        if (match := _NAME.fullmatch(path.name)) and match["field"] == name
    )
    if not processes:
        known = ", ".join(field_names(directory)) or "none"
        raise ModelError(f"{directory}: no field {name} (proc000000_{name}.bin); it has: {known}")
    for expected, process in enumerate(processes):
        if process != expected:
            raise ModelError(f"{field_file(directory, name, expected)}: this process' is missing")
    return tuple(record_length(field_file(directory, name, process)) for process in processes)


def read_field(directory: Path, name: str, points: Sequence[int] | None = None) -> Values:
    """Read a field of all processes.

    Args:
        directory: where the files are.
        name: the field.
        points: how many points each process must have; None: whatever it has.

    Returns:
        The processes' numbers one after the other, float64.

    Raises:
        ModelError: a file is missing, torn or of another length.
    """
    found = field_points(directory, name)
    check_points(directory, name, found, found if points is None else points)
    parts = [read_record(field_file(directory, name, process)) for process in range(len(found))]
    values: Values = np.concatenate(parts).astype(np.float64)
    return values


def write_field(
    directory: Path,
    name: str,
    values: Values,
    points: Sequence[int],
    byte_order: ByteOrder = "little",
) -> None:
    """Write a field, one file per process.

    Args:
        directory: where; it must be there.
        name: the field.
        values: the processes' numbers one after the other.
        points: how many of them each process has.
        byte_order: of the machine that will read them.

    Raises:
        ModelError: there are more or fewer numbers than points, or one is not finite.
    """
    if len(values) != sum(points):
        raise ModelError(f"{directory}: field {name} has {len(values)} points, not {sum(points)}")
    first = 0
    for process, count in enumerate(points):
        part = values[first : first + count]
        write_record(field_file(directory, name, process), part, byte_order)
        first += count


def check_points(directory: Path, name: str, found: Sequence[int], wanted: Sequence[int]) -> None:
    """Compare the numbers of points per process.

    Raises:
        ModelError: they differ; the message says how, and hints at double precision.
    """
    if len(found) != len(wanted):
        raise ModelError(
            f"{directory}: field {name} is of {len(found)} processes, the mesh of {len(wanted)}"
        )
    for process, (there, expected) in enumerate(zip(found, wanted, strict=True)):
        if there != expected:
            hint = ": SPECFEM built in double precision?" if there == 2 * expected else ""
            raise ModelError(
                f"{field_file(directory, name, process)}: {there} points, "
                f"the mesh has {expected}{hint}"
            )
