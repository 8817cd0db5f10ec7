"""Members of campaigns, read from tables and directories.

A reader yields the rows of a file one by one, each with its place; a row that cannot be used is
yielded with the reason, and the ones after it are read all the same. `new_members` makes members of
the rows.

================================================  ===============================================
`rows`                                            a row, and a table of them
`tables`                                          the reader of a file, by its suffix
`csv_table`, `toml_table`, `records`, `parquet`   one kind of file each
`directories`                                     directories that are members
`keys`                                            keys that are safe as names of directories
`row_text`                                        templates of texts over the columns of a row
`new_members`                                     members made of rows
`arrivals`                                        members made of a trigger's arrivals
================================================  ===============================================
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace._internal.lazy_names import lazy_names

if TYPE_CHECKING:
    from headrace.campaigns.members.directories import find_directories
    from headrace.campaigns.members.new_members import MemberReader, read_members
    from headrace.campaigns.members.rows import MemberRow, RowTable
    from headrace.campaigns.members.tables import open_table

__all__ = [
    "MemberReader",
    "MemberRow",
    "RowTable",
    "find_directories",
    "open_table",
    "read_members",
]

__getattr__ = lazy_names(__name__)
