"""Declarations of the keys of TOML files, and all that is made of them.

A key is declared once, as the field of a frozen dataclass::

    @dataclass(frozen=True)
    class Limits:
        free_disk: Annotated[float, Key("Disk space that must stay free.", unit="GB")] = 1.0

`table_of` makes a `Table` of the class. It reads a document (`Reading`), with faults that name
file, line and key; it yields the JSON schema for editors and the rows of the documentation's
tables. A `FileKind` names a file and its table; packages announce theirs by entry points.
"""

from headrace._internal.settings.document import Fault, TomlDocument, UnreadableToml
from headrace._internal.settings.file_kinds import (
    FileKind,
    file_kind,
    file_kinds,
    kind_of_file,
    missing_file_kinds,
)
from headrace._internal.settings.kinds import (
    AnyValue,
    Boolean,
    Choice,
    Function,
    Integer,
    InvalidValue,
    Kind,
    ListOf,
    Number,
    RefusedValue,
    Text,
    as_kind,
)
from headrace._internal.settings.place import INVALID, Place
from headrace._internal.settings.reading import Reading
from headrace._internal.settings.rows import Row, markdown_tables, rows_of
from headrace._internal.settings.tables import (
    Declared,
    FreeTable,
    Key,
    Named,
    Table,
    TableList,
    any_key,
    table_of,
)
from headrace._internal.settings.wording import KeyWording, PlainWording, ProjectWording, Wording

__all__ = [
    "INVALID",
    "AnyValue",
    "Boolean",
    "Choice",
    "Declared",
    "Fault",
    "FileKind",
    "FreeTable",
    "Function",
    "Integer",
    "InvalidValue",
    "Key",
    "KeyWording",
    "Kind",
    "ListOf",
    "Named",
    "Number",
    "Place",
    "PlainWording",
    "ProjectWording",
    "Reading",
    "RefusedValue",
    "Row",
    "Table",
    "TableList",
    "Text",
    "TomlDocument",
    "UnreadableToml",
    "Wording",
    "any_key",
    "as_kind",
    "file_kind",
    "file_kinds",
    "kind_of_file",
    "markdown_tables",
    "missing_file_kinds",
    "rows_of",
    "table_of",
]
