"""Tables in TOML: ``[[member]]``, once for each member."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Final

from headrace.campaigns.errors import CampaignError
from headrace.campaigns.members.rows import RowTable, columns_of_records, rows_of_records

MEMBER: Final = "member"
_HEADER: Final = re.compile(r"\s*\[\[\s*[\"']?member[\"']?\s*\]\]")


def open_toml(path: Path) -> RowTable:
    """Read a table in TOML.

    Raises:
        CampaignError: the file cannot be read, is not TOML, or has no ``[[member]]``.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        values = tomllib.loads(text)
    except OSError as error:
        raise CampaignError(f"{path}: cannot read the table: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CampaignError(f"{path}: not valid TOML: {error}") from error
    records = values.get(MEMBER)
    if not isinstance(records, list):
        raise CampaignError(f"{path}: has no [[{MEMBER}]], one for each member")
    others = sorted(set(values) - {MEMBER})
    if others:
        raise CampaignError(f"{path}: has {others[0]!r} beside [[{MEMBER}]]; remove it")
    lines = [
        number
        for number, line in enumerate(text.splitlines(), start=1)
        if _HEADER.match(line) is not None
    ]
    places = [f"line {line}" for line in lines]
    if len(places) != len(records):  # as values of an array, or a header within a long text
        places = [f"{MEMBER} {number}" for number in range(1, len(records) + 1)]
    columns = columns_of_records(records)
    return RowTable(str(path), columns, rows_of_records(zip(places, records, strict=True), columns))
