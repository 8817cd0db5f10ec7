"""Fields in HDF5: written in order, whole or not at all; read in slabs.

A file holds ``/axes/NAME`` (coordinates, attribute ``units``; empty with an attribute ``count``
where points are only counted), ``/fields/NAME`` (chunked, attribute ``units``) and the attributes
``format``, ``kind``, ``axes``, ``fields``, ``provenance`` (JSON) and ``content`` (SHA-256 of axes
and fields, whatever the chunks).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from headrace._internal.atomic import publish_file, temporary_beside
from headrace._internal.closing import ClosedOnExit
from headrace.seismic.errors import ModelError, ModelNotFinite
from headrace.seismic.models.layout import Axis, FieldSpec, Layout, Slab, Values
from headrace.seismic.models.provenance import Parent, Provenance

FORMAT = "headrace-fields-1"


class FieldReader(ClosedOnExit):
    """An open file of fields.

    Args:
        path: the file.

    Raises:
        ModelError: it is not there, torn, or not a file of fields.
    """

    def __init__(self, path: Path) -> None:
        import h5py

        self.path = path
        try:
            # The file is never changed once it has its name, and locks fail on many a cluster.
            self._file = h5py.File(path, "r", locking=False)
        except FileNotFoundError:
            raise ModelError(f"{path}: no such file") from None
        except OSError as error:
            reason = str(error).splitlines()[0]
            raise ModelError(f"{path}: cannot be opened as HDF5, incomplete? ({reason})") from None
        try:
            self._read_header()
        except (KeyError, ValueError, ModelError) as error:
            self._file.close()
            raise ModelError(f"{path}: not a file of fields: {error}") from None

    def _read_header(self) -> None:
        attributes = self._file.attrs
        if attributes.get("format") != FORMAT:
            raise ValueError(f"attribute format is not {FORMAT}")
        self.kind = str(attributes["kind"])
        self.content = str(attributes["content"])
        self.provenance = Provenance.from_json(str(attributes["provenance"]))
        axes = []
        for name in json.loads(attributes["axes"]):
            data = self._file["axes"][name]
            if "count" in data.attrs:
                axes.append(Axis.counted(name, int(data.attrs["count"])))
            else:
                axes.append(Axis(name, str(data.attrs["units"]), tuple(data[...].tolist())))
        names = json.loads(attributes["fields"])
        stored = [self._file["fields"][name] for name in names]
        self.layout = Layout(
            axes=tuple(axes),
            fields=tuple(
                FieldSpec(name, str(data.attrs["units"]))
                for name, data in zip(names, stored, strict=True)
            ),
            dtype=str(stored[0].dtype),
        )
        for name, data in zip(names, stored, strict=True):
            if data.shape != self.layout.shape or str(data.dtype) != self.layout.dtype:
                raise ValueError(f"field {name} is {data.shape} {data.dtype}, the grid is not")

    @property
    def parent(self) -> Parent:
        """This file as the parent of another."""
        return Parent(self.path.name, self.content)

    def rows(self, name: str, rows: slice) -> Values:
        """Return some rows of a field.

        Args:
            name: the field.
            rows: which rows of the first axis.

        Returns:
            Shape ``(rows, ...)``, float64.

        Raises:
            ModelError: there is no such field, it cannot be read, or a number is not finite.
        """
        try:
            data: Values = self._file["fields"][name][rows].astype(np.float64)
        except KeyError:
            known = ", ".join(self.layout.names)
            raise ModelError(f"{self.path}: no field {name}: there are {known}") from None
        except OSError as error:
            raise ModelError(f"{self.path}: field {name} cannot be read: {error}") from None
        if not np.isfinite(data).all():
            raise ModelError(f"{self.path}: {self._not_finite(name, rows, data)}")
        return data

    def _not_finite(self, name: str, rows: slice, data: Values) -> str:
        """Words for the first number that is not finite: its field, its place, how many more."""
        wrong = np.argwhere(~np.isfinite(data))
        place = wrong[0].copy()
        value = data[tuple(place)]
        place[0] += rows.indices(self.layout.shape[0])[0]
        at = ", ".join(
            f"{axis.name} = {axis.values[index]:g} {axis.units}".removesuffix(" 1")
            for axis, index in zip(self.layout.axes, place, strict=True)
        )
        more = f" and at {len(wrong) - 1} more points of these rows" if len(wrong) > 1 else ""
        index = ", ".join(str(number) for number in place)
        return f"field {name} is not finite ({value:g}) at {at}, point ({index}){more}"

    def read_field(self, name: str) -> Values:
        """Return a whole field, float64, shape of the grid."""
        return self.rows(name, slice(None))

    def blocks(self) -> Iterator[tuple[str, Slab, Values]]:
        """Yield every slab of every field, in order: name, rows, numbers."""
        for name in self.layout.names:
            for slab in self.layout.slabs():
                yield name, slab, self.rows(name, slab.rows)

    def verify(self) -> None:
        """Read all of it and compare with the content hash.

        Raises:
            ModelError: the content is not what was written.
        """
        hashing = _Content(self.layout)
        for name, _, block in self.blocks():
            hashing.add(name, block.astype(self.layout.dtype))
        if hashing.digest() != self.content:
            raise ModelError(f"{self.path}: damaged: its content is not what was written")

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def content_of(path: Path) -> str:
    """Return the hash of the content of a file of fields.

    Raises:
        ModelError: the file is missing or torn.
    """
    with FieldReader(path) as reader:
        return reader.content


class FieldWriter:
    """A file of fields being written, row after row; it gets its name when all is there.

    Use it as a context manager: the file is flushed, synced and renamed at the end of the block,
    and is not there at all if the block raised.

    Args:
        path: the file; one that is there is replaced.
        layout: what will be in it.
        kind: ``model``, ``kernel``, ``gradient`` or ``vector``.
        provenance: where it comes from.
    """

    def __init__(self, path: Path, layout: Layout, kind: str, provenance: Provenance) -> None:
        self.path = path
        self.layout = layout
        self.content = ""
        self._kind = kind
        self._provenance = provenance
        self._temporary = temporary_beside(path)
        self._written = dict.fromkeys(layout.names, 0)
        self._hashing = _Content(layout)

    def __enter__(self) -> Self:
        import h5py

        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._file = h5py.File(self._temporary, "w", locking=False)
        except OSError as error:
            raise ModelError(f"{self._temporary}: cannot be written: {error}") from None
        for axis in self.layout.axes:
            counted = isinstance(axis.values, range)
            values = () if counted else axis.values
            made = self._file.create_dataset(f"axes/{axis.name}", data=np.asarray(values, float))
            made.attrs["units"] = axis.units
            if counted:
                made.attrs["count"] = len(axis.values)
        for spec in self.layout.fields:
            made = self._file.create_dataset(
                f"fields/{spec.name}",
                shape=self.layout.shape,
                dtype=self.layout.dtype,
                chunks=self.layout.chunks(),
            )
            made.attrs["units"] = spec.units
        return self

    def append(self, name: str, rows: npt.NDArray[np.floating[Any]]) -> None:
        """Write the next rows of a field.

        Args:
            name: the field.
            rows: shape ``(rows, ...)``; all must be finite.

        Raises:
            ModelNotFinite: a number is not finite.
            ModelError: the disk is full.
        """
        with np.errstate(over="ignore"):  # refused below
            kept = np.ascontiguousarray(rows, dtype=self.layout.dtype)
        first = self._written[name]
        if not np.isfinite(kept).all():
            place = np.argwhere(~np.isfinite(kept))[0]
            place[0] += first
            where = ", ".join(str(index) for index in place)
            raise ModelNotFinite(f"{self.path}: field {name} is not finite at ({where})")
        try:
            self._file["fields"][name][first : first + len(kept)] = kept
        except (OSError, RuntimeError) as error:  # h5py reports a failed flush as either
            raise ModelError(f"{self.path}: cannot be written, disk full? ({error})") from None
        self._written[name] += len(kept)
        self._hashing.add(name, kept)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._finish()
            else:
                self._file.close()
        except (OSError, RuntimeError) as problem:
            raise ModelError(f"{self.path}: cannot be written, disk full? ({problem})") from None
        finally:
            self._temporary.unlink(missing_ok=True)

    def _finish(self) -> None:
        short = [name for name, rows in self._written.items() if rows != self.layout.shape[0]]
        if short:
            self._file.close()
            raise ModelError(f"{self.path}: field {short[0]} was not written to its end")
        self.content = self._hashing.digest()
        attributes: Mapping[str, str] = {
            "format": FORMAT,
            "kind": self._kind,
            "axes": json.dumps([axis.name for axis in self.layout.axes]),
            "fields": json.dumps(self.layout.names),
            "provenance": self._provenance.to_json(),
            "content": self.content,
        }
        for name, text in attributes.items():
            self._file.attrs[name] = text
        self._file.close()
        publish_file(self._temporary, self.path)


class _Content:
    """SHA-256 of axes and fields; each field by itself, for they may be written in turns."""

    def __init__(self, layout: Layout) -> None:
        about = [
            [
                axis.name,
                axis.units,
                len(axis.values) if isinstance(axis.values, range) else axis.values,
            ]
            for axis in layout.axes
        ]
        fields = [[spec.name, spec.units] for spec in layout.fields]
        self._about = json.dumps([about, fields, layout.dtype]).encode()
        self._fields = {name: hashlib.sha256() for name in layout.names}

    def add(self, name: str, rows: npt.NDArray[np.floating[Any]]) -> None:
        self._fields[name].update(np.ascontiguousarray(rows).data)

    def digest(self) -> str:
        digest = hashlib.sha256(self._about)
        for field in self._fields.values():
            digest.update(field.digest())
        return digest.hexdigest()
