"""Tables in Parquet, read in portions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from headrace.campaigns.errors import CampaignError
from headrace.campaigns.members.rows import MemberRow, RowTable, checked_row

_PORTION: Final = 2_000
# pandas writes a table's index as a column of such a name where it has none of its own.
_INDEX: Final = "__index_level_"


def open_parquet(path: Path) -> RowTable:
    """Read the head of a table in Parquet; its rows follow as they are asked for.

    Raises:
        CampaignError: pyarrow is not installed, or the file cannot be read or is not Parquet.
    """
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ModuleNotFoundError as error:
        raise CampaignError(
            f"{path}: tables in Parquet need pyarrow, which is not installed: "
            "`pip install 'headrace[tables]'`, or write it as CSV"
        ) from error
    try:
        file = ParquetFile(path)
    except OSError as error:
        raise CampaignError(f"{path}: cannot read the table: {error.strerror or error}") from error
    except ArrowException as error:
        raise CampaignError(f"{path}: not valid Parquet: {' '.join(str(error).split())}") from error
    columns = tuple(name for name in file.schema_arrow.names if not name.startswith(_INDEX))
    return RowTable(str(path), columns, _rows(path, file, columns))


def _rows(path: Path, file: Any, columns: tuple[str, ...]) -> Iterator[MemberRow]:
    from pyarrow import ArrowException

    number = 0
    with file:
        batches = file.iter_batches(batch_size=_PORTION, columns=list(columns))
        while True:
            try:
                batch = next(batches, None)
            except (OSError, ArrowException) as error:
                raise CampaignError(
                    f"{path}: row {number + 1}: cannot be read: {' '.join(str(error).split())}"
                ) from error
            if batch is None:
                return
            for record in batch.to_pylist():
                number += 1
                yield checked_row(f"row {number}", record)
