"""A kernel from another, slab by slab."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from headrace.seismic.models import (
    FieldReader,
    FieldWriter,
    Layout,
    Parent,
    Provenance,
    Slab,
    Values,
)

Change = Callable[[str, Slab, Values], Values]


def changed(
    source: Path,
    target: Path,
    change: Change,
    provenance: Provenance,
    kind: str = "kernel",
) -> None:
    """Write what a function makes of every slab.

    Args:
        source: the file to read.
        target: the file to write, float64.
        change: called with field, rows and numbers; returns as many numbers.
        provenance: where the target comes from.
        kind: what the target is.
    """
    with FieldReader(source) as reader:
        layout = in_double(reader.layout)
        with FieldWriter(target, layout, kind, provenance) as writer:
            for name, slab, block in reader.blocks():
                writer.append(name, change(name, slab, block))


def in_double(layout: Layout) -> Layout:
    """Return the same layout in float64, as all work on kernels is done."""
    return layout.with_fields(layout.fields, "float64")


def parent(path: Path) -> Parent:
    """Return a file as the parent of another."""
    with FieldReader(path) as reader:
        return reader.parent
