"""Events in a ROOT file: one tree entry an event, jagged branches for its hits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import awkward as ak
import numpy as np
import uproot
from numpy.typing import NDArray

from headrace._internal.closing import ClosedOnExit
from headrace.datarun.convert.columns import EventColumns
from headrace.datarun.reproducible_root import file_uuid

TREE = "events"
"""The name of the tree."""

METADATA = "metadata"
"""The name of the string that holds what is known of the run, as JSON."""

Compression = Literal["zstd", "lz4", "zlib", "none"]

_COMPRESSIONS = {
    "zstd": uproot.ZSTD(1),
    "lz4": uproot.LZ4(1),
    "zlib": uproot.ZLIB(1),
    "none": None,
}


class RootFile(ClosedOnExit):
    """Writes events to a tree, batch by batch."""

    def __init__(self, path: Path, compression: Compression = "zstd") -> None:
        """Start a file; what it held before is replaced.

        Args:
            path: the file.
            compression: how baskets are packed.

        Raises:
            OSError: the file cannot be written.
        """
        self._file = uproot.recreate(
            path, compression=_COMPRESSIONS[compression], uuid_function=file_uuid(path.name)
        )
        self._tree: Any = None

    def close(self) -> None:
        """Finish the file."""
        self._file.close()

    def write(self, columns: EventColumns) -> None:
        """Add events to the tree; every call makes one basket a branch."""
        arrays: dict[str, Any] = dict(columns.events)
        arrays["hits"] = jagged(columns.start, columns.hits)
        if columns.trace_start is not None and columns.traces is not None:
            arrays["trace"] = jagged(columns.trace_start, columns.traces)
        if self._tree is None:
            types = {
                name: values.dtype if isinstance(values, np.ndarray) else values.type.content
                for name, values in arrays.items()
            }
            # Assigning the arrays would make an RNTuple, which ROOT before 6.34 cannot read.
            self._tree = self._file.mktree(TREE, types, title="events of a data run")
        self._tree.extend(arrays)

    def describe(self, facts: dict[str, Any]) -> None:
        """Store what is known of the run."""
        self._file[METADATA] = json.dumps(facts, sort_keys=True)


def jagged(start: NDArray[np.int64], values: NDArray[Any] | dict[str, NDArray[np.generic]]) -> Any:
    """Values of all hits as an Awkward array with one list an event, without a copy.

    Args:
        start: where each event's values start, shape (events + 1,).
        values: one value a hit, or several by name.

    Returns:
        The Awkward array.
    """
    content: Any
    if isinstance(values, dict):
        content = ak.contents.RecordArray(
            [ak.contents.NumpyArray(column) for column in values.values()], list(values)
        )
    else:
        content = ak.contents.NumpyArray(values)
    return ak.Array(ak.contents.ListOffsetArray(ak.index.Index64(start), content))
