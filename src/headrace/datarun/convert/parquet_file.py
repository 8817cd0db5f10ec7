"""Events in a Parquet file: the same columns as the ROOT tree's branches, as lists."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from headrace._internal.closing import ClosedOnExit
from headrace.datarun.convert.columns import PREFIX, EventColumns

METADATA = "headrace"
"""The key of the file's metadata that holds what is known of the run, as JSON."""


class ParquetFile(ClosedOnExit):
    """Writes events to a table, a row group a batch."""

    def __init__(self, path: Path) -> None:
        """Start a file; what it held before is replaced when the first events come.

        Args:
            path: the file.
        """
        self._path = path
        self._writer: Any = None

    def close(self) -> None:
        """Finish the file, if one was started."""
        if self._writer is not None:
            self._writer.close()

    def write(self, columns: EventColumns) -> None:
        """Add events to the table."""
        arrays: dict[str, Any] = {name: pa.array(v) for name, v in columns.events.items()}
        for name, values in columns.hits.items():
            arrays[PREFIX + name] = _lists(columns.start, values)
        if columns.trace_start is not None and columns.traces is not None:
            arrays["trace"] = _lists(columns.trace_start, columns.traces)
        table = pa.table(arrays)
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._path, table.schema, compression="zstd")
        self._writer.write_table(table)

    def describe(self, facts: dict[str, Any]) -> None:
        """Store what is known of the run."""
        self._writer.add_key_value_metadata({METADATA: json.dumps(facts, sort_keys=True)})


def _lists(start: NDArray[np.int64], values: NDArray[Any]) -> Any:
    return pa.ListArray.from_arrays(pa.array(start.astype(np.int32)), pa.array(values))
