"""Tables of members: the reader of a file, by its suffix."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from headrace.campaigns.errors import CampaignError
from headrace.campaigns.members.csv_table import open_csv
from headrace.campaigns.members.parquet import open_parquet
from headrace.campaigns.members.records import open_json, open_yaml
from headrace.campaigns.members.rows import RowTable
from headrace.campaigns.members.toml_table import open_toml

_READERS: Final[Mapping[str, Callable[[Path], RowTable]]] = {
    ".csv": open_csv,
    ".tsv": open_csv,
    ".toml": open_toml,
    ".json": open_json,
    ".yaml": open_yaml,
    ".yml": open_yaml,
    ".parquet": open_parquet,
}


def open_table(path: Path) -> RowTable:
    """Read the head of a table; its rows follow as they are asked for.

    Args:
        path: the file; its suffix says what it is.

    Raises:
        CampaignError: no such suffix is known, or the file cannot be read.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise CampaignError(
            f"{path}: tables of members are {', '.join(_READERS)}; this is none of them"
        )
    if not path.exists():
        raise CampaignError(f"{path}: no such file; see members.table")
    if path.is_dir():
        raise CampaignError(f"{path}: is a directory; members.table is a file")
    return reader(path)
